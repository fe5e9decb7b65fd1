/** Runs and keys with unusual names, and objects that are somebody else's. */
import { describe, expect, it } from 'vitest'
import { ask, hubSettled, Run, recordedCheckpoint } from './deployed.ts'

const options = { interval: 1, max_keep_ckpts: 1, save_best: 'acc', published_keys: 'state_dict' }

describe('a run', () => {
  it.each([
    'e2e/with space',
    'e2e/a+b',
    'e2e/50%25',
    'e2e/lr=0.1,wd=1e-4',
    'e2e/größe/実験',
    "e2e/it's (new) #1?&",
    '.',
  ])('named %j is kept, published and answered', async (name) => {
    const run = new Run(name)
    await run.put('checkpoint_hook.json', options)
    for (const step of [1, 2]) await run.put(`iter_${step}.pth`, await recordedCheckpoint(step))
    await run.put('metrics/1.json', { iter: 1, metrics: { acc: 0.9 } })
    await run.put('after_train.json', {})
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['iter_2.pth'])
    const names = Object.keys(await run.listing())
    expect(names).toContain('best_acc_iter_1.pth')
    expect(names.filter((each) => /-[0-9a-f]{8}\.pth$/.test(each))).toHaveLength(2)
    expect(String(await run.bytes('last_checkpoint'))).toMatch(/\/iter_2\.pth$/)

    const { status, body } = await ask(`best?${new URLSearchParams({ run: name })}`)
    expect(status).toBe(200)
    const downloaded = await fetch(String(body['url']))
    expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(
      await run.bytes('best_acc_iter_1.pth'),
    )
  })

  it('inside another is a run of its own', async () => {
    const outer = new Run()
    const inner = new Run(`${outer.name}/epoch_50`)
    await outer.put('checkpoint_hook.json', options)
    await inner.put('checkpoint_hook.json', { ...options, max_keep_ckpts: 2 })
    for (const step of [1, 2, 3]) {
      await outer.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
      await inner.put(`iter_${step}.pth`, await recordedCheckpoint(step))
    }
    await hubSettled()
    expect(await outer.checkpoints()).toEqual(['epoch_3.pth'])
    expect(await inner.checkpoints()).toEqual(['iter_2.pth', 'iter_3.pth'])
  })

  it('with another filename_tmpl counts what was uploaded before its options', async () => {
    const run = new Run()
    for (const step of [1, 2, 3]) await run.put(`ckpt-${step}.pt`, await recordedCheckpoint(step))
    await hubSettled()
    await run.put('checkpoint_hook.json', { filename_tmpl: 'ckpt-{}.pt', max_keep_ckpts: 2 })
    await hubSettled()
    await run.put('ckpt-4.pt', await recordedCheckpoint(4))
    await hubSettled()
    const names = Object.keys(await run.listing()).filter((name) => name.startsWith('ckpt-'))
    expect(names).toEqual(['ckpt-3.pt', 'ckpt-4.pt'])
  })
})

describe("a trainer's own", () => {
  it.each(['before', 'after'])(
    'best file, uploaded %s ours is made, is left alone',
    async (when) => {
      const run = new Run()
      const theirs = 'uploaded by the trainer'
      if (when === 'before') await run.put('best_acc_epoch_1.pth', theirs)
      await run.put('checkpoint_hook.json', { ...options, published_keys: null })
      await run.put('epoch_1.pth', await recordedCheckpoint(1))
      await run.put('metrics/1.json', { epoch: 1, metrics: { acc: 0.9 } })
      await hubSettled()
      if (when === 'after') await run.put('best_acc_epoch_1.pth', theirs)
      await hubSettled()
      expect(String(await run.bytes('best_acc_epoch_1.pth'))).toBe(theirs)
      const { best_ckpt } = await run.runtimeInfo()
      expect(best_ckpt).toMatch(/\/best_acc_epoch_1\.hub\.pth$/)
      expect(Object.keys(await run.listing())).toContain('best_acc_epoch_1.hub.pth')
      expect(await run.problems()).toMatchObject([
        { severity: 'warning', key: run.key('best_acc_epoch_1.pth') },
      ])
    },
  )

  it('last_checkpoint is rewritten', async () => {
    const run = new Run()
    await run.put('epoch_1.pth', await recordedCheckpoint(1))
    await hubSettled()
    const ours = String(await run.bytes('last_checkpoint'))
    await run.put('last_checkpoint', '/home/trainer/work_dir/epoch_1.pth')
    await hubSettled()
    expect(String(await run.bytes('last_checkpoint'))).toBe(ours)
  })
})
