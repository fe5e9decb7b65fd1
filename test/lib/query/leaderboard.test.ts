import { beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { scoreRank } from '../../../lib/hook/score.ts'
import { type LeaderboardQuestion, leaderboardOf } from '../../../lib/query/leaderboard.ts'
import { storeOfFile } from '../bucket/store.ts'
import { putByHand } from '../message-hub/hub-table.ts'
import { checkpoint, newWorker, type TestWorker, upload } from '../run/worker.ts'

const store = storeOfFile()
let worker: TestWorker
/** Score by run; one is not like the others in its name, one in its rule. */
const ACC: Record<string, number> = {
  'vision/a': 0.5,
  'vision/b': 0.9,
  [`<b>"x'\n🙂`]: 0.7,
  'text/a': -3,
  'text/b': 1e-7,
}

beforeAll(async () => {
  worker = await newWorker(store)
  for (const [run, acc] of Object.entries(ACC)) await train(run, { acc, loss: -acc }, {})
  await train('upside/down', { acc: 100 }, { save_best: 'acc', rule: 'less' })
})

describe('a leaderboard', () => {
  test('of a metric that is better when it is greater begins with the greatest', async () => {
    const { metric, rule, runs, next } = await asked({ metric: 'acc' })
    expect({ metric, rule, next }).toEqual({ metric: 'acc', rule: 'greater', next: undefined })
    expect(runs.map(({ rank, run, score }) => [rank, run, score])).toEqual([
      [1, 'vision/b', '0.9'],
      [2, `<b>"x'\n🙂`, '0.7'],
      [3, 'vision/a', '0.5'],
      [4, 'text/b', '1e-7'],
      [5, 'text/a', '-3'],
    ])
  })

  test('of one that is better when it is less begins with the least', async () => {
    const { rule, runs } = await asked({ metric: 'loss' })
    expect(rule).toBe('less')
    expect(runs.map(({ score }) => Number(score))).toEqual([-0.9, -0.7, -0.5, -1e-7, 3])
  })

  test('tells where the best of each run is', async () => {
    const [first] = (await asked({ metric: 'acc' })).runs
    expect(first).toEqual({
      rank: 1,
      run: 'vision/b',
      score: '0.9',
      step: 1,
      life: 0,
      source: `s3://${worker.bucket.name}/vision/b/epoch_1.pth`,
      state: 'being made',
    })
  })

  test('ranks runs of the other rule where that is asked for, and no others', async () => {
    const { runs } = await asked({ metric: 'acc', rule: 'less' })
    expect(runs.map(({ run }) => run)).toEqual(['upside/down'])
  })

  test('ranks only runs whose names begin with a prefix', async () => {
    const { runs } = await asked({ metric: 'acc', prefix: 'text/' })
    expect(runs.map(({ rank, run }) => [rank, run])).toEqual([
      [1, 'text/b'],
      [2, 'text/a'],
    ])
    expect((await asked({ metric: 'acc', prefix: 'none' })).runs).toEqual([])
  })

  test('goes on page by page, with the ranks over all of them', async () => {
    const first = await asked({ metric: 'acc', limit: 2 })
    const second = await asked({ metric: 'acc', limit: 2, next: first.next })
    const third = await asked({ metric: 'acc', limit: 2, next: second.next })
    expect([first, second, third].map(({ runs }) => runs.map(({ rank }) => rank))).toEqual([
      [1, 2],
      [3, 4],
      [5],
    ])
    expect(third.next).toBeUndefined()
    const all = [first, second, third].flatMap(({ runs }) => runs.map(({ run }) => run))
    expect(all).toEqual((await asked({ metric: 'acc' })).runs.map(({ run }) => run))
  })

  test('goes on among runs of one score', async () => {
    for (let at = 0; at < 9; at++) {
      const best = { metric: 'tie', rule: 'greater', score: '1', score_rank: scoreRank(1) }
      await putByHand(worker.hub, { run: `tie/${at}`, entry: 'best#tie', ...best, step: 1 })
    }
    const seen: string[] = []
    let next: string | undefined
    do {
      const page = await asked({ metric: 'tie', limit: 4, next })
      seen.push(...page.runs.map(({ run }) => run))
      next = page.next
    } while (next !== undefined)
    expect(seen.toSorted()).toEqual(Array.from({ length: 9 }, (_, at) => `tie/${at}`))
  })
})

describe('no leaderboard', () => {
  test.each(['none', 'toString', '🙂'])('is there of %j, which no run tracks', async (metric) => {
    await expect(asked({ metric })).rejects.toMatchObject({
      code: 'unknown-metric',
      message: `no run has a best "${metric}"`,
    })
  })

  test('goes on where another began', async () => {
    const { next } = await asked({ metric: 'acc', limit: 2 })
    for (const other of [{ metric: 'loss' }, { metric: 'acc', rule: 'less' as const }]) {
      await expect(asked({ ...other, next })).rejects.toMatchObject({ code: 'invalid-parameter' })
    }
  })
})

function asked(question: Partial<LeaderboardQuestion> & { metric: string }) {
  return leaderboardOf(worker, { prefix: '', limit: 50, ...question })
}

async function train(run: string, metrics: object, options: object): Promise<void> {
  const files = {
    'checkpoint_hook.json': { save_best: ['acc', 'loss'], ...options },
    'epoch_1.pth': checkpoint(run),
    'metrics/1.json': { epoch: 1, metrics },
  }
  await upload(worker, files, run as Run)
}
