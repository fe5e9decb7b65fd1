/** Directory checkpoints on the deployed stack: files by the hundred, as clients upload them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ask, hubSettled, Run } from './deployed.ts'
import { comparableState } from './same-hub.ts'

const OPTIONS = { by_epoch: false, interval: 100, max_keep_ckpts: 2, save_best: 'acc' }
/** S3 tells whole seconds, by which uploads of one directory are told from those of the next. */
const A_SECOND = 1100

/** The files of a step's directory, its marker last. */
function filesOf(step: number, count = 3): [name: string, body: string][] {
  const ranks = Array.from({ length: count }, (_, rank) => `rank ${rank} of step ${step}`)
  const files = ranks.map((body, rank) => ({ name: `rank_${rank}.bin`, size: body.length, body }))
  const listed = files.map(({ name, size }) => ({ name, size }))
  return [
    ...files.map(({ name, body }): [string, string] => [`iter_${step}.pth/${name}`, body]),
    [`iter_${step}.pth/.complete.json`, JSON.stringify({ files: listed })],
  ]
}

async function save(run: Run, files: [name: string, body: string][]): Promise<void> {
  for (const [name, body] of files) await run.put(name, body)
  await sleep(A_SECOND)
}

async function directories(run: Run): Promise<string[]> {
  const names = Object.keys(await run.listing()).filter((name) => name.startsWith('iter_'))
  return [...new Set(names.map((name) => name.split('/', 1)[0] ?? ''))].toSorted()
}

describe('directories', () => {
  it('are kept, evicted and answered for like files', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', OPTIONS)
    for (const step of [100, 200, 300, 400]) await save(run, filesOf(step))
    await hubSettled()

    expect(await directories(run)).toEqual(['iter_300.pth', 'iter_400.pth'])
    const info = await run.runtimeInfo()
    expect(info).toMatchObject({ keep_ckpt_ids: [300, 400] })
    expect(info['last_ckpt']).toMatch(/\/iter_400\.pth$/)
    expect(String(await run.bytes('last_checkpoint'))).toBe(info['last_ckpt'])
    expect(await run.problems()).toEqual([])
    const { body } = await ask(`last?run=${encodeURIComponent(run.name)}`)
    expect(body).toMatchObject({
      step: 400,
      directory: { key: run.key('iter_400.pth'), files: 3 },
      object: { key: run.key('iter_400.pth/.complete.json') },
    })
  })

  it('end the same, whether the marker comes last or first', async () => {
    const [last, first] = [new Run(), new Run()]
    for (const [run, order] of [
      [last, (files: [string, string][]) => files],
      [first, (files: [string, string][]) => files.toReversed()],
    ] as const) {
      await run.put('checkpoint_hook.json', OPTIONS)
      for (const step of [100, 200, 300]) await save(run, order(filesOf(step)))
    }
    await hubSettled()
    expect(await comparableState(first)).toEqual(await comparableState(last))
    expect(await directories(first)).toEqual(['iter_200.pth', 'iter_300.pth'])
  })

  it('come back where a late score makes one the best, which is not copied', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', OPTIONS)
    for (const step of [100, 200, 300]) await save(run, filesOf(step))
    await hubSettled()
    expect(await directories(run)).toEqual(['iter_200.pth', 'iter_300.pth'])

    await run.put('metrics/100.json', { iter: 100, metrics: { acc: 0.9 } })
    await hubSettled()
    expect(await directories(run)).toEqual(['iter_100.pth', 'iter_200.pth', 'iter_300.pth'])
    for (const [name, body] of filesOf(100)) expect(String(await run.bytes(name))).toBe(body)
    expect(await run.fates()).toEqual({ iter_100: 'kept', iter_200: 'kept', iter_300: 'kept' })
    const problems = await run.problems()
    expect(problems).toMatchObject([{ field: 'best', reason: expect.stringMatching(/rewritten/) }])
    const { body } = await ask(`best?run=${encodeURIComponent(run.name)}`)
    expect(body).toMatchObject({
      step: 100,
      object: { key: run.key('iter_100.pth/.complete.json') },
    })
    expect((await run.runtimeInfo())['best_ckpt']).toMatch(/\/iter_100\.pth$/)
  })

  it('of many files are one entry that does not grow with them', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { ...OPTIONS, max_keep_ckpts: 1 })
    const files = filesOf(100, 150)
    for (let at = 0; at < files.length; at += 50) {
      await Promise.all(files.slice(at, at + 50).map(([name, body]) => run.put(name, body)))
    }
    await hubSettled()
    const entry = (await run.entries()).get('step#iter#0000000000000100')
    expect(entry).toMatchObject({ fate: 'kept', uploads: [{ directory: { files: 150 } }] })
    expect(JSON.stringify(entry).length).toBeLessThan(2000)
    await save(run, filesOf(200))
    await hubSettled()
    expect(await directories(run)).toEqual(['iter_200.pth'])
  })

  it('without a marker are kept, reported, and never the last', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', OPTIONS)
    await run.put('iter_100.pth/mp_rank_00_model_states.pt', 'DeepSpeed')
    await run.put('iter_100.pth/latest', 'global_step100')
    await hubSettled()
    expect(await run.fates()).toEqual({ iter_100: 'torn' })
    expect((await run.runtimeInfo())['last_ckpt']).toBeUndefined()
    expect(await run.problems()).toMatchObject([
      { key: run.key('iter_100.pth/'), reason: expect.stringMatching(/neither/) },
    ])
  })
})
