import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stepId } from '../../../lib/hook/history.ts'
import { metricsInLife } from '../../../lib/hook/lives.ts'
import { surveyOf } from '../../../lib/hook/survey.ts'
import { type ARun, aRun, RUN } from './a-run.ts'

/** How each life is known, and its steps. */
function livesOf(run: ARun): [by: string, steps: number[]][] {
  return surveyOf(RUN, run.history()).lives.map(({ by, steps }) => [
    by,
    [...steps.keys()].toSorted((a, b) => a - b),
  ])
}

describe('a life begins', () => {
  test('with the first upload of the run', () => {
    expect(livesOf(aRun().upload(1, 2, 3))).toEqual([['first upload', [1, 2, 3]]])
  })

  test('with before_train.json, from its first whole checkpoint on', () => {
    expect(livesOf(aRun().begin().upload(1, 2).begin('epoch_2.pth'))).toEqual([
      ['before_train.json', [1, 2]],
    ])
    const resumed = aRun().begin().upload(1, 2).begin('epoch_2.pth').upload(3, 4)
    expect(livesOf(resumed)).toEqual([
      ['before_train.json', [1, 2]],
      ['before_train.json', [3, 4]],
    ])
    const lives = surveyOf(RUN, resumed.history()).lives
    expect(lives.map(({ resumeFrom }) => resumeFrom)).toEqual([undefined, 'epoch_2.pth'])
  })

  test('not with a before_train.json that is followed by a torn upload alone', () => {
    const run = aRun().upload(1, 2).begin().uploadLike({ torn: 'truncated' }, 1)
    expect(livesOf(run)).toEqual([['first upload', [1, 2]]])
  })

  test('by bytes, where two known steps come again, rising, both with other bytes', () => {
    expect(livesOf(aRun().upload(1, 2, 3, 1, 2))).toEqual([
      ['first upload', [1, 2, 3]],
      ['bytes', [1, 2]],
    ])
  })

  test('by bytes at the first of the two', () => {
    const { lives } = surveyOf(RUN, aRun().upload(1, 2, 3, 2, 3).history())
    expect(lives[1]?.begins).toMatchObject({ seconds: 40, kind: 'checkpoint', step: 2 })
    expect(lives[0]?.steps.get(2)?.first.seconds).toBe(20)
  })

  test('by bytes at the first of them, where a step is saved again in between', () => {
    const { lives } = surveyOf(RUN, aRun().upload(1, 2, 3, 2, 2, 3).history())
    expect(lives[1]?.begins).toMatchObject({ seconds: 40, kind: 'checkpoint', step: 2 })
    expect(lives[1]?.steps.get(2)?.first.seconds).toBe(50)
    expect(lives[0]?.steps.get(2)?.first.seconds).toBe(20)
  })

  test('by bytes also where a person starts over twice', () => {
    expect(livesOf(aRun().upload(1, 2, 3, 1, 2, 3, 1, 2))).toEqual([
      ['first upload', [1, 2, 3]],
      ['bytes', [1, 2, 3]],
      ['bytes', [1, 2]],
    ])
  })
})

describe('no life begins', () => {
  const one = (run: ARun) => {
    expect(livesOf(run)).toHaveLength(1)
  }

  test('with a before_train.json that cannot be read', () => {
    one(aRun().upload(1, 2).begin(undefined, { field: 'text', reason: 'is not JSON' }).upload(3))
  })

  test("with MMEngine's second save of a step that set a record", () => {
    one(aRun().upload(1, 1, 2, 3, 3, 4, 4, 5))
  })

  test('with one step again, however often', () => {
    one(aRun().upload(1, 2, 3, 2))
    one(aRun().upload(1, 2, 3, 2, 2))
  })

  test('with known steps that come again, but falling', () => one(aRun().upload(1, 2, 3, 3, 2, 1)))

  test('with uploads in the order of their names', () => one(aRun().upload(1, 10, 11, 12, 2, 3, 4)))

  test('with uploads in any order: order alone begins none', () => {
    const steps = fc.uniqueArray(fc.nat(20), { minLength: 1 })
    fc.assert(
      fc.property(steps, (shuffled) => {
        one(aRun().upload(...shuffled))
      }),
    )
  })

  test('with a sync of the same bytes, whole or in parts, in any order', () => {
    const steps = Array.from({ length: 6 }, (_, at) => at + 1)
    const again = fc.array(fc.tuple(fc.constantFrom(...steps), fc.boolean()))
    fc.assert(
      fc.property(again, (synced) => {
        const run = aRun().uploadLike({ bytes: 'same' }, ...steps)
        for (const [step, multipart] of synced) run.uploadLike({ bytes: 'same', multipart }, step)
        one(run)
      }),
    )
  })

  test('with a re-upload, a new step, and another re-upload', () =>
    one(aRun().upload(1, 2, 1, 3, 2)))
})

test('a re-upload that begins none replaces its step', () => {
  const { lives } = surveyOf(RUN, aRun().upload(1, 2, 3, 2).history())
  expect(lives[0]?.steps.get(2)?.first.seconds).toBe(40)
})

