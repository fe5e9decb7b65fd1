import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Run } from '../../lib/hook/names.ts'
import { liveKeys } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { checkpoint, drain, ledgerOf, look, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

interface Plan {
  checkpoints: { step: number; now: string; planned: string; change: string; size_bytes: number }[]
  held: { by_brake: number; brake: number }
  made: { object: string; kind: string; metric: string }[]
  freed_bytes: number
  remarks: string[]
}

let store: StartedStore
let stack: StackOfTests
let folder: string

beforeAll(async () => {
  store = await startStore()
  stack = await newStack(store)
  folder = await mkdtemp(join(tmpdir(), 'ckpt-plan-'))
  for (let step = 1; step <= 13; step++) {
    await upload(stack.worker, {
      [`epoch_${step}.pth`]: checkpoint(`step ${step}`),
      [`metrics/${step}.json`]: { epoch: step, metrics: { acc: 1 / step } },
    })
  }
})
afterAll(async () => {
  await store?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function fileOf(options: object | string): Promise<string> {
  const path = join(folder, 'new.json')
  await writeFile(path, typeof options === 'string' ? options : JSON.stringify(options))
  return path
}

async function plan(options: object): Promise<Plan> {
  return jsonHere<Plan>(['plan', 'exp/run', '--options', await fileOf(options)], stack)
}

const changed = ({ checkpoints }: Plan, change: string) =>
  checkpoints.filter((each) => each.change === change).map(({ step }) => step)

test('what would go is said, with the bytes that it frees', async () => {
  const planned = await plan({ max_keep_ckpts: 10 })
  expect(changed(planned, 'goes')).toEqual([1, 2, 3])
  const sizes = planned.checkpoints.slice(0, 3).map((each) => each.size_bytes)
  expect(planned.freed_bytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
  expect(planned.held).toEqual({ by_brake: 0, brake: 10 })
})

test('what the brake would hold is said, and that nothing goes', async () => {
  const planned = await plan({ max_keep_ckpts: 1 })
  expect(planned.held).toEqual({ by_brake: 12, brake: 10 })
  expect([changed(planned, 'goes'), planned.freed_bytes]).toEqual([[], 0])
})

test('what would be made is said', async () => {
  const { made } = await plan({ save_best: 'acc' })
  expect(made).toEqual([
    {
      object: `s3://${stack.worker.bucket.name}/exp/run/best_acc_epoch_1.pth`,
      kind: 'best',
      metric: 'acc',
    },
  ])
})

test('other names are said to be looked for only then', async () => {
  const { remarks } = await plan({ filename_tmpl: 'detector_{}.pth' })
  expect(remarks.join()).toContain('other names would count')
})

test('what is odd about the options is said', async () => {
  const { remarks } = await plan({ keep: 3 })
  expect(remarks.join()).toContain('keep')
})

test('nothing is done: bucket and hub are as before', async () => {
  const before = [await liveKeys(stack.worker.bucket), await ledgerOf(stack.worker)]
  await plan({ max_keep_ckpts: 10, save_best: 'acc' })
  expect([await liveKeys(stack.worker.bucket), await ledgerOf(stack.worker)]).toEqual(before)
})

test('it is what comes of the file once it is uploaded', async () => {
  const run = 'exp/later' as Run
  for (let step = 1; step <= 4; step++) {
    await upload(stack.worker, { [`epoch_${step}.pth`]: checkpoint(`later ${step}`) }, run)
  }
  const path = await fileOf({ max_keep_ckpts: 2 })
  const planned = await jsonHere<Plan>(['plan', run, '--options', path], stack)
  await upload(stack.worker, { 'checkpoint_hook.json': { max_keep_ckpts: 2 } }, run)
  await drain(stack.worker)
  await look(stack.worker, [], run)
  const left = (await liveKeys(stack.worker.bucket, `${run}/epoch`)).map((key) =>
    Number(/\d+/.exec(key)?.[0]),
  )
  expect(changed(planned, 'goes')).toEqual([1, 2])
  expect(left).toEqual([3, 4])
})

test('for people it is a table, and on a pipe a line for each checkpoint that is or would be there', async () => {
  const path = await fileOf({ max_keep_ckpts: 12 })
  const { code, out } = await ckptHere(['plan', 'exp/run', '--options', path], stack)
  expect(code).toBe(0)
  const [heads, first, ...others] = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  expect(heads).toEqual(['checkpoint', 'size', 'now', 'planned', 'change', 'why'])
  expect(first).toMatchObject({ 0: 'epoch_1.pth', 2: 'kept', 3: 'evicted', 4: 'goes' })
  expect(others).toHaveLength(12)
})

test.each([
  ['{"max_keep_ckpts": "many"}', 'max_keep_ckpts'],
  ['{"save_best": "foo"}', 'rule'],
  ['{"max_keep_ckpts": 20000}', 'max_keep_ckpts'],
  ['{"max_keep_ckpts":', 'is not JSON'],
])('wrong options are refused with their field: %s', async (text, words) => {
  const path = await fileOf(text)
  const { code, err } = await ckptHere(['plan', 'exp/run', '--options', path, '--json'], stack)
  const { error } = JSON.parse(err)
  expect([code, error.code]).toEqual([4, 'hook-argument'])
  expect(error.message).toContain(words)
})

test('without options, or with a file that is not there, nothing is asked', async () => {
  const missing = await ckptHere(['plan', 'exp/run'], stack)
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('--options is missing')])
  const absent = await ckptHere(['plan', 'exp/run', '--options', '/nonexistent/a.json'], stack)
  expect([absent.code, absent.err]).toEqual([3, expect.stringContaining('/nonexistent/a.json')])
})
