import { describe, expect, test } from 'vitest'
import { type Change, changesBetween, type Look, stateOf } from '../../../cli/watch/changes.ts'
import { wordsOf } from '../../../cli/watch/lines.ts'
import type { DescribedStep, RunAnswer } from '../../../lib/query/describe-run.ts'

function stepOf(step: number, over: Partial<DescribedStep> = {}): DescribedStep {
  return {
    series: 'epoch',
    step,
    key: `a/epoch_${step}.pth`,
    size_bytes: 2048,
    uploaded: `2026-01-01T00:00:0${step}.000Z`,
    set_record: false,
    fate: 'kept',
    reason: 'kept: regular',
    ...over,
  }
}

function lookOf(over: Partial<RunAnswer> = {}, isEnded = false): Look {
  const run = {
    run: 'a',
    options: {},
    publish_due: false,
    storage: { kept_bytes: 0, made_bytes: 0, evicted_bytes: 0, stripped_bytes: 0 },
    best: [],
    steps: [],
    curves: [],
    artifacts: [],
    problems: [],
    ...over,
  } as unknown as RunAnswer
  return { run, isEnded }
}

const bestOf = (score: string, step: number, state: string) =>
  [{ metric: 'acc', score, step, state, rule: 'greater', life: 0, source: '' }] as RunAnswer['best']
const curveOf = (...values: (number | 'NaN')[]): RunAnswer['curves'] => [
  { metric: 'acc', series: 'epoch', steps: values.map((_, at) => at + 1), values },
]

describe('between two looks', () => {
  test('without a change there is none', () => {
    const look = () =>
      lookOf({ steps: [stepOf(1)], curves: curveOf(0.5), best: bestOf('1', 1, 'current') })
    expect(changesBetween(look(), look())).toEqual([])
  })

  test.each<[string, Look, Look, Change[]]>([
    [
      'an upload and what it evicts',
      lookOf({ steps: [stepOf(1)] }),
      lookOf({
        steps: [
          stepOf(1, { fate: 'evicted', reason: 'evicted: max_keep_ckpts=1, newer 2' }),
          stepOf(2),
        ],
      }),
      [
        {
          change: 'checkpoint',
          series: 'epoch',
          step: 2,
          fate: 'kept',
          reason: 'kept: regular',
          size_bytes: 2048,
        },
        {
          change: 'fate',
          was: 'kept',
          series: 'epoch',
          step: 1,
          fate: 'evicted',
          reason: 'evicted: max_keep_ckpts=1, newer 2',
          size_bytes: 2048,
        },
      ],
    ],
    [
      'another upload of a step',
      lookOf({ steps: [stepOf(1)] }),
      lookOf({ steps: [stepOf(1, { uploaded: '2026-01-02T00:00:00.000Z' })] }),
      [
        {
          change: 'checkpoint',
          series: 'epoch',
          step: 1,
          fate: 'kept',
          reason: 'kept: regular',
          size_bytes: 2048,
        },
      ],
    ],
    [
      'values that are new or other ones',
      lookOf({ curves: curveOf(0.1, 0.2) }),
      lookOf({ curves: curveOf(0.1, 'NaN', 0.3) }),
      [
        { change: 'metrics', series: 'epoch', step: 2, metrics: { acc: 'NaN' } },
        { change: 'metrics', series: 'epoch', step: 3, metrics: { acc: 0.3 } },
      ],
    ],
    [
      'another best',
      lookOf({ best: bestOf('0.5', 1, 'current') }),
      lookOf({ best: bestOf('0.6', 2, 'being made') }),
      [{ change: 'best', metric: 'acc', score: '0.6', step: 2, state: 'being made' }],
    ],
    [
      'its copy',
      lookOf({ best: bestOf('0.6', 2, 'being made') }),
      lookOf({ best: bestOf('0.6', 2, 'current') }),
      [{ change: 'best', metric: 'acc', score: '0.6', step: 2, state: 'current' }],
    ],
    [
      'files',
      lookOf({ artifacts: [{ key: 'a/x.pth', state: 'current', kind: 'best', sha256: '1' }] }),
      lookOf({
        artifacts: [
          { key: 'a/x.pth', state: 'superseded', kind: 'best', sha256: '1' },
          { key: 'a/y.pth', state: 'foreign' },
        ],
      }),
      [
        { change: 'file', key: 'a/x.pth', kind: 'best', state: 'superseded', sha256: '1' },
        { change: 'file', key: 'a/y.pth', state: 'foreign' },
      ],
    ],
    [
      'problems, the oldest first',
      lookOf(),
      lookOf({
        problems: ['second', 'first'].map((reason) => ({
          time: '2026-01-01T00:00:00.000Z',
          severity: 'error' as const,
          key: 'a/x',
          field: 'f',
          reason,
        })),
      }),
      ['first', 'second'].map((reason) => {
        return { change: 'problem', severity: 'error', key: 'a/x', field: 'f', reason } as const
      }),
    ],
    [
      'evictions that are held',
      lookOf(),
      lookOf({ held: { options_version_id: 'v', evicts: 12 } }),
      [{ change: 'held', evicts: 12 }],
    ],
    [
      'evictions that are let go',
      lookOf({ held: { options_version_id: 'v', evicts: 12 } }),
      lookOf(),
      [{ change: 'held', evicts: 0 }],
    ],
    ['the end', lookOf(), lookOf({}, true), [{ change: 'ended' }]],
  ])('%s are told', (_, before, after, expected) => {
    expect(changesBetween(before, after)).toEqual(expected)
  })

  test('a value that was told under both counters is told under that of the checkpoints', () => {
    const both = [
      ...curveOf(0.5),
      ...curveOf(0.5).map((curve) => ({ ...curve, series: 'iter' as const })),
    ]
    const other = { ...curveOf(3)[0], metric: 'lr', series: 'iter' } as RunAnswer['curves'][number]
    const after = lookOf({ options: { by_epoch: true }, curves: [...both, other] })
    expect(changesBetween(lookOf(), after)).toEqual([
      { change: 'metrics', series: 'epoch', step: 1, metrics: { acc: 0.5 } },
      { change: 'metrics', series: 'iter', step: 1, metrics: { lr: 3 } },
    ])
  })

  test('a metric of any name is told', () => {
    const curves = curveOf(1).map((curve) => ({ ...curve, metric: '__proto__' }))
    const [change] = changesBetween(lookOf(), lookOf({ curves }))
    expect(JSON.stringify(change)).toContain('{"__proto__":1}')
  })
})

test('what there is to begin with is one change, however long the run', () => {
  const look = lookOf({
    last_ckpt: 's3://bucket/a/epoch_2.pth',
    steps: [stepOf(1, { fate: 'evicted' }), stepOf(2), stepOf(3, { fate: 'torn' })],
    best: bestOf('0.5', 1, 'current'),
  })
  const state = stateOf(look)
  expect(state).toEqual({
    change: 'state',
    last_ckpt: 's3://bucket/a/epoch_2.pth',
    best: [{ metric: 'acc', score: '0.5', step: 1 }],
    kept: 1,
    evicted: 1,
    problems: 0,
  })
  expect(wordsOf(state)).toBe('last epoch_2.pth; best acc 0.5 at 1; 1 kept, 1 evicted')
})
