import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { letGoOfAll, letGoOfChunk } from '../../../lib/bucket/garbage.ts'

const MIB = 1024 ** 2

describe('memory that is let go of', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('is that of chunks once there are 8 MiB of them', () => {
    const gc = vi.fn()
    vi.stubGlobal('gc', gc)
    for (let chunk = 1; chunk < 128; chunk++) letGoOfChunk(MIB / 16)
    expect(gc).not.toHaveBeenCalled()
    letGoOfChunk(MIB / 16)
    expect(gc).toHaveBeenCalledExactlyOnceWith({ type: 'minor' })
    letGoOfChunk(MIB / 16)
    expect(gc).toHaveBeenCalledOnce()
  })

  it('is left to V8 where the process does not let us', () => {
    vi.stubGlobal('gc', undefined)
    expect(() => {
      letGoOfChunk(9 * MIB)
      letGoOfAll()
    }).not.toThrow()
  })

  it('is all that is not in use, once what was held is needed no more', async () => {
    const { held, left } = await inProcess(`
      ${HOLD}
      const held = process.memoryUsage().heapTotal
      graph = undefined
      letGoOfAll()
      console.log(JSON.stringify({ held, left: process.memoryUsage().heapTotal }))`)
    expect(left).toBeLessThan((held ?? 0) / 2)
  })

  it('is the space for young objects, which does not grow', async () => {
    const young = `
      ${HOLD}
      const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
      console.log(JSON.stringify({ space_size }))`
    const [asItIs, small] = await Promise.all([
      inProcess(young),
      inProcess(`keepYoungSpaceSmall()\n${young}`),
    ])
    expect(small['space_size']).toBeLessThanOrEqual(2 * MIB)
    expect(asItIs['space_size']).toBeGreaterThan(4 * MIB)
  })
})

/** Much that stays, and as much that does not. */
const HOLD = `
  let graph = []
  for (let at = 0; at < 300_000; at++) graph.push({ at, items: [{ at }] })`

/** What a script prints in a process of its own, whose memory nobody else changes. */
async function inProcess<Name extends string>(script: string): Promise<Record<Name, number>> {
  const module = fileURLToPath(new URL('../../../lib/bucket/garbage.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--max-semi-space-size=12',
    '--input-type=module',
    '--eval',
    `import { getHeapSpaceStatistics } from 'node:v8'
     import { keepYoungSpaceSmall, letGoOfAll } from ${JSON.stringify(module)}
     ${script}`,
  ])
  return JSON.parse(stdout)
}
