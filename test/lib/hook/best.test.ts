import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold } from '../../../lib/hook/fold.ts'
import { type ARun, aRun, BRAKE, bestOf, RUN } from './a-run.ts'

const best = (run: ARun) => bestOf(run.outcome())
const faults = (run: ARun) => run.outcome().survey.walk.faults.map(({ fault }) => fault)
const records = (run: ARun) =>
  [...run.outcome().survey.walk.records].map(({ step }) => step).toSorted((a, b) => a - b)

describe('the best of a metric', () => {
  test('is its highest score under greater, its lowest under less', () => {
    const scores = [0.3, 0.7, 0.5, 0.2]
    expect(best(aRun({ save_best: 'acc' }).validated('acc', ...scores))).toEqual([['acc', 0.7, 2]])
    expect(best(aRun({ save_best: 'loss' }).validated('loss', ...scores))).toEqual([
      ['loss', 0.2, 4],
    ])
  })

  test('is the earlier of equal scores', () => {
    expect(best(aRun({ save_best: 'acc' }).validated('acc', 0.5, 0.7, 0.7))[0]?.[2]).toBe(2)
  })

  test('is the lower step of equal scores, although the higher one was uploaded first', () => {
    const run = aRun({ save_best: 'acc' })
    for (const step of [3, 1, 2]) run.upload(step).metrics(step, { acc: 0.5 })
    expect(best(run)).toEqual([['acc', 0.5, 1]])
  })

  test('is in the earlier life of equal scores', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.2, 0.5).begin()
    run.validated('acc', 0.5)
    expect(best(run)).toEqual([['acc', 0.5, 3]])
  })

  test('is over the whole run, so an abandoned life may hold it', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.9, 0.2).begin().validated('acc', 0.5)
    const [found] = run.outcome().best
    expect(found).toMatchObject({ score: 0.9, life: { ordinal: 0 }, checkpoint: { step: 1 } })
    expect(found?.checkpoint.newestOfKey).toBe(false)
  })

  test('is never NaN or None', () => {
    const run = aRun({ save_best: 'acc' })
      .upload(1, 2, 3)
      .metrics(1, { acc: Number.NaN })
      .metrics(2, { acc: 0.1 })
      .metrics(3, { acc: null })
    expect(best(run)).toEqual([['acc', 0.1, 2]])
    expect(faults(run)).toEqual([])
  })

  test('is infinity for ever, once it came', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1, Infinity, 1e308, Infinity)
    expect(best(run)).toEqual([['acc', Infinity, 2]])
  })

  test('is not the worst score of all', () => {
    expect(best(aRun({ save_best: 'acc' }).validated('acc', -Infinity))).toEqual([])
  })

  test('waits for the checkpoint of its step, and for a whole one', () => {
    const run = aRun({ save_best: 'acc' }).upload(1).metrics(1, { acc: 0.1 })
    run.metrics(2, { acc: 0.9 }).uploadLike({ torn: 'truncated' }, 2)
    expect(best(run)).toEqual([['acc', 0.1, 1]])
    expect(best(run.upload(2))).toEqual([['acc', 0.9, 2]])
  })

  test('is as the rule that is named says', () => {
    const run = aRun({ save_best: 'acc', rule: 'less' }).validated('acc', 0.5, 0.1)
    expect(best(run)).toEqual([['acc', 0.1, 2]])
  })

  test('is nothing where nothing is tracked, and no metric is a fault then', () => {
    const run = aRun().validated('recall', 0.5)
    expect(best(run)).toEqual([])
    expect(faults(run)).toEqual([])
  })

  test('stays that of bytes of which one version is left', () => {
    const run = aRun({ save_best: 'acc' }).uploadLike({ bytes: 'a' }, 1).metrics(1, { acc: 0.9 })
    const history = run.uploadLike({ bytes: 'a', multipart: true }, 1).history()
    const [facts] = history.steps.values()
    const [first] = facts?.uploads ?? []
    if (first === undefined) throw new Error('no upload')
    first.gone = true
    expect(bestOf(fold(RUN, history, BRAKE))).toEqual([['acc', 0.9, 1]])
  })

  test('is no directory that a person removed', () => {
    const template = 'epoch_{}.pth/'
    const run = aRun({ save_best: 'acc' })
      .uploadLike({ template }, 1, 2)
      .metrics(1, { acc: 0.9 })
      .metrics(2, { acc: 0.5 })
    expect(best(run)).toEqual([['acc', 0.9, 1]])
    expect(best(run.remove(1, template))).toEqual([['acc', 0.5, 2]])
  })

  test('is a directory that stays where a person removed a file of its step', () => {
    const template = 'epoch_{}.pth/'
    const run = aRun({ save_best: 'acc' }).uploadLike({ torn: 'is truncated' }, 1)
    run.uploadLike({ template }, 1).metrics(1, { acc: 0.9 })
    expect(best(run.remove(1))).toEqual([['acc', 0.9, 1]])
  })

  test('counts the corrected value of a step', () => {
    const key = 'metrics/1.json'
    const run = aRun({ save_best: 'acc' }).upload(1, 2).metrics(1, { acc: 0.9 }, { key })
    run.metrics(2, { acc: 0.5 }).metrics(1, { acc: 0.1 }, { key })
    expect(best(run)).toEqual([['acc', 0.5, 2]])
  })

  test('is the best of its eligible scores, and a tie goes to the lowest step', () => {
    const scores = fc.array(fc.option(fc.oneof(fc.double(), fc.constantFrom(0.1, 0.2, 0.3))), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(scores, fc.constantFrom('greater', 'less'), (given, rule) => {
        const run = aRun({ save_best: 'm', rule })
        for (const [at, score] of given.entries()) run.upload(at + 1).metrics(at + 1, { m: score })
        const worst = rule === 'greater' ? -Infinity : Infinity
        const eligible = given.filter(
          (each) => each !== null && !Number.isNaN(each) && each !== worst,
        )
        const expected = rule === 'greater' ? Math.max : Math.min
        const score = expected(...(eligible as number[]))
        const step = given.indexOf(score) + 1
        expect(best(run).map(([, value, at]) => [value + 0, at])).toEqual(
          eligible.length === 0 ? [] : [[score + 0, step]],
        )
      }),
    )
  })
})

