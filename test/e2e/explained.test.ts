/** Why a checkpoint is there or not, what another policy would do, and a pin against it: scenarios on the stack. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hubSettled } from './deployed.ts'
import { nextSecond, stepOf, told, trained, upload } from './trained-run.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'options-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('somebody who misses a checkpoint', () => {
  it('is told by which rule it went, for which others, and until when it can be had back', async () => {
    const run = await trained({ max_keep_ckpts: 2 }, 3)
    const { code, out } = await told('explain', run.name, '1')
    expect(code).toBe(0)
    expect(out).toMatch(/is evicted: max_keep_ckpts=2, and newer are epoch_2.pth .* epoch_3.pth/)
    expect(out).toContain('decided by the upload of epoch_3.pth')
    expect(out).toContain(String((await stepOf(run, 1))['restorable_until']).slice(0, 10))

    const all = await told('explain', run.name)
    expect(all.out).toMatch(/epoch_1\.pth\tevicted/)
    expect(all.out).toMatch(/epoch_2\.pth\tkept/)
  })
})

describe('somebody who wants to keep less', () => {
  it('sees what would go, pins one of them, and keeps that when the options come', async () => {
    const run = await trained({ max_keep_ckpts: 3 }, 3)
    const file = join(folder, 'new.json')
    await writeFile(file, JSON.stringify({ max_keep_ckpts: 1 }))
    const before = await run.listing()
    const planned = await told('plan', run.name, '--options', file)
    expect(planned.code).toBe(0)
    expect(planned.out).toMatch(/epoch_1\.pth\t.*evicted/)
    expect(await run.listing()).toEqual(before)

    expect((await told('pin', run.name, '1', '--by', 'ada')).code).toBe(0)
    await nextSecond()
    await run.put('checkpoint_hook.json', { max_keep_ckpts: 1 })
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_1.pth', 'epoch_3.pth'])
    await upload(run, 4)
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_1.pth', 'epoch_4.pth'])
    expect((await told('explain', run.name, '1')).out).toContain('pinned by ada')
  })
})
