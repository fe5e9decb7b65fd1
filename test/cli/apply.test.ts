import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { factKey, keyIn, type Run } from '../../lib/hook/names.ts'
import { liveKeys, textAt } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { checkpoint, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { whileAtWork } from './hub-at-work.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

const STEPS = [1, 2, 3, 4, 5]

let store: StartedStore
let stack: StackOfTests
let run: Run
let runs = 0

beforeAll(async () => {
  store = await startStore()
  stack = await newStack(store, {
    Settings: JSON.stringify({
      hook_arguments: { interval: 1 },
      noncurrent_days: 30,
      brake: 2,
      key_prefix: '',
      out_buckets: [],
    }),
  })
  stack.worker.brake = 2
})
afterAll(() => store?.stop())
beforeEach(async () => {
  runs += 1
  run = `exp/${runs}` as Run
  const all = STEPS.map((step) => [`epoch_${step}.pth`, checkpoint(`epoch ${step}`)])
  await upload(stack.worker, Object.fromEntries(all), run)
})

describe('ckpt apply', () => {
  test('lists what is held, and does nothing', async () => {
    const { versionId } = await limitedToOne()
    const answer = await jsonHere(['apply', run], stack)
    expect(answer).toEqual({
      run,
      held: {
        options_version_id: versionId,
        seconds: expect.any(Number),
        max_keep_ckpts: 1,
        evicts: 4,
      },
      checkpoints: [1, 2, 3, 4].map((step) => ({ step, key: keyIn(run, `epoch_${step}.pth`) })),
      agreed: false,
    })
    const { out } = await ckptHere(['apply', run], stack)
    expect(out).toMatch(/asks for max_keep_ckpts=1, which evicts 4 at once\.\nNothing was done\./)
    expect(out).toContain(`--options-version ${versionId} --yes`)
    expect(await liveKeys(stack.worker.bucket, factKey(run, ''))).toEqual([])
  })

  test('with --yes agrees to it, and it goes', async () => {
    const { versionId } = await limitedToOne()
    const args = ['apply', run, '--yes', '--by', 'ada', '--options-version', versionId]
    const answer = await whileAtWork(stack.worker, jsonHere(args, stack))
    expect(answer).toMatchObject({ agreed: true })
    expect(await checkpoints()).toEqual(['epoch_5.pth'])
    const said = await textAt(stack.worker.bucket, factKey(run, `apply-${versionId}.json`))
    expect(JSON.parse(said ?? '')).toEqual({ apply: versionId, evicts: 4, by: 'ada' })
  })

  test('agrees to nothing where another version is held than was looked at', async () => {
    const { versionId } = await limitedToOne()
    await limitedToOne({ save_last: true })
    const args = ['apply', run, '--yes', '--options-version', versionId]
    const { code, err } = await ckptHere(args, stack)
    expect(code).toBe(1)
    expect(err).toContain('another version of the options is held: ')
    expect(await checkpoints()).toHaveLength(5)
  })

  test('says so where nothing is held', async () => {
    expect((await ckptHere(['apply', run, '--yes'], stack)).out).toBe('Nothing is held.\n')
    expect(await jsonHere(['apply', run], stack)).toMatchObject({ held: null, agreed: false })
  })
})

/** Uploads options of which the brake holds what they would evict. */
async function limitedToOne(more: object = {}): Promise<{ versionId: string }> {
  // Of one second the options come first, and uploads after them crowd each other out one by one.
  await sleep(1000 - (Date.now() % 1000))
  const name = 'checkpoint_hook.json'
  const uploaded = await upload(stack.worker, { [name]: { max_keep_ckpts: 1, ...more } }, run)
  return { versionId: uploaded[name]?.versionId ?? '' }
}

async function checkpoints(): Promise<string[]> {
  const prefix = keyIn(run, '')
  const names = (await liveKeys(stack.worker.bucket, prefix)).map((key) => key.slice(prefix.length))
  return names.filter((name) => name.startsWith('epoch_'))
}