describe('metrics of a step', () => {
  const metricsOf = (run: ARun, step: number) => {
    const history = run.history()
    const { lives } = surveyOf(RUN, history)
    const facts = history.steps.get(stepId('epoch', step))?.metrics ?? []
    return lives.map((life) => Object.fromEntries(metricsInLife(facts, life, lives)))
  }

  test('belong to the life that their time falls in', () => {
    const run = aRun().upload(1).metrics(1, { acc: 0.1 }).begin().metrics(1, { acc: 0.2 }).upload(1)
    expect(metricsOf(run, 1)).toEqual([{ acc: 0.1 }, { acc: 0.2 }])
  })

  test('belong to the first life where they came before everything', () => {
    expect(metricsOf(aRun().metrics(1, { acc: 0.1 }).upload(1), 1)).toEqual([{ acc: 0.1 }])
  })

  test('belong to the life of the version that they name, whenever they come', () => {
    const run = aRun().upload(1).begin().upload(1).metrics(1, { acc: 0.1 }, { versionId: 'v1' })
    expect(metricsOf(run, 1)).toEqual([{ acc: 0.1 }, {}])
  })

  test('find that version among all steps and uploads of the lives', () => {
    const told = (versionId: string) =>
      aRun()
        .uploadLike({ bytes: 'a' }, 1)
        .uploadLike({ bytes: 'a', multipart: true }, 1)
        .upload(2)
        .begin()
        .upload(1, 2)
        .metrics(1, { acc: 0.1 }, { versionId })
    for (const first of ['v1', 'v2', 'v3']) {
      expect(metricsOf(told(first), 1)).toEqual([{ acc: 0.1 }, {}])
    }
    expect(metricsOf(told('v5'), 1)).toEqual([{}, { acc: 0.1 }])
  })

  test('that name a version nobody knows belong to the life that their time falls in', () => {
    const run = aRun().upload(1).begin().upload(1).metrics(1, { acc: 0.1 }, { versionId: 'v99' })
    expect(metricsOf(run, 1)).toEqual([{}, { acc: 0.1 }])
  })

  test('of the second in which a life begins belong to that life', () => {
    const run = aRun().upload(1).at(15).begin().at(15).metrics(1, { acc: 0.1 }).upload(1)
    expect(metricsOf(run, 1)).toEqual([{}, { acc: 0.1 }])
  })

  test('are a union of what several files say', () => {
    const run = aRun().upload(1).metrics(1, { acc: 0.1 }).metrics(1, { loss: 2 })
    expect(metricsOf(run, 1)).toEqual([{ acc: 0.1, loss: 2 }])
  })

  test('of events outrank those of logs, whichever came last', () => {
    const log = { source: 'log' } as const
    const run = aRun().upload(1).metrics(1, { acc: 0.1 }).metrics(1, { acc: 0.9, loss: 2 }, log)
    expect(metricsOf(run, 1)).toEqual([{ acc: 0.1, loss: 2 }])
    const early = aRun().upload(1).metrics(1, { acc: 0.9 }, log).metrics(1, { acc: 0.1 })
    expect(metricsOf(early, 1)).toEqual([{ acc: 0.1 }])
  })

  test('of a later version win, and lines that it lacks stay', () => {
    const key = 'metrics/1.json'
    const run = aRun()
      .upload(1)
      .metrics(1, { acc: 0.1, loss: 2 }, { key })
      .metrics(1, { acc: 0.3 }, { key })
    expect(metricsOf(run, 1)).toEqual([{ acc: 0.3, loss: 2 }])
  })

  test('of a later version win in a log, too', () => {
    const log = { key: '20260101_000000/vis_data/scalars.json', source: 'log' } as const
    const run = aRun().upload(1).metrics(1, { acc: 0.1 }, log).metrics(1, { acc: 0.3 }, log)
    expect(metricsOf(run, 1)).toEqual([{ acc: 0.3 }])
  })

  test('of a later version win in whatever order they are given', () => {
    const key = 'metrics/1.json'
    const run = aRun().upload(1).metrics(1, { acc: 0.1 }, { key }).metrics(1, { acc: 0.3 }, { key })
    const history = run.history()
    const { lives } = surveyOf(RUN, history)
    const [life] = lives
    if (life === undefined) throw new Error('no life')
    const facts = history.steps.get(stepId('epoch', 1))?.metrics ?? []
    expect([...metricsInLife(facts.toReversed(), life, lives)]).toEqual([['acc', 0.3]])
  })

  test('are in the order of their text, which says what auto means', () => {
    const log = { source: 'log' } as const
    const run = aRun().upload(1).metrics(1, { c: 1, a: 1 }, log).metrics(1, { b: 1, a: 1 })
    const history = run.history()
    const { lives } = surveyOf(RUN, history)
    const [life] = lives
    if (life === undefined) throw new Error('no life')
    const facts = history.steps.get(stepId('epoch', 1))?.metrics ?? []
    expect([...metricsInLife(facts, life, lives).keys()]).toEqual(['b', 'a', 'c'])
  })

  test('stay with the step where a re-upload begins no life', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.5).upload(1, 2)
    expect(run.outcome().best[0]?.checkpoint.first.seconds).toBe(30)
  })
})