describe('of several metrics', () => {
  const run = () => aRun({ save_best: ['loss', 'acc'] })

  test('each has its own best, in the order of save_best', () => {
    const both = run().upload(1, 2).metrics(1, { acc: 1, loss: 2 }).metrics(2, { acc: 0, loss: 1 })
    expect(best(both)).toEqual([
      ['loss', 1, 2],
      ['acc', 1, 1],
    ])
  })

  test('one that is missing is told, and the other goes on', () => {
    const missing = run().upload(1).metrics(1, { acc: 1, psnr: 2 })
    expect(best(missing)).toEqual([['acc', 1, 1]])
    expect(faults(missing)).toEqual([
      {
        field: 'save_best',
        reason: 'the metrics of step 1 have no "loss"; they have acc, psnr',
      },
    ])
  })

  test('one that is missing is told beside five that are there, and no more', () => {
    const many = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }
    expect(faults(aRun({ save_best: 'acc' }).upload(1).metrics(1, many))[0]?.reason).toBe(
      'the metrics of step 1 have no "acc"; they have a, b, c, d, e',
    )
  })

  test('a step without any metrics is no fault', () => {
    expect(faults(run().upload(1))).toEqual([])
  })
})

describe('auto', () => {
  test('is the first key of the first metrics in step order, and stays so', () => {
    const run = aRun({ save_best: 'auto' }).upload(1, 2)
    run.metrics(2, { loss: 1 }).metrics(1, { acc: 0.5, loss: 3 }).metrics(2, { acc: 0.4 })
    expect(best(run)).toEqual([['acc', 0.5, 1]])
  })

  test('passes over a step without metrics', () => {
    expect(best(aRun({ save_best: 'auto' }).upload(1, 2).metrics(2, { loss: 1 }))).toEqual([
      ['loss', 1, 2],
    ])
  })

  test('whose rule cannot be inferred is told, and tracks nothing by it', () => {
    const run = aRun({ save_best: 'auto' }).upload(1).metrics(1, { recall: 0.5 })
    expect(best(run)).toEqual([])
    expect(run.outcome().survey.walk.tracked).toEqual([])
    expect(faults(run)).toEqual([
      {
        field: 'rule',
        reason: 'cannot be inferred for the metric "recall"; name "greater" or "less" explicitly',
      },
    ])
  })

  test('whose rule cannot be inferred leaves the choice to the next metrics', () => {
    const run = aRun({ save_best: 'auto' }).upload(1, 2)
    run.metrics(1, { recall: 0.5 }).metrics(2, { acc: 0.4 })
    expect(best(run)).toEqual([['acc', 0.4, 2]])
  })

  test('that holds "loss" and infers greater is told once, at the step that says so', () => {
    const run = aRun({ save_best: 'auto' }).validated('stop_loss', 0.5, 0.7, 0.6)
    expect(best(run)).toEqual([['stop_loss', 0.7, 2]])
    expect(run.outcome().survey.walk.faults).toMatchObject([
      {
        checkpoint: { step: 1 },
        fault: { field: 'rule', reason: expect.stringContaining('"stop_loss" infers "greater"') },
      },
    ])
  })

  test('is not what came while the options named a metric', () => {
    const run = aRun().options({ save_best: 'acc' }).upload(1).metrics(1, { acc: 0.5 })
    run.options({ save_best: 'auto' }).upload(2).metrics(2, { loss: 1 })
    expect(best(run)).toEqual([['loss', 1, 2]])
  })

  test('tracks nothing more where later options leave it without a rule', () => {
    const run = aRun().options({ save_best: 'auto', rule: 'greater' }).validated('recall', 0.5)
    run.options({ save_best: 'auto' }).upload(2, 3)
    run.metrics(2, { recall: 0.9, acc: 0.1 }).metrics(3, { recall: 0.8, acc: 0.2 })
    expect(run.outcome().survey.walk.tracked).toEqual([])
    expect(bestOf({ best: run.outcome().everBest })).toEqual([['recall', 0.5, 1]])
    expect(faults(run).map(({ field }) => field)).toEqual(['rule'])
  })

  test('has the rule that is named', () => {
    const run = aRun({ save_best: 'auto', rule: 'less' }).validated('recall', 0.5, 0.1)
    expect(best(run)).toEqual([['recall', 0.1, 2]])
  })

  test('with a metric of no value at first is that metric all the same', () => {
    const run = aRun({ save_best: 'auto' }).upload(1, 2)
    run.metrics(1, { acc: null, loss: 1 }).metrics(2, { acc: 0.5 })
    expect(best(run)).toEqual([['acc', 0.5, 2]])
  })
})

