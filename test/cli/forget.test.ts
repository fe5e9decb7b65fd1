import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { factKey, keyIn, type Run } from '../../lib/hook/names.ts'
import { claimFolder } from '../../lib/message-hub/claims.ts'
import { loadRun } from '../../lib/message-hub/message-hub.ts'
import { settleRun } from '../../lib/run/settle.ts'
import { statePin } from '../../lib/run/state-fact.ts'
import { liveKeys, put, remove } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { itemsOf, putByHand } from '../lib/message-hub/hub-table.ts'
import { checkpoint, drain, ledgerOf, look, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

let store: StartedStore
let stack: StackOfTests
let run: Run
let runs = 0

beforeAll(async () => {
  store = await startStore()
  stack = await newStack(store)
})
afterAll(() => store?.stop())
beforeEach(async () => {
  runs += 1
  run = `exp/${runs}` as Run
  const { worker } = stack
  await upload(
    worker,
    {
      'checkpoint_hook.json': { save_best: 'acc', out_dir: `out-${runs}` },
      'epoch_1.pth': checkpoint('epoch 1'),
      'epoch_2.pth': checkpoint('epoch 2'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.9 } },
    },
    run,
  )
  await drain(worker)
  const pin = { name: 'epoch_1.pth', pinned: true, by: 'ada' }
  await settleRun(worker, run, { keys: [await statePin(worker.bucket, run, pin)] })
})

describe('ckpt forget', () => {
  test('lists what is still there, wherever out_dir leads, and refuses', async () => {
    const uri = (key: string) => `s3://${stack.worker.bucket.name}/${key}`
    expect(await jsonHere(['forget', run], stack)).toMatchObject({
      standing: [
        ...['checkpoint_hook.json', 'epoch_1.pth', 'epoch_2.pth', 'last_checkpoint'],
        'metrics/1.json',
      ]
        .map((name) => uri(keyIn(run, name)))
        .concat(uri(`out-${runs}/${runs}/best_acc_epoch_1.pth`)),
      forgotten: false,
    })
    const { code, err } = await ckptHere(['forget', run, '--yes'], stack)
    expect(code).toBe(1)
    expect(err).toContain(`${uri(keyIn(run, 'checkpoint_hook.json'))}, and 5 more`)
    expect((await ledgerOf(stack.worker, run)).history.steps.size).toBe(2)
  })

  test('says what would go, and does nothing without --yes', async () => {
    await removeAll()
    const answer = await jsonHere(['forget', run], stack)
    expect(answer).toEqual({
      run,
      standing: [],
      entries: expect.any(Number),
      facts: [factKey(run, 'pin-epoch_1.pth.json')],
      claims: [`out-${runs}/${runs}`],
      forgotten: false,
    })
    expect((await ckptHere(['forget', run], stack)).out).toMatch(
      /^Nothing was done\. With --yes these go: \d+ entries of the table, 1 pins and consents, the claims on out-/,
    )
    expect((await loadRun(stack.worker.hub, run)).version).toBeGreaterThan(0)
  })

  test('clears entries, facts and claims, and no late event brings them back', async () => {
    const { worker } = stack
    const keys = await removeAll()
    await putByHand(worker.hub, { run, entry: 'note#mine', text: 'a person’s own' })
    expect(await jsonHere(['forget', run, '--yes'], stack)).toMatchObject({ forgotten: true })
    expect([...(await itemsOf(worker.hub, run)).keys()]).toEqual(['note#mine'])
    expect(await liveKeys(worker.bucket, factKey(run, ''))).toEqual([])
    const folder = `out-${runs}/${runs}` as Run
    expect(await claimFolder(worker.hub, 'another' as Run, folder)).toEqual({ state: 'granted' })

    await settleRun(worker, run, { keys: [...keys, factKey(run, 'pin-epoch_1.pth.json')] })
    expect((await loadRun(worker.hub, run)).version).toBe(0)
    expect((await ckptHere(['forget', run], stack)).code).toBe(3)
  })

  test('leaves runs below it alone, and what is of no run', async () => {
    const { worker } = stack
    const below = `${run}/below` as Run
    await upload(worker, { 'epoch_1.pth': checkpoint('below') }, below)
    await settleRun(worker, below, {
      keys: [await statePin(worker.bucket, below, { name: 'epoch_1.pth', pinned: true, by: 'a' })],
    })
    await put(worker.bucket, keyIn(run, 'notes.txt'), 'of no run')
    await removeAll()
    await jsonHere(['forget', run, '--yes'], stack)
    expect((await ledgerOf(worker, below)).history.pins).toHaveLength(1)
    expect(await liveKeys(worker.bucket, factKey(run, ''))).toHaveLength(1)
  })

  test('does nothing where the run changes meanwhile', async () => {
    const { worker } = stack
    await removeAll()
    const stale = await loadRun(worker.hub, run)
    await upload(worker, { 'epoch_3.pth': checkpoint('epoch 3') }, run)
    const { forgetRun } = await import('../../lib/message-hub/forget-run.ts')
    await expect(forgetRun(worker.hub, stale)).rejects.toMatchObject({ code: 'conflict' })
    expect((await ledgerOf(worker, run)).history.steps.size).toBe(3)
  })
})

/** Somebody removes the run with all that was made for it; the hub hears of it. */
async function removeAll(): Promise<string[]> {
  const { worker } = stack
  const keys = [
    ...['checkpoint_hook.json', 'epoch_1.pth', 'epoch_2.pth', 'last_checkpoint', 'metrics/1.json'],
  ].map((name) => keyIn(run, name))
  const made = `out-${runs}/${runs}/best_acc_epoch_1.pth`
  for (const key of [...keys, made]) await remove(worker.bucket, key)
  await look(worker, ['epoch_1.pth', 'epoch_2.pth'], run)
  return keys
}
