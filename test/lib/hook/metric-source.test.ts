import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RECORDED, readRecording, uploadBody } from '../../../examples/train/recording.ts'
import { readLog, readMetricEvents } from '../../../lib/hook/metric-source.ts'

const { order, expected } = await readRecording()

const event = (metrics: string) => readMetricEvents(`{"epoch": 3, "metrics": ${metrics}}`)
const recordedLog = (name: string) =>
  readLog(readFileSync(new URL(`logs/${name}.json`, RECORDED), 'utf8'))
const SMALL = [
  ['accuracy', 92.84818067754078],
  ['val_loss', 0.2746281885217056],
]

describe('a metric event', () => {
  test('names its step in both counters, and its metrics in the order of the text', () => {
    const text = '{"epoch": 3, "iter": 1500, "metrics": {"loss": 1, "acc": 0.91, "10": 2}}'
    expect(readMetricEvents(text)).toEqual({
      validations: [
        {
          steps: { epoch: 3, iter: 1500 },
          metrics: [
            ['loss', 1],
            ['acc', 0.91],
            ['10', 2],
          ],
          versionId: undefined,
        },
      ],
      faults: [],
    })
  })

  test("may have Python's bare NaN and infinities, and null for None", () => {
    const text = '{"a": NaN, "b": Infinity, "c": -Infinity, "d": null, "e": -1e-3}'
    expect(event(text).validations[0]?.metrics).toEqual([
      ['a', Number.NaN],
      ['b', Infinity],
      ['c', -Infinity],
      ['d', null],
      ['e', -0.001],
    ])
  })

  test('may name the version of the checkpoint that was validated', () => {
    const text = '{"epoch": 3, "version_id": "v7", "metrics": {"acc": 1}}'
    expect(readMetricEvents(text).validations[0]?.versionId).toBe('v7')
  })

  test('whose version is no text names none', () => {
    const text = '{"epoch": 3, "version_id": 7, "metrics": {"acc": 1}}'
    expect(readMetricEvents(text).validations[0]?.versionId).toBeUndefined()
  })

  test('with one wrong counter counts by the other, and says so', () => {
    const { validations, faults } = readMetricEvents(
      '{"epoch": "three", "iter": 0, "metrics": {"acc": 1}}',
    )
    expect(validations.map(({ steps }) => steps)).toStrictEqual([{ iter: 0 }])
    expect(faults).toEqual([
      { field: 'line 1: epoch', reason: 'expected a whole number of 0 or more' },
    ])
  })

  test('may have names without quotes, and space around it, as JSON5 has', () => {
    const { validations, faults } = readMetricEvents('\uFEFF \t{epoch: 3, metrics: {acc: 0.5}} \n')
    expect(faults).toEqual([])
    expect(validations).toMatchObject([{ steps: { epoch: 3 }, metrics: [['acc', 0.5]] }])
  })

  test('may be laid out over several lines', () => {
    expect(event('{\n  "acc": 0.5\n}').validations[0]?.metrics).toEqual([['acc', 0.5]])
  })

  test('may be one of several lines, of which bad ones hurt only themselves', () => {
    const good = '{"epoch": 1, "metrics": {"acc": 0.1}}'
    const reading = readMetricEvents(`${good}\r\n\nno JSON\n[1]\n${good}\n`)
    expect(reading.validations).toHaveLength(2)
    expect(reading.faults).toEqual([
      { field: 'line 3', reason: 'expected a JSON object, got text that is not JSON' },
      { field: 'line 4', reason: 'expected a JSON object, got array' },
    ])
  })

  test('has the last of values that stand twice under one name, as in Python', () => {
    expect(event('{"acc": 1, "acc": 2}').validations[0]?.metrics).toEqual([['acc', 2]])
  })

  test('may have metrics with the names of things that objects have', () => {
    expect(event('{"__proto__": 1, "constructor": 2}').validations[0]?.metrics).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ])
  })

  test.each([
    ['', 'text', 'is empty; expected JSON'],
    ['   \n', 'text', 'is empty; expected JSON'],
    ['{"metrics": {"acc": 1}}', 'line 1', 'names neither "epoch" nor "iter"'],
    [
      '{"epoch": 1.5, "metrics": {"acc": 1}}',
      'line 1: epoch',
      'expected a whole number of 0 or more',
    ],
    ['{"iter": -1, "metrics": {"acc": 1}}', 'line 1: iter', 'expected a whole number of 0 or more'],
    [
      '{"epoch": 1, "metrics": [1]}',
      'line 1: metrics',
      'expected an object of metric names and numbers',
    ],
    ['{"epoch": 1}', 'line 1: metrics', 'expected an object of metric names and numbers'],
    [
      '{"epoch": 1, "metrics": {"acc": "high"}}',
      'line 1: metrics.acc',
      'expected a number, got "high"',
    ],
    [
      '{"epoch": 1, "metrics": {"acc": {}}}',
      'line 1: metrics.acc',
      'expected a number, got object',
    ],
    [
      `{"epoch": 1, "metrics": {"acc": "${'x'.repeat(90)}"}}`,
      'line 1: metrics.acc',
      `expected a number, got "${'x'.repeat(39)}`,
    ],
    [
      '{"epoch": 1e16, "metrics": {"acc": 1}}',
      'line 1: epoch',
      'expected a whole number of 0 or more',
    ],
    [
      '{"epoch": 1, "metrics": {"acc": true}}',
      'line 1: metrics.acc',
      'expected a number, got boolean',
    ],
  ])('of %j is refused with its place and the reason', (text, field, reason) => {
    const { faults, validations } = readMetricEvents(text)
    expect(faults[0]).toEqual({ field, reason })
    expect(validations).toEqual([])
  })

  test('keeps its good metrics beside a bad one', () => {
    const { validations, faults } = event('{"acc": 0.5, "name": "x"}')
    expect(validations[0]?.metrics).toEqual([['acc', 0.5]])
    expect(faults).toHaveLength(1)
  })

  test('without metrics says nothing', () => {
    expect(event('{}')).toEqual({ validations: [], faults: [] })
  })

  test('with more metrics than an entry can hold is refused', () => {
    const metrics = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, at])))
    expect(event(metrics(1001))).toEqual({
      validations: [],
      faults: [{ field: 'line 1: metrics', reason: 'has more than 1000 metrics' }],
    })
    expect(event(metrics(1000)).validations[0]?.metrics).toHaveLength(1000)
  })

  test('gives back every double that JSON or Python writes', () => {
    fc.assert(
      fc.property(fc.double(), fc.string(), (value, name) => {
        const shown = Object.is(value, -0) ? '-0' : String(value)
        const { validations, faults } = event(`{${JSON.stringify(name)}: ${shown}}`)
        expect(faults).toEqual([])
        expect(validations[0]?.metrics).toEqual([[name, value]])
      }),
    )
  })

  test('of any text whatever is read without an exception (invariant 9)', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '"metrics"',
      ':',
      '"epoch"',
      '1',
      'NaN',
      ',',
      '\n',
      '[',
    )
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces).map((each) => each.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        readMetricEvents(text)
        readLog(text)
      }),
    )
  })
})