describe('a change of save_best', () => {
  test('starts the new metric afresh: the score of the other does not count', () => {
    const run = aRun().options({ save_best: 'acc' }).upload(1, 2)
    run.metrics(1, { acc: 0.9, loss: 0.1 }).metrics(2, { acc: 0.5, loss: 0.8 })
    run.options({ save_best: 'loss' }).upload(3).metrics(3, { acc: 1, loss: 0.5 })
    expect(best(run)).toEqual([['loss', 0.5, 3]])
  })

  test('of the rule alone does so too', () => {
    const run = aRun().options({ save_best: 'acc' }).validated('acc', 0.9, 0.1)
    run.options({ save_best: 'acc', rule: 'less' }).upload(3).metrics(3, { acc: 0.5 })
    expect(best(run)).toEqual([['acc', 0.5, 3]])
  })

  test('and back takes the old best up again', () => {
    const run = aRun().options({ save_best: 'acc' }).validated('acc', 0.9)
    run.options({ save_best: 'loss' }).options({ save_best: 'acc' })
    expect(best(run)).toEqual([['acc', 0.9, 1]])
  })
})

test('a step sets a record where it is better than all before it in the walk', () => {
  expect(records(aRun({ save_best: 'acc' }).validated('acc', 0.3, 0.2, 0.5, 0.5, 0.6))).toEqual([
    1, 3, 5,
  ])
})

test('who is best does not depend on the order in which scores were uploaded (invariant 6)', () => {
  const scores = fc.array(fc.constantFrom(0.1, 0.2, 0.3, Number.NaN), {
    minLength: 1,
    maxLength: 7,
  })
  fc.assert(
    fc.property(
      scores.chain((given) =>
        fc.tuple(
          fc.constant(given),
          fc.shuffledSubarray([...given.keys()], { minLength: given.length }),
        ),
      ),
      ([given, order]) => {
        const inOrder = aRun({ save_best: 'acc' }).validated('acc', ...given)
        const shuffled = aRun({ save_best: 'acc' })
        for (const at of order) shuffled.metrics(at + 1, { acc: given[at] ?? null })
        for (const at of order) shuffled.upload(at + 1)
        expect(best(shuffled)).toEqual(best(inOrder))
        expect(records(shuffled)).toEqual(records(inOrder))
      },
    ),
  )
})
