/** What was decided before a fact was known is undone once it is. */
import { describe, expect, it } from 'vitest'
import { hubSettled, Run, recordedCheckpoint } from './deployed.ts'

describe('a late metric', () => {
  it('brings back a checkpoint that it keeps, which was evicted before', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { interval: 2, max_keep_ckpts: 2, save_best: 'acc' })
    for (const step of [2, 3, 4]) await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
    await hubSettled()
    // Step 3 is outside the series, and 4 is newer.
    expect(await run.checkpoints()).toEqual(['epoch_2.pth', 'epoch_4.pth'])

    await run.put('metrics/3.json', { epoch: 3, metrics: { acc: 0.9 } })
    await hubSettled()
    // It set a record, and so it is in the deque: 3 and 4 are the newest two.
    expect(await run.checkpoints()).toEqual(['epoch_3.pth', 'epoch_4.pth'])
    expect(await run.bytes('epoch_3.pth')).toEqual(await recordedCheckpoint(3))
    const info = await run.runtimeInfo()
    expect(info['keep_ckpt_ids']).toEqual([3, 4])
    expect(info['best_ckpt']).toMatch(/best_acc_epoch_3\.pth$/)
  })

  it('makes the best copy of a checkpoint that is gone from the listing', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { max_keep_ckpts: 1, save_best: 'loss' })
    for (const step of [1, 2, 3]) await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_3.pth'])
    await run.put('metrics/1.json', { epoch: 1, metrics: { loss: 0.1 } })
    await run.put('metrics/3.json', { epoch: 3, metrics: { loss: 0.2 } })
    await hubSettled()
    const names = Object.keys(await run.listing())
    expect(names.filter((name) => name.startsWith('best_'))).toEqual(['best_loss_epoch_1.pth'])
  })
})

describe('an end of training', () => {
  it('waits for the upload that it names', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { published_keys: ['state_dict'] })
    await run.put('epoch_1.pth', await recordedCheckpoint(1))
    await run.put('after_train.json', { last: 'epoch_2.pth' })
    await hubSettled()
    expect(await publishedStems(run)).toEqual([])
    expect((await run.runtimeInfo())['waits_for']).toBe('epoch_2.pth')
    await run.put('epoch_2.pth', await recordedCheckpoint(2))
    await hubSettled()
    expect(await publishedStems(run)).toEqual(['epoch_2'])
  })

  it('publishes once; later uploads publish nothing, and the hub says that an end is due', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { published_keys: ['state_dict'] })
    await run.put('epoch_1.pth', await recordedCheckpoint(1))
    await run.put('after_train.json', {})
    await hubSettled()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    await run.put('epoch_2.pth', await recordedCheckpoint(2))
    await hubSettled()
    expect(await publishedStems(run)).toEqual(['epoch_1'])
    expect((await run.runtimeInfo())['publish_due']).toBe(true)
    await run.put('after_train.json', {})
    await hubSettled()
    expect(await publishedStems(run)).toEqual(['epoch_1', 'epoch_2'])
    expect((await run.runtimeInfo())['publish_due']).toBe(false)
  })
})

describe('a checkpoint that a person removes', () => {
  it('is not brought back, and the last is the next one', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { max_keep_ckpts: 2 })
    for (const step of [1, 2, 3]) await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
    await hubSettled()
    await run.remove('epoch_3.pth')
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_2.pth'])
    expect((await run.runtimeInfo())['last_ckpt']).toMatch(/epoch_2\.pth$/)
    expect(await run.fates()).toEqual({ epoch_1: 'evicted', epoch_2: 'kept', epoch_3: 'removed' })
  })
})

async function publishedStems(run: Run): Promise<string[]> {
  return Object.keys(await run.listing())
    .filter((name) => /-[0-9a-f]{8}\.pth$/.test(name))
    .map((name) => name.replace(/-[0-9a-f]{8}\.pth$/, ''))
}