describe("MMEngine's own log", () => {
  test('as it grew in the recorded run says what the events said, each line once', async () => {
    const grown = order.filter(({ key }) => key.endsWith('scalars.json'))
    for (const [at, upload] of grown.entries()) {
      const { validations, faults } = readLog((await uploadBody(upload)).toString('utf8'))
      expect(faults).toEqual([])
      expect(validations.map(({ steps, metrics }) => ({ steps, metrics }))).toEqual(
        expected.validations
          .slice(0, at + 1)
          .map(({ epoch, metrics }) => ({ steps: { epoch }, metrics: Object.entries(metrics) })),
      )
    }
  })

  test('by iteration counts its steps in iterations', () => {
    const { validations, faults } = recordedLog('by_iteration')
    expect(faults).toEqual([])
    expect(validations.map(({ steps }) => steps)).toEqual(
      expected.validations.map(({ iter }) => ({ iter })),
    )
    expect(validations[0]?.metrics).toEqual(SMALL)
  })

  test('of a loop by iterations does so too, where a training line has the same step', () => {
    const { validations } = recordedLog('iteration_loop')
    expect(validations.map(({ steps }) => steps.iter)).toEqual([
      25, 50, 75, 100, 125, 150, 175, 200, 225, 250,
    ])
    expect(validations.every(({ steps }) => steps.epoch === undefined)).toBe(true)
  })

  test("with MMEngine's defaults counts in epochs", () => {
    const { validations } = recordedLog('defaults')
    expect(validations.map(({ steps }) => steps)).toEqual(
      expected.validations.map(({ epoch }) => ({ epoch })),
    )
  })

  test('with hierarchical names has them without "val/"', () => {
    const { validations, faults } = recordedLog('hierarchy')
    expect(faults).toEqual([])
    expect(validations.map(({ steps }) => steps.epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(validations[0]?.metrics).toEqual(SMALL)
  })

  test('with hierarchical names has no validation in a training line without an iteration', () => {
    expect(readLog('{"train/lr": 0.1, "train/loss": 2, "step": 4}')).toEqual({
      validations: [],
      faults: [],
    })
  })

  test('keeps a slash in a metric, and "val/" where other names have none', () => {
    const { validations } = readLog('{"coco/bbox_mAP": 0.3, "val/acc": 1, "time": 2, "step": 4}')
    expect(validations[0]?.metrics).toEqual([
      ['coco/bbox_mAP', 0.3],
      ['val/acc', 1],
    ])
  })

  test('without a training line before it may mean either counter', () => {
    expect(readLog('{"acc": 0.5, "step": 4}').validations[0]?.steps).toEqual({ epoch: 4, iter: 4 })
  })

  test('counts by what the training line right before it says', () => {
    const log = (iteration: number, step: number) =>
      readLog(`{"iter": 9}\n{"lr": 0.1, "iter": ${iteration}}\n{"acc": 0.5, "step": ${step}}`)
    const steps = (iteration: number, step: number) =>
      log(iteration, step).validations.map((each) => each.steps)
    expect(steps(4, 4)).toEqual([{ iter: 4 }])
    expect(steps(4, 3)).toEqual([{ epoch: 3 }])
    expect(steps(4, 5)).toEqual([{ iter: 5 }])
    expect(steps(2, 2)).toEqual([{ iter: 2 }])
    expect(steps(2, 1)).toEqual([{ epoch: 1 }])
    expect(steps(1, 1)).toEqual([{ epoch: 1, iter: 1 }])
  })

  test('has no metric in a line that holds a step and times alone', () => {
    expect(readLog('{"data_time": 0.1, "time": 0.2, "step": 0}')).toEqual({
      validations: [],
      faults: [],
    })
  })

  test('is lines: one object over several of them is none', () => {
    const { validations, faults } = readLog('{"acc": 0.5,\n"step": 4}')
    expect(validations).toEqual([])
    expect(faults.map(({ field }) => field)).toEqual(['line 1', 'line 2'])
  })

  test('may have NaN and Infinity', () => {
    const { validations } = readLog('{"acc": NaN, "psnr": Infinity, "data_time": 0.1, "step": 1}')
    expect(validations[0]?.metrics).toEqual([
      ['acc', Number.NaN],
      ['psnr', Infinity],
    ])
  })

  test('that was cut in the middle of a line loses that line alone', () => {
    const { validations, faults } = readLog('{"acc": 0.5, "step": 1}\n{"acc": 0.6, "st')
    expect(validations).toHaveLength(1)
    expect(faults.map(({ field }) => field)).toEqual(['line 2'])
  })

  test('needs a step in a validation line', () => {
    expect(readLog('{"acc": 0.5}').faults).toEqual([
      { field: 'line 1: step', reason: 'expected a step number of 0 or more' },
    ])
    expect(readLog('{"acc": 0.5}').validations).toEqual([])
    expect(readLog('{"acc": 0.5, "step": 0}').validations).toHaveLength(1)
  })
})
