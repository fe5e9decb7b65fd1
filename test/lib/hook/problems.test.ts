import { describe, expect, test } from 'vitest'
import { fold } from '../../../lib/hook/fold.ts'
import {
  newestProblems,
  PROBLEMS_SHOWN,
  type Problem,
  problem,
  problemOfSource,
} from '../../../lib/hook/problems.ts'
import { type ARun, aRun, BRAKE, keyOf, RUN } from './a-run.ts'

/** Severity, key and field of each problem. */
const problems = (run: ARun) =>
  run.outcome().problems.map(({ severity, key, field }) => `${severity} ${key} ${field}`)

describe('the problems of a run', () => {
  test('are none in an orderly one', () => {
    const run = aRun({ max_keep_ckpts: 2, save_best: 'acc', published_keys: ['meta'] })
    expect(problems(run.validated('acc', 0.1, 0.2, 0.3).end())).toEqual([])
  })

  test('name a torn upload, its reason and its time', () => {
    const run = aRun().upload(1).uploadLike({ torn: 'ends before its directory' }, 2)
    expect(run.outcome().problems).toMatchObject([
      {
        severity: 'error',
        key: keyOf(2),
        field: 'checkpoint',
        reason: 'ends before its directory',
        seconds: 20,
      },
    ])
  })

  test('name an option that is wrong, and one that is unknown', () => {
    const file = 'exp/checkpoint_hook.json'
    expect(problems(aRun().options({ save_begin: -1 }))).toEqual([`error ${file} save_begin`])
    expect(problems(aRun().options({ max_keep: 3 }))).toEqual([`warning ${file} max_keep`])
  })

  test('name a begin and an end that cannot be read', () => {
    const fault = { field: 'last', reason: 'expected a text, got 3' }
    const run = aRun().upload(1).begin(undefined, fault).end(undefined, fault)
    expect(run.outcome().problems).toMatchObject([
      { severity: 'error', key: 'exp/before_train.json', seconds: 20, ...fault },
      { severity: 'error', key: 'exp/after_train.json', seconds: 30, ...fault },
    ])
  })

  test('name what has expired and is wanted again', () => {
    const history = aRun().upload(1, 2).history()
    for (const upload of history.steps.get('epoch#0000000000000001')?.uploads ?? []) {
      upload.gone = true
    }
    expect(fold(RUN, history, BRAKE).problems).toMatchObject([
      {
        severity: 'error',
        key: keyOf(1),
        seconds: 10,
        field: 'checkpoint',
        reason: 'was evicted and is wanted again, but its noncurrent version has expired',
      },
    ])
  })

  test('name a directory that is wanted again and cannot come back', () => {
    const history = aRun().uploadLike({ template: 'epoch_{}.pth/' }, 1).history()
    const [first] = history.steps.get('epoch#0000000000000001')?.uploads ?? []
    if (first === undefined) throw new Error('no upload')
    first.gone = true
    const reason =
      'was evicted and is wanted again, but files of it have expired or were overwritten'
    expect(fold(RUN, history, BRAKE).problems).toMatchObject([
      { key: 'exp/epoch_1.pth/', seconds: 10, reason },
    ])
  })

  test('name a directory beside the checkpoint that counts, if it is whole', () => {
    const directory = 'epoch_{}.pth/'
    const beside = (traits: object) =>
      aRun()
        .upload(1)
        .uploadLike({ template: directory, ...traits }, 1)
    expect(beside({}).outcome().problems).toMatchObject([
      {
        severity: 'warning',
        key: 'exp/epoch_1.pth/',
        seconds: 20,
        field: 'checkpoint',
        reason: 'kept: its step has another checkpoint, which counts',
      },
    ])
    expect(problems(beside({ torn: 'waits for files' }))).toEqual([
      'error exp/epoch_1.pth/ checkpoint',
    ])
    expect(problems(aRun().uploadLike({ template: directory }, 1))).toEqual([])
  })

  test('do not name a directory of another series as one beside', () => {
    const run = aRun().upload(1).uploadLike({ series: 'iter', template: 'iter_{}.pth/' }, 100)
    expect(problems(run)).toEqual(['warning exp/iter_100.pth/ filename_tmpl'])
  })

  test('name the other series', () => {
    const run = aRun().upload(1).uploadLike({ series: 'iter' }, 100)
    expect(problems(run)).toEqual([`warning ${keyOf(100, 'iter')} filename_tmpl`])
  })

  test('name uploads under another name than the template says', () => {
    const run = aRun().options({ filename_tmpl: 'digits-{}.pth' }).upload(3)
    expect(problems(run)).toEqual([`warning ${keyOf(3)} filename_tmpl`])
  })

  test('name a tracked metric that is missing, with those that are there', () => {
    const run = aRun({ save_best: 'acc' }).upload(1).metrics(1, { top1: 0.5 })
    expect(problems(run)).toEqual([`error ${keyOf(1)} save_best`])
    expect(run.outcome().problems[0]?.reason).toContain('top1')
  })

  test('name an interval that says never where checkpoints come', () => {
    expect(problems(aRun().options({ interval: -1 }).upload(1))).toEqual([
      'warning exp/checkpoint_hook.json interval',
    ])
    expect(problems(aRun().options({ interval: -1 }))).toEqual([])
    expect(problems(aRun().options({ interval: 0 }).upload(1))).toHaveLength(1)
    expect(problems(aRun().options({ interval: 1 }).upload(1))).toEqual([])
  })

  test('say of such an interval what follows', () => {
    expect(aRun().options({ interval: -1 }).upload(1).outcome().problems).toMatchObject([
      {
        seconds: 10,
        reason:
          'is -1, which means never, and yet checkpoints come; none outside a record is evicted',
      },
    ])
  })

  test('do not name such an interval where it is the default of the stack', () => {
    expect(problems(aRun({ interval: -1 }).upload(1))).toEqual([])
  })

  test('name the newest valid file where the options deserve a word, else where one would be', () => {
    const broken = { field: 'text', reason: 'is not JSON' }
    const told = (run: ARun) =>
      run
        .outcome()
        .problems.flatMap(({ severity, key, seconds }) =>
          severity === 'warning' ? [[key, seconds]] : [],
        )
    const file = 'exp/checkpoint_hook.json'
    const run = aRun().options({ x: 1 }).options({ y: 1 }).options({ z: 1 }, broken)
    expect(told(run)).toEqual([[file, 20]])
    expect(told(aRun({ save_best: 'stop_loss' }))).toEqual([[file, 0]])
  })

  test('are gone once a later upload mends them', () => {
    const broken = { field: 'text', reason: 'is not JSON' }
    const run = aRun().options({ save_begin: -1 }).options({}, broken)
    expect(problems(run)).toHaveLength(2)
    expect(problems(aRun({ save_best: 'acc' }).upload(1).metrics(1, { loss: 1 }))).toHaveLength(1)
    const mended = aRun({ save_best: 'acc' }).upload(1).metrics(1, { loss: 1 })
    expect(problems(mended.metrics(1, { acc: 1 }))).toEqual([])
  })

  test('do not move when a torn upload is mended: the newest upload counts', () => {
    const run = aRun().uploadLike({ torn: 'cut' }, 1).upload(1)
    expect(run.outcome().fates.get('epoch#0000000000000001')?.kind).toBe('kept')
  })
})

