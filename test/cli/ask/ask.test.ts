import { PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { storeOfFile } from '../../lib/bucket/store.ts'
import { checkpoint, drain, upload } from '../../lib/run/worker.ts'
import { ckptHere, jsonHere } from '../ckpt-here.ts'
import { newStack, type StackOfTests } from '../stack/a-stack.ts'

/** A name that is markup, quotes, a terminal's commands and letters of many kinds. */
const ODD = 'exp/<b>"&\'\u001b[31m\n\u202eñ☃' as Run
const store = storeOfFile()
let stack: StackOfTests
let empty: StackOfTests

beforeAll(async () => {
  stack = await newStack(store)
  empty = await newStack(store)
  const { worker } = stack
  const score = (epoch: number, acc: number) => ({ epoch, metrics: { acc } })
  for (const [run, scores] of [
    ['exp/a', [0.1, 0.9, 0.5]],
    ['exp/b', [0.3, 0.4, 0.95]],
    [ODD, [0.2, 0.1, 0.0]],
  ] as [Run, number[]][]) {
    await upload(
      worker,
      {
        'checkpoint_hook.json': {
          save_best: 'acc',
          max_keep_ckpts: 2,
          published_keys: ['state_dict'],
        },
      },
      run,
    )
    for (const [at, acc] of scores.entries()) {
      const files = {
        [`epoch_${at + 1}.pth`]: checkpoint(`${run} ${at}`),
        [`metrics/${at + 1}.json`]: score(at + 1, acc),
      }
      await upload(worker, files, run)
      await drain(worker)
    }
    await upload(worker, { 'after_train.json': {} }, run)
    await drain(worker)
  }
})

const uri = (key: string) => `s3://${stack.worker.bucket.name}/${key}`
const ckpt = (...args: string[]) => ckptHere(args, stack)

describe('one checkpoint of a run', () => {
  test.each([
    [['best', 'exp/a'], 'exp/a/best_acc_epoch_2.pth'],
    [['best', 'exp/b', 'acc'], 'exp/b/best_acc_epoch_3.pth'],
    [['last', 'exp/a'], 'exp/a/epoch_3.pth'],
    [['resume', 'exp/a'], 'exp/a/epoch_3.pth'],
  ])('%j on a pipe is a URI alone', async (args, key) => {
    expect(await ckpt(...args)).toEqual({ code: 0, out: `${uri(key)}\n`, err: '' })
  })

  test('as JSON has its score, its step and its object', async () => {
    expect(await jsonHere(['best', 'exp/a'], stack)).toMatchObject({
      run: 'exp/a',
      metric: 'acc',
      score: '0.9',
      step: 2,
      uri: uri('exp/a/best_acc_epoch_2.pth'),
      object: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
  })

  test.each([
    [['best', 'exp/a', 'loss'], 3, 'has no best "loss"; it has "acc"'],
    [['last', 'exp/c'], 3, 'Near to it: exp/'],
    [['last', ''], 2, 'it is empty'],
  ])('%j says what is wrong', async (args, code, message) => {
    expect(await ckpt(...args)).toMatchObject({ code, err: expect.stringContaining(message) })
  })
})

test('resume passes over a newest that is truncated and one before it that is corrupt, with reasons', async () => {
  const { worker } = stack
  const run = 'exp/torn' as Run
  const files = Object.fromEntries(
    [1, 2, 3].map((epoch) => [`epoch_${epoch}.pth`, checkpoint(`of ${epoch}`)]),
  )
  await upload(worker, files, run)
  // No event of these comes: the hub still takes both for whole.
  const { s3, name: Bucket } = worker.bucket
  const cut = checkpoint('of 3').subarray(0, 200)
  await s3.send(new PutObjectCommand({ Bucket, Key: `${run}/epoch_3.pth`, Body: cut }))
  const corrupt = checkpoint('of 2').fill(0, 40, 90)
  await s3.send(new PutObjectCommand({ Bucket, Key: `${run}/epoch_2.pth`, Body: corrupt }))
  const { code, out, err } = await ckpt('resume', run)
  expect([code, out]).toEqual([0, `${uri(`${run}/epoch_1.pth`)}\n`])
  expect(err).toMatch(/epoch_3\.pth: .+\n.*epoch_2\.pth: .+\n/)
})

describe('many runs', () => {
  test('are listed with the newest upload first, their names printable', async () => {
    const { out } = await ckpt('runs', 'exp/')
    const [heads, ...rows] = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(heads).toEqual(['run', 'last upload', 'last step', 'checkpoints', 'evicted', 'problems'])
    expect(rows.map(([run]) => run)).toEqual(
      expect.arrayContaining(['exp/a', 'exp/b', expect.stringContaining('<b>"&\'\\u001b[31m\\n')]),
    )
    expect(out).not.toContain('\u001b')
  })

  test('are no more than are asked for, and it is said that there are more', async () => {
    const { out, err } = await ckpt('runs', 'exp/', '-n', '1')
    expect(out.trimEnd().split('\n')).toHaveLength(2)
    expect(err).toContain('-n 2 shows them')
  })

  test('are ranked by a metric', async () => {
    const { out } = await ckpt('leaderboard', 'acc', 'exp/')
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(rows.slice(1).map(([rank, run, score]) => [rank, run, score])).toEqual([
      ['1', 'exp/b', '0.95'],
      ['2', 'exp/a', '0.9'],
      ['3', expect.stringContaining('<b>'), '0.2'],
    ])
    expect(await ckpt('leaderboard', 'none')).toMatchObject({ code: 3 })
  })

  test('are none at first, which is no error', async () => {
    expect(await jsonHere(['runs'], empty)).toEqual({ runs: [], more: false })
  })
})

describe('one run', () => {
  test('is shown with its best, its checkpoints and their fates, its files and its storage', async () => {
    const { out } = await ckpt('show', 'exp/a')
    expect(out).toContain('run\texp/a')
    expect(out).toMatch(/best acc\t0\.9 at step 2: s3:.*best_acc_epoch_2\.pth/)
    expect(out).toMatch(/epoch 1\tevicted\t/)
    expect(out).toMatch(/epoch 3\tkept\t/)
    expect(out).toMatch(/exp\/a\/epoch_3-[0-9a-f]{8}\.pth\tpublished\tcurrent/)
  })

  test('has its curves as JSON', async () => {
    const { curves } = await jsonHere<{ curves: object[] }>(['show', 'exp/a'], stack)
    expect(curves).toHaveLength(1)
  })

  test('of an odd name harms nothing, in whatever command', async () => {
    for (const command of ['show', 'best', 'last', 'resume', 'published']) {
      const { code, out, err } = await ckpt(command, ODD)
      expect([code, err]).toEqual([0, ''])
      for (const letter of ['\u001b', '\u202e']) expect(out).not.toContain(letter)
    }
  })

  test('has its published files listed with their hashes', async () => {
    const { out } = await ckpt('published', 'exp/a')
    const rows = out
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t'))
    expect(rows.map(([of]) => of)).toContain('last')
    for (const [, , file = '', , sha256 = ''] of rows) expect(file).toContain(sha256.slice(0, 8))
  })
})
