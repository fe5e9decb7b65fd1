/** What is no checkpoint, no metric and no argument becomes a problem that says so, and nothing else. */
import { beforeAll, describe, expect, it } from 'vitest'
import { hubSettled, Run, recordedCheckpoint } from './deployed.ts'

const run = new Run()

beforeAll(async () => {
  const whole = await recordedCheckpoint(1)
  await run.put('checkpoint_hook.json', { interval: 1, max_keep_ckpts: 2, save_best: 'acc' })
  await run.put('epoch_1.pth', whole)
  await run.put('metrics/1.json', { epoch: 1, metrics: { acc: 0.5 } })
  await run.put('epoch_2.pth', Buffer.alloc(70_000, 'garbage'))
  await run.put('epoch_3.pth', whole.subarray(0, whole.length - 1000))
  await run.put('epoch_4.pth', Buffer.alloc(0))
  await run.put('epoch_9.pth', 'these are not the bytes of a checkpoint')
  await run.put('metrics/not-json.json', 'accuracy: 0.9')
  await run.put('metrics/not-numbers.json', { epoch: 1, metrics: { acc: 'high', map: true } })
  await run.put('metrics/no-step.json', { metrics: { acc: 0.9 } })
  await run.put('checkpoint_hook.json', { interval: 1, max_keep_ckpts: 'two', save_best: 'acc' })
  await run.put('after_train.json', '{')
  await run.put('notes.txt', 'outside the protocol')
  await run.put('epoch_03.pth', 'a name that does not round-trip')
  await hubSettled()
})

describe('bad input', () => {
  it.each([
    ['garbage', 'epoch_2.pth', 'checkpoint', /PK/],
    ['a truncated file', 'epoch_3.pth', 'checkpoint', /end record/],
    ['an empty file', 'epoch_4.pth', 'checkpoint', /no bytes/],
    ['a text file', 'epoch_9.pth', 'checkpoint', /not what torch.save or safetensors writes/],
    ['metrics that are not JSON', 'metrics/not-json.json', 'line 1', /JSON/],
    ['a text for a number', 'metrics/not-numbers.json', 'line 1: metrics.acc', /number.*"high"/],
    ['a boolean for a number', 'metrics/not-numbers.json', 'line 1: metrics.map', /boolean/],
    ['a metric without a step', 'metrics/no-step.json', 'line 1', /epoch.*iter/],
    ['a wrong argument', 'checkpoint_hook.json', 'max_keep_ckpts', /whole number.*"two"/],
    ['a control file that is not JSON', 'after_train.json', 'text', /JSON/],
  ])('%s is a problem with key, field and reason', async (_, name, field, reason) => {
    const problems = await run.problems()
    const found = problems.find((each) => each['key'] === run.key(name) && each['field'] === field)
    expect(found, JSON.stringify(problems, null, 1)).toMatchObject({ severity: 'error' })
    expect(found?.['reason']).toMatch(reason)
  })

  it('deletes nothing, and is neither last nor best', async () => {
    expect(Object.keys(await run.listing())).toEqual(
      expect.arrayContaining(['epoch_2.pth', 'epoch_3.pth', 'epoch_4.pth', 'epoch_9.pth']),
    )
    const info = await run.runtimeInfo()
    expect(info['last_ckpt']).toMatch(/epoch_1\.pth$/)
    expect(info['best_score']).toBe('0.5')
  })

  it('leaves the options before it in force, and what comes after it goes on', async () => {
    await run.put('epoch_10.pth', await recordedCheckpoint(2))
    await run.put('epoch_11.pth', await recordedCheckpoint(3))
    await run.put('metrics/11.json', { epoch: 11, metrics: { acc: 0.9 } })
    await hubSettled()
    const info = await run.runtimeInfo()
    expect(info['options']).toMatchObject({ max_keep_ckpts: 2 })
    expect(info['keep_ckpt_ids']).toEqual([10, 11])
    expect(info['best_score']).toBe('0.9')
    expect(await run.fates()).toMatchObject({ epoch_1: 'evicted', epoch_2: 'torn' })
  })

  it('leaves keys outside the protocol alone', async () => {
    const names = Object.keys(await run.listing())
    expect(names).toEqual(expect.arrayContaining(['notes.txt', 'epoch_03.pth']))
    const mentioned = JSON.stringify([...(await run.entries())])
    expect(mentioned).not.toContain('notes.txt')
    expect(mentioned).not.toContain('epoch_03')
  })
})
