import { describe, expect, test } from 'vitest'
import { type Eviction, evictionsOf } from '../../../lib/hook/evictions.ts'
import { standingsOf } from '../../../lib/hook/standing.ts'
import { surveyOf } from '../../../lib/hook/survey.ts'
import { type ARun, aRun, BRAKE, RUN, stepsThatAre } from './a-run.ts'

/** What would go if nothing were protected, as step and reason. */
function evictions(run: ARun, kind: Eviction['kind'] = 'evicted', brake = BRAKE): unknown[] {
  const survey = surveyOf(RUN, run.history())
  return [...evictionsOf(standingsOf(survey, new Set()), survey, brake)].flatMap(
    ([standing, eviction]) =>
      eviction.kind === kind
        ? [[standing.fact.step, eviction.reason.replace('evicted: ', '')]]
        : [],
  )
}
const evicted = (run: ARun, brake = BRAKE) => stepsThatAre(run.outcome(brake), 'evicted')
const kept = (run: ARun) => stepsThatAre(run.outcome(), 'kept')

/** A life whose step 3 is off the interval and set a record, which its next life uploads again. */
function recordAtThree(run: ARun): ARun {
  run.upload(2).metrics(2, { acc: 0.1 })
  return run.upload(3).metrics(3, { acc: 0.9 }).upload(4)
}

describe('the deque has no room', () => {
  test('for what has max_keep_ckpts newer ones, which the reason names', () => {
    expect(evictions(aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3, 4, 5))).toEqual([
      [1, 'max_keep_ckpts=2, newer 2, 3'],
      [2, 'max_keep_ckpts=2, newer 3, 4'],
      [3, 'max_keep_ckpts=2, newer 4, 5'],
    ])
  })

  test('whereby what is outside the series takes no room', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 1 }).upload(2, 3, 4)
    expect(evictions(run)).toEqual([
      [2, 'max_keep_ckpts=1, newer 4'],
      [3, 'outside the series (interval=2, save_begin=0), newer 4'],
    ])
  })

  test.each([0, -1])('for all where it is unlimited, with %d', (keep) => {
    expect(evictions(aRun({ max_keep_ckpts: keep }).upload(1, 2, 3))).toEqual([])
  })

  test('for those that it held, too, and then says why', () => {
    const run = aRun().upload(1, 2, 3).options({ max_keep_ckpts: 1 })
    const reason =
      'held: max_keep_ckpts=1 would evict 2 checkpoints at once, more than the brake of 1'
    expect(evictions(run, 'held', 1)).toEqual([
      [1, reason],
      [2, reason],
    ])
    expect(evictions(run, 'evicted', 1)).toEqual([])
    expect(evictions(run, 'held', 2)).toEqual([])
  })
})

describe('a change of max_keep_ckpts is judged', () => {
  test('by the steps of the life that was the newest then, whatever came later', () => {
    const run = aRun().upload(3, 1, 2).options({ max_keep_ckpts: 1 }).begin().upload(4)
    expect(stepsThatAre(run.outcome(1), 'held')).toEqual([])
    expect(evicted(run, 1)).toEqual([1, 2, 3])
  })
})

describe('a step of the deque that a newer life uploads again, outside the deque,', () => {
  const stack = { interval: 2, save_best: 'acc' }
  const limited = { ...stack, max_keep_ckpts: 2 }

  test('brings nothing back that it had crowded out', () => {
    const run = recordAtThree(aRun(limited))
    expect(kept(run)).toEqual([3, 4])
    run.begin().upload(3)
    expect(kept(run)).toEqual([3, 4])
    expect(evicted(run)).toEqual([2])
  })

  test('nor under a file of options', () => {
    const run = recordAtThree(aRun(stack).options({ max_keep_ckpts: 2 }))
      .begin()
      .upload(3)
    expect(evicted(run)).toEqual([2])
  })

  test('nor where a later file has room for more', () => {
    const run = recordAtThree(aRun(stack).options({ max_keep_ckpts: 2 }))
      .begin()
      .upload(3)
    expect(evicted(run.options({ max_keep_ckpts: 3 }))).toEqual([2])
  })

  test('crowds nothing out by a limit that came after it', () => {
    const run = recordAtThree(aRun(stack)).begin().upload(3).options({ max_keep_ckpts: 2 })
    expect(evicted(run)).toEqual([])
  })

  test('nor by a limit that was lifted before it', () => {
    const run = aRun(stack).options({ max_keep_ckpts: 1 }).options({ max_keep_ckpts: 9 })
    expect(evicted(recordAtThree(run).begin().upload(3))).toEqual([])
  })

  test('is judged by the life before, also where it begins the new one by its bytes', () => {
    const run = aRun(limited).upload(2).metrics(2, { acc: 0.1 }).upload(6, 4)
    run.upload(3).metrics(3, { acc: 0.9 }).upload(3, 4)
    expect(run.outcome().survey.lives.map(({ by }) => by)).toEqual(['first upload', 'bytes'])
    expect(kept(run)).toEqual([4, 6])
  })
})

describe('an upload outside the series goes', () => {
  test('when a higher step of its life is there, in whatever order they came', () => {
    expect(evictions(aRun({ interval: 10 }).upload(3, 1, 2))).toEqual([
      [1, 'outside the series (interval=10, save_begin=0), newer 2'],
      [2, 'outside the series (interval=10, save_begin=0), newer 3'],
    ])
  })

  test.each([0, -1])('never where the interval is %d', (interval) => {
    expect(evictions(aRun({ interval, max_keep_ckpts: 1 }).upload(1, 2, 3))).toEqual([])
  })

  test('not while it is the highest step of the newest life, however many came after it', () => {
    expect(evictions(aRun({ interval: 2, max_keep_ckpts: 1 }).upload(5, 2, 4))).toEqual([
      [2, 'max_keep_ckpts=1, newer 4'],
    ])
  })

  test('once its life is an earlier one, and max_keep_ckpts uploads are newer', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2 }).upload(2, 3).begin().upload(4)
    expect(evictions(run)).toEqual([])
    expect(evictions(run.upload(6))).toEqual([
      [2, 'max_keep_ckpts=2, newer 4, 6'],
      [3, 'outside the series (interval=2, save_begin=0), of an earlier life, 2 are newer'],
    ])
  })

  test.each([0, -1])('never for being of an earlier life where max_keep_ckpts is %d', (keep) => {
    const run = aRun({ interval: 2, max_keep_ckpts: keep }).upload(2, 3).begin().upload(4, 6)
    expect(evictions(run)).toEqual([])
  })
})
