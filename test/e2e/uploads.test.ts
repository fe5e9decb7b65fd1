/** Uploads as clients make them: in name order, in parallel, and all over again. */
import { describe, expect, it } from 'vitest'
import { readRecording, uploadBody } from '../../examples/train/recording.ts'
import { hubSettled, Run, recordedCheckpoint } from './deployed.ts'

const { order } = await readRecording()
const options = { interval: 1, max_keep_ckpts: 3 }
/** `aws s3 sync` goes by the names of the files. */
const inNameOrder = Array.from({ length: 12 }, (_, at) => at + 1).toSorted((a, b) =>
  String(a) < String(b) ? -1 : 1,
)

describe('uploading a whole run again', () => {
  it.each([
    ['as it was', (run: Run, key: string, body: Buffer) => run.put(key, body)],
    ['in parts', (run: Run, key: string, body: Buffer) => run.putInParts(key, body)],
  ])('%s, evicted checkpoints included, changes nothing', async (_, putAgain) => {
    const run = new Run()
    for (const each of order) await run.put(each.key, await uploadBody(each))
    await hubSettled()
    const before = { names: await run.listing(), info: await run.runtimeInfo() }

    const final = new Map(order.map((each) => [each.key, each]))
    for (const each of [...final.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
      await putAgain(run, each.key, await uploadBody(each))
    }
    await hubSettled()

    expect(Object.keys(await run.listing())).toEqual(Object.keys(before.names))
    const info = await run.runtimeInfo()
    for (const key of ['last_ckpt', 'keep_ckpt_ids', 'best_ckpt_accuracy', 'best_score_val_loss']) {
      expect(info[key], key).toEqual(before.info[key])
    }
    expect(info['publish_due']).toBe(false)
    expect(await run.problems()).toEqual([])
  })
})

describe('a first upload of twelve steps', () => {
  it('in name order loses none of the newest by step, and the last is 12', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', options)
    for (const step of inNameOrder)
      await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
    await hubSettled()
    await expectNewest(run)
  })

  it('by parallel uploads loses none of the newest by step, and the last is 12', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', options)
    const uploads = inNameOrder.map(async (step) =>
      run.put(`epoch_${step}.pth`, await recordedCheckpoint(step)),
    )
    await Promise.all(uploads)
    await hubSettled()
    await expectNewest(run)
  })
})

async function expectNewest(run: Run): Promise<void> {
  const left = await run.checkpoints()
  expect(left).toEqual(expect.arrayContaining(['epoch_10.pth', 'epoch_11.pth', 'epoch_12.pth']))
  const { last_ckpt } = await run.runtimeInfo()
  expect(last_ckpt).toMatch(/\/epoch_12\.pth$/)
  expect(String(await run.bytes('last_checkpoint'))).toBe(last_ckpt)
}
