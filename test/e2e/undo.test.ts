/** What was decided, deleted or removed, and is undone or not, as people see it: scenarios on the stack. */
import { describe, expect, it } from 'vitest'
import { hubSettled, type Run, recordedCheckpoint } from './deployed.ts'
import { nextSecond, stepOf, told, trained, upload } from './trained-run.ts'

describe('somebody who wants a checkpoint', () => {
  it('restores what retention evicted, keeps it by its pin, and lets it go by unpinning', async () => {
    const run = await trained({ max_keep_ckpts: 1 }, 3)
    expect(await run.checkpoints()).toEqual(['epoch_3.pth'])
    expect(await stepOf(run, 1)).toMatchObject({
      fate: 'evicted',
      restorable_until: expect.stringMatching(/T00:00:00\.000Z$/),
    })

    expect((await told('restore', run.name, '1', '--by', 'ada')).out).toContain(
      'is back, and pinned',
    )
    await upload(run, 4)
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_1.pth', 'epoch_4.pth'])
    expect(await run.bytes('epoch_1.pth')).toEqual(await recordedCheckpoint(1))
    expect((await stepOf(run, 1))['reason']).toMatch(/^kept: pinned by ada, since /)
    expect((await run.runtimeInfo())['keep_ckpt_ids']).toEqual([4])

    expect((await told('unpin', run.name, 'epoch_1.pth')).out).toContain(
      'evicted: max_keep_ckpts=1',
    )
    expect(await run.checkpoints()).toEqual(['epoch_4.pth'])
  })
})

describe('an evaluation that comes after its checkpoint was evicted', () => {
  it('makes that the best; a correction gives the place to another', async () => {
    const run = await trained({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }, 4)
    expect(await run.checkpoints()).toEqual(['epoch_2.pth', 'epoch_4.pth'])
    await run.put('metrics/3.json', { epoch: 3, metrics: { acc: 0.9 } })
    await hubSettled()
    // It set a record, and belongs to the deque: it comes back.
    expect(await run.checkpoints()).toEqual(['epoch_3.pth', 'epoch_4.pth'])
    expect((await run.runtimeInfo())['best_ckpt']).toMatch(/best_acc_epoch_3\.pth$/)

    await run.put('metrics/4.json', { epoch: 4, metrics: { acc: 0.7 } })
    await run.put('metrics/3.json', { epoch: 3, metrics: { acc: 0.6 } })
    await hubSettled()
    expect(await run.runtimeInfo()).toMatchObject({
      best_score: '0.7',
      best_ckpt: expect.stringMatching(/best_acc_epoch_4\.pth$/),
    })
    expect(Object.keys(await run.listing())).not.toContain('best_acc_epoch_3.pth')
  })
})

describe('options that would evict more than the brake allows', () => {
  it('are held, and followed once somebody agrees', async () => {
    const run = await trained({}, 13)
    await nextSecond()
    await run.put('checkpoint_hook.json', { max_keep_ckpts: 1 })
    await hubSettled()
    expect(await run.checkpoints()).toHaveLength(13)
    expect((await run.runtimeInfo())['held']).toMatchObject({ evicts: 12 })
    expect((await told('apply', run.name)).out).toContain('Nothing was done.')
    expect((await told('apply', run.name, '--yes')).out).toContain('Agreed')
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_13.pth'])
  })
})

describe('a person who removes objects', () => {
  it('is not overruled: the last and the best are the next ones, and a pin is void', async () => {
    const run = await trained({ save_best: 'acc' }, 2)
    await run.put('metrics/1.json', { epoch: 1, metrics: { acc: 0.9 } })
    await run.put('metrics/2.json', { epoch: 2, metrics: { acc: 0.8 } })
    await told('pin', run.name, '2')
    await run.remove('epoch_2.pth')
    await hubSettled()
    await run.remove('best_acc_epoch_1.pth')
    await hubSettled()
    expect(await run.runtimeInfo()).toMatchObject({
      last_ckpt: expect.stringMatching(/epoch_1\.pth$/),
      best_ckpt: expect.stringMatching(/best_acc_epoch_2\.pth$/),
    })
    expect(await stepOf(run, 2)).toMatchObject({
      fate: 'removed',
      removed: { seconds: expect.any(Number) },
    })
    expect((await run.problems()).map(({ field }) => field)).toEqual(['pin'])
    const { code, err } = await told('restore', run.name, '2')
    expect([code, err]).toEqual([6, expect.stringContaining('was removed')])
  })

  it('may remove the whole run, and have it forgotten', async () => {
    const run = await trained({}, 2)
    expect((await told('forget', run.name, '--yes')).err).toContain('still there')
    await removeAll(run)
    // Between two removals the hub may have named the one that was left in last_checkpoint, which is back then.
    if (Object.keys(await run.listing()).join() === 'last_checkpoint') await removeAll(run)
    expect(await told('forget', run.name, '--yes')).toMatchObject({
      out: expect.stringContaining('Forgotten'),
      err: '',
    })
    expect(await run.entries()).toEqual(new Map())
  })
})

async function removeAll(run: Run): Promise<void> {
  for (const name of Object.keys(await run.listing())) await run.remove(name)
  await hubSettled()
}
