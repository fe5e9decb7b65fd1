import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../lib/hook/names.ts'
import { put, remove } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { checkpoint, drain, look, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { startGate } from './gate.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

interface Explained {
  run: string
  checkpoints: {
    step: number
    checkpoint: string
    fate: string
    rule: string
    rivals: { step: number }[]
    decided_by: { event: string; object: string; time: string } | null
    best: { metric: string; score: number; rank: number; of: number; is_best: boolean }[]
    made: { kind: string; metric: string | null; state: string; object: string }[]
    deletion: string
    restorable_until?: string
    is_expired?: true
  }[]
}

let store: StartedStore
let stack: StackOfTests

beforeAll(async () => {
  store = await startStore()
  stack = await newStack(store)
  const metric = (epoch: number, acc: number) => ({ epoch, metrics: { acc } })
  await upload(stack.worker, {
    'checkpoint_hook.json': { max_keep_ckpts: 2, save_best: 'acc', published_keys: ['state_dict'] },
  })
  for (const [at, acc] of [0.5, 0.9, 0.7, 0.6].entries()) {
    const step = at + 1
    await upload(stack.worker, {
      [`epoch_${step}.pth`]: checkpoint(`step ${step}`),
      [`metrics/${step}.json`]: metric(step, acc),
    })
    await drain(stack.worker)
  }
  await upload(stack.worker, { 'after_train.json': { last: 'epoch_4.pth' } })
  await drain(stack.worker)
})
afterAll(() => store?.stop())

function explain(...args: string[]) {
  return ckptHere(['explain', 'exp/run', ...args], { env: stack.env })
}

describe('explaining a run', () => {
  test('says of each checkpoint its fate, rule, rivals, scores and what is made of it', async () => {
    const { run, checkpoints } = await jsonHere<Explained>(['explain', 'exp/run'], stack)
    expect(run).toBe('exp/run')
    expect(checkpoints.map(({ step, fate, rule }) => [step, fate, rule])).toEqual([
      [1, 'evicted', 'max_keep_ckpts'],
      [2, 'evicted', 'max_keep_ckpts'],
      [3, 'kept', 'regular'],
      [4, 'kept', 'regular'],
    ])
    const [, best, , last] = checkpoints
    expect(best).toMatchObject({
      checkpoint: `s3://${stack.worker.bucket.name}/exp/run/epoch_2.pth`,
      rivals: [{ step: 3 }, { step: 4 }],
      decided_by: { event: 'checkpoint' },
      best: [{ metric: 'acc', score: 0.9, rank: 1, of: 4, is_best: true, rival: { score: 0.7 } }],
      made: [
        { kind: 'best', metric: 'acc', state: 'current' },
        { kind: 'published', metric: 'acc', state: 'current' },
      ],
      deletion: 'done',
    })
    expect(best?.decided_by?.object).toMatch(/epoch_4\.pth$/)
    expect(last?.made).toMatchObject([{ kind: 'published', metric: null }])
    expect(last?.restorable_until).toBeUndefined()
  })

  test('says until when what was evicted can be restored, as S3 counts its days', async () => {
    const { checkpoints } = await jsonHere<Explained>(['explain', 'exp/run'], stack)
    const until = Date.parse(checkpoints[0]?.restorable_until ?? '')
    const days = (until - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(29)
    expect(days).toBeLessThanOrEqual(31)
    expect(until % 86_400_000).toBe(0)
  })

  test('is a table on a pipe, one line a checkpoint', async () => {
    const { code, out } = await explain()
    expect(code).toBe(0)
    const [heads, first, second] = out.split('\n').map((line) => line.split('\t'))
    expect(heads).toEqual([
      'checkpoint',
      'fate',
      'why',
      'acc',
      'decided by',
      'when',
      'restorable until',
    ])
    expect(first?.slice(0, 5)).toEqual([
      'epoch_1.pth',
      'evicted',
      'max_keep_ckpts=2, newer 2, 3',
      '0.5 #4 of 4',
      'the upload of epoch_3.pth',
    ])
    expect(second?.[3]).toBe('0.9 best of 4')
  })
})

describe('explaining a step', () => {
  test.each(['2', 'epoch_2.pth'])('named as %s is a paragraph', async (step) => {
    const { code, out } = await explain(step)
    expect(code).toBe(0)
    for (const words of [
      /^epoch_2\.pth \(\d+ bytes, uploaded \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\) is evicted: /,
      /max_keep_ckpts=2, and newer are epoch_3\.pth of .* and epoch_4\.pth of /,
      /It was decided by the upload of epoch_4\.pth, /,
      /By acc, where more is better, it is the best of 4 with 0\.9; next is step 3 with 0\.7\./,
      /Its best copy for acc is s3:\/\/.*\/best_acc_epoch_2\.pth\./,
      /The file published of it as the best acc is s3:/,
      /It can be restored until .* 00:00:00Z\.$/m,
    ]) {
      expect(out).toMatch(words)
    }
    expect(out.trimEnd()).not.toContain('\n')
  })

  test('of one that is not there says which there are', async () => {
    const { code, err } = await explain('9')
    expect(code).toBe(3)
    expect(err).toContain('no checkpoint of the step 9 was uploaded')
    expect(err).toContain('Steps of this run: 4, from 1 to 4.')
  })

  test('of a number means the series that counts, and the other is asked for by name', async () => {
    const run = 'exp/two'
    await upload(
      stack.worker,
      { 'epoch_1.pth': checkpoint('epoch'), 'iter_1.pth': checkpoint('iter') },
      run as Run,
    )
    const of = async (step: string) =>
      (await jsonHere<Explained>(['explain', run, step], stack)).checkpoints.map(
        ({ checkpoint: key }) => key.slice(key.lastIndexOf('/') + 1),
      )
    expect(await of('1')).toEqual(['epoch_1.pth'])
    expect(await of('iter_1.pth')).toEqual(['iter_1.pth'])
  })

  test('that is torn, or that somebody removed, says so', async () => {
    const run = 'exp/torn' as Run
    await upload(
      stack.worker,
      { 'epoch_1.pth': checkpoint('one'), 'epoch_2.pth': checkpoint('two'), 'epoch_3.pth': 'torn' },
      run,
    )
    await remove(stack.worker.bucket, `${run}/epoch_1.pth`)
    await look(stack.worker, ['epoch_1.pth'], run)
    const said = async (step: string) => (await ckptHere(['explain', run, step], stack)).out
    expect(await said('3')).toMatch(/is kept, and no whole checkpoint: /)
    expect(await said('1')).toMatch(/is removed, by no doing of the hub: it is gone since /)
  })
})

test('a run without checkpoints has none to explain', async () => {
  await upload(stack.worker, { 'checkpoint_hook.json': {} }, 'exp/none' as Run)
  const { code, out } = await ckptHere(['explain', 'exp/none'], stack)
  expect([code, out]).toEqual([0, 'No checkpoint of this run was uploaded yet.\n'])
})

test('a run that is not there: names that are near are said', async () => {
  const { code, err } = await ckptHere(['explain', 'exp/runn', '--json'], stack)
  expect(code).toBe(3)
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'no-run', exit_code: 3 } })
  expect(JSON.parse(err).error.advice).toContain('exp/run')
})

test('who may not list versions is told all but until when, and what that takes', async () => {
  const gate = await startGate(store.endpoint, /\?versions|[?&]versions/)
  try {
    const env = { ...stack.env, AWS_ENDPOINT_URL: gate.endpoint }
    const { code, out, err } = await ckptHere(['explain', 'exp/run', '1'], { env })
    expect(code).toBe(0)
    expect(out).not.toContain('restored until')
    expect(err).toContain('s3:ListBucketVersions')
  } finally {
    await gate.stop()
  }
})

test('names with control characters are shown with them written out', async () => {
  const run = 'exp/\u001b[31mred' as Run
  await put(stack.worker.bucket, `${run}/epoch_1.pth`, checkpoint('one'))
  await look(stack.worker, ['epoch_1.pth'], run)
  const { out } = await ckptHere(['explain', run, '1'], stack)
  expect(out).not.toContain('\u001b')
})