describe('a problem', () => {
  test('has an id that sorts by time and tells apart what happened at once', () => {
    const early = problem('error', 'k', 9, 'f', 'r')
    const late = problem('error', 'k', 10, 'f', 'r')
    const others = [
      problem('error', 'k', 10, 'f', 'another'),
      problem('error', 'k', 10, 'another', 'r'),
      problem('error', 'another', 10, 'f', 'r'),
    ]
    expect(early.id < late.id).toBe(true)
    expect(new Set([late, ...others].map(({ id }) => id)).size).toBe(4)
    expect(late.id).toMatch(/^1970-01-01T00:00:10\.000Z#[0-9a-f]{12}$/)
  })

  test('of a metric file is an error', () => {
    const fault = { key: 'exp/metrics/1.json', seconds: 10, field: 'line 1', reason: 'no JSON' }
    expect(problemOfSource(fault)).toMatchObject({ severity: 'error', ...fault })
  })
})

test('the newest hundred are shown, each once', () => {
  const many: Problem[] = Array.from({ length: 150 }, (_, at) =>
    problem('error', 'k', at * 1000, 'f', 'r'),
  )
  const shown = newestProblems([...many.toReversed(), ...many])
  expect(shown).toHaveLength(PROBLEMS_SHOWN)
  expect(shown.at(-1)?.seconds).toBe(149_000)
  expect(shown[0]?.seconds).toBe(50_000)
})
