/** The killer, with processes of this test: one at work, one that waits, one that it was not told of. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, describe, expect, it } from 'vitest'
import { chanceOf } from '../oracle/chance.ts'
import { killAtRandom } from './killer.ts'
import { type FunctionProcess, workersOf } from './processes.ts'

const CALLS =
  "require('node:net').createServer().listen(0, '127.0.0.1', () => setTimeout(work, 10))"
const WORKS = `function work() { for (;;) Math.random() }; ${CALLS}`
const WAITS = `function work() {}; ${CALLS}`
const LOADS = 'for (;;) Math.random()'

const started: ChildProcess[] = []

afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
})

async function start(program: string, name: string): Promise<FunctionProcess> {
  const ready = `process.stdout.write('up', () => { ${program} })`
  const child = spawn(process.execPath, ['-e', ready], { stdio: ['ignore', 'pipe', 'ignore'] })
  started.push(child)
  await once(child.stdout, 'data')
  return { pid: child.pid ?? 0, name }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

// The system's own list of processes is read in `/proc`.
describe.runIf(process.platform === 'linux')('the killer', () => {
  it('ends processes that work, of those that it was told, and no others', async () => {
    const [works, waits, loads, strange] = await Promise.all([
      start(WORKS, 'ingest'),
      start(WAITS, 'publish'),
      start(LOADS, 'publish'),
      start(WORKS, 'ingest'),
    ])
    const told = [waits, loads, works]
    const over = new AbortController()
    const kills = await killAtRandom(
      {
        kills: 1,
        processes: async () => told,
        chance: chanceOf(1, 1),
        pauseMs: 5,
        onKill: () => {},
      },
      over.signal,
    )
    expect(kills).toMatchObject([works])
    await once(started[0] ?? process, 'exit')
    const left = [works, waits, loads, strange].filter(({ pid }) => exists(pid))
    expect(left).toEqual([waits, loads, strange])
  })

  it('makes no kill once it is told to stop', async () => {
    const signal = AbortSignal.abort()
    const setting = { kills: 3, chance: chanceOf(1, 1), pauseMs: 5, onKill: () => {} }
    expect(await killAtRandom({ ...setting, processes: async () => [] }, signal)).toEqual([])
  })

  it('takes nothing for a function that the emulator did not start', async () => {
    await start(WAITS, 'none')
    expect(await workersOf(process.pid)).toEqual([])
  })
})
