/** What was there before the hub, and a hub that forgot: scenarios on the stack. */
import { describe, expect, it } from 'vitest'
import { hubSettled, Run, withoutNotifications } from './deployed.ts'
import { told, train } from './trained-run.ts'

const OPTIONS = { max_keep_ckpts: 1, save_best: 'acc' }

describe('a prefix that was full before the hub looked', () => {
  it('is adopted once somebody has seen what would come of it, and then is like any other run', async () => {
    const run = new Run()
    await withoutNotifications(() => trainAndEvaluate(run))
    await hubSettled()
    const before = await run.listing()

    const dry = await told('adopt', run.name)
    expect(dry.code).toBe(0)
    expect(
      dry.out
        .trim()
        .split('\n')
        .map((line) => line.split('\t')),
    ).toEqual([
      ['run', 'to look at', 'checkpoints', 'kept', 'would evict', 'would make', 'last', 'best'],
      [run.name, '7', '3', '1', '2', '1', '3', 'acc 0.9 at 2'],
    ])
    expect(await run.listing()).toEqual(before)
    expect(await run.entries()).toEqual(new Map())

    expect((await told('adopt', run.name, '--yes')).code).toBe(0)
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_3.pth'])
    expect(await run.runtimeInfo()).toMatchObject(ANSWERS)
    expect((await told('adopt', run.name)).out).toBe(
      'The hub knows of everything that lies there.\n',
    )
  })
})

describe('a run whose entries were lost', () => {
  it('is rebuilt from the bucket, and ends with the same files, best and last', async () => {
    const run = new Run()
    await trainAndEvaluate(run)
    await hubSettled()
    await told('pin', run.name, '3', '--by', 'ada')
    const [before, info] = [await run.listing(), await run.runtimeInfo()]
    expect(info).toMatchObject(ANSWERS)

    await run.loseEntries()
    expect((await told('rebuild', run.name)).code).toBe(0)
    expect(await run.entries()).toEqual(new Map())
    expect((await told('rebuild', run.name, '--yes')).code).toBe(0)
    await hubSettled()
    expect(await run.listing()).toEqual(before)
    const { best_ckpt, best_score, last_ckpt } = info
    expect(await run.runtimeInfo()).toMatchObject({ best_ckpt, best_score, last_ckpt })
    expect((await told('explain', run.name, '3')).out).toContain('pinned by ada')
  })
})

const ANSWERS = {
  best_score: '0.9',
  best_ckpt: expect.stringMatching(/best_acc_epoch_2\.pth$/),
  last_ckpt: expect.stringMatching(/epoch_3\.pth$/),
}

async function trainAndEvaluate(run: Run): Promise<void> {
  await train(run, OPTIONS, 3)
  for (const [step, acc] of [0.5, 0.9, 0.7].entries()) {
    const epoch = step + 1
    await run.put(`metrics/${epoch}.json`, { epoch, metrics: { acc } })
  }
}
