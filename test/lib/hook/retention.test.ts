import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, type Outcome } from '../../../lib/hook/fold.ts'
import { isRegular } from '../../../lib/hook/hook-arguments.ts'
import { type ARun, aRun, BRAKE, fateOf, RUN, stepsThatAre } from './a-run.ts'

const evicted = (run: ARun) => stepsThatAre(run.outcome(), 'evicted')
const kept = (run: ARun) => stepsThatAre(run.outcome(), 'kept')
const reason = (run: ARun, step: number) => fateOf(run.outcome(), step)?.reason

describe('in an orderly run', () => {
  test('the newest max_keep_ckpts stay', () => {
    expect(kept(aRun({ max_keep_ckpts: 3 }).upload(1, 2, 3, 4, 5))).toEqual([3, 4, 5])
  })

  test('the reason says which are newer', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3, 4)
    expect(reason(run, 1)).toBe('evicted: max_keep_ckpts=2, newer 2, 3')
    expect(reason(run, 4)).toBe('kept: regular, among the newest 2')
  })

  test.each([0, -1])('the reason says where max_keep_ckpts is unlimited, as with %d', (keep) => {
    expect(reason(aRun({ max_keep_ckpts: keep }).upload(1), 1)).toBe(
      'kept: regular, max_keep_ckpts is unlimited',
    )
  })

  test('one is enough with max_keep_ckpts 1', () => {
    expect(kept(aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3))).toEqual([3])
  })

  test.each([0, -1])('all stay with max_keep_ckpts %d', (keep) => {
    expect(evicted(aRun({ max_keep_ckpts: keep }).upload(1, 2, 3))).toEqual([])
  })

  test('save_begin 5 and interval 2 give 5, 7, 9, 11; the newest upload stays beside them', () => {
    const run = aRun({ interval: 2, save_begin: 5 }).upload(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    expect(kept(run)).toEqual([5, 7, 9, 11, 12])
    expect(run.outcome().keepCkptIds).toBeUndefined()
  })

  test('an upload outside the series goes once a newer one is there', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2 }).upload(1, 2, 3)
    expect(kept(run)).toEqual([2, 3])
    expect(reason(run, 1)).toBe('evicted: outside the series (interval=2, save_begin=0), newer 2')
    expect(reason(run, 3)).toBe('kept: the newest of its life')
    expect(run.outcome().keepCkptIds).toEqual([2])
  })

  test('where the interval says never, nothing is evicted for being outside the series', () => {
    expect(evicted(aRun({ interval: -1, max_keep_ckpts: 1 }).upload(1, 2, 3))).toEqual([])
  })

  test('an off-interval step that set a record enters the deque', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' })
    run.validated('acc', 0.1, 0.1, 0.9, 0.2, 0.3)
    expect(run.outcome().keepCkptIds).toEqual([3, 4])
    expect(reason(run, 3)).toBe('kept: set a record, among the newest 2')
  })

  test('but not before a regular one was saved, as the hook has nothing to save again', () => {
    const run = aRun({ interval: 3, save_best: 'acc', max_keep_ckpts: 3 })
    run.validated('acc', 0.1, 0.2, 0.1)
    expect(run.outcome().keepCkptIds).toEqual([3])
  })

  test('the last that an end names enters the deque, with save_last', () => {
    const run = (saveLast: boolean) =>
      aRun({ interval: 2, max_keep_ckpts: 2, save_last: saveLast }).upload(1, 2, 3, 4, 5).end()
    expect(run(true).outcome().keepCkptIds).toEqual([4, 5])
    expect(reason(run(true), 5)).toBe('kept: the last, among the newest 2')
    expect(run(false).outcome().keepCkptIds).toEqual([2, 4])
    expect(kept(run(false))).toEqual([2, 4, 5])
  })
})

/** The hook's deque of one run, in plain words: what `keep_ckpt_ids` holds at its end. */
function dequeOfHook(scores: number[], named: DequeArguments): number[] {
  const ids: number[] = []
  let best = Number.NEGATIVE_INFINITY
  let saved = false
  const save = (step: number) => {
    saved = true
    if (ids.at(-1) === step) return
    if (named.max_keep_ckpts > 0 && ids.length === named.max_keep_ckpts) ids.shift()
    ids.push(step)
  }
  for (const [at, score] of scores.entries()) {
    const step = at + 1
    const since = step - named.save_begin
    const isLast = step === scores.length && named.save_last
    if ((since >= 0 && since % named.interval === 0) || isLast) save(step)
    if (score > best) {
      best = score
      if (saved) save(step)
    }
  }
  return ids
}

interface DequeArguments {
  interval: number
  max_keep_ckpts: number
  save_begin: number
  save_last: boolean
}

const dequeArguments = fc.record({
  interval: fc.integer({ min: 1, max: 4 }),
  max_keep_ckpts: fc.integer({ min: -1, max: 4 }),
  save_begin: fc.nat(4),
  save_last: fc.boolean(),
})

test("an orderly run ends with the hook's own deque, and the newest upload", () => {
  const scores = fc.array(fc.constantFrom(0.1, 0.2, 0.3, 0.4, Number.NaN), {
    minLength: 1,
    maxLength: 14,
  })
  fc.assert(
    fc.property(scores, dequeArguments, (given, named) => {
      const run = aRun({ ...named, save_best: 'acc', rule: 'greater' })
      run.validated('acc', ...given).end(`epoch_${given.length}.pth`)
      const ids = dequeOfHook(given, named)
      if (named.max_keep_ckpts > 0) expect(run.outcome().keepCkptIds ?? []).toEqual(ids)
      expect(kept(run)).toEqual([...new Set([...ids, given.length])])
    }),
    { numRuns: 500 },
  )
})

describe('in a disorderly run', () => {
  test('twelve steps in the order of their names lose none of the newest by step', () => {
    const run = aRun({ max_keep_ckpts: 3 }).upload(1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9)
    expect(kept(run)).toEqual([7, 8, 9, 10, 11, 12])
    expect(run.outcome().lastInOrder[0]?.step).toBe(12)
  })

  test('at every moment of it, too', () => {
    const order = [1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9]
    for (const until of order.keys()) {
      const run = aRun({ max_keep_ckpts: 3 }).upload(...order.slice(0, until + 1))
      const newest = order.slice(0, until + 1).toSorted((a, b) => a - b)
      expect(kept(run)).toEqual(expect.arrayContaining(newest.slice(-3)))
    }
  })

  test('a sync of the same bytes in name order changes nothing', () => {
    const steps = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    const run = aRun({ max_keep_ckpts: 3 }).uploadLike({ bytes: 'a' }, ...steps)
    run.uploadLike({ bytes: 'a', multipart: true }, 1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9)
    expect(kept(run)).toEqual([10, 11, 12])
    expect(run.outcome().lastInOrder[0]?.step).toBe(12)
  })
})

describe('with a new life', () => {
  test('what it uploads is safe at once, and what only the old one had ages out', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3, 4).begin().upload(1)
    expect(kept(run)).toEqual([1, 4])
    expect(reason(run, 4)).toBe('kept: regular, of an earlier life')
    expect(kept(run.upload(2))).toEqual([1, 2])
    expect(run.outcome().keepCkptIds).toEqual([1, 2])
  })

  test('what the trainer says it resumed from stays until it resumes from another (2)', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2).begin('epoch_2.pth').upload(3, 4, 5)
    expect(kept(run)).toEqual([2, 5])
    expect(reason(run, 2)).toBe('kept: the trainer resumed from it')
    expect(run.outcome().keepCkptIds).toEqual([5])
    expect(kept(run.begin('s3://bucket/exp/epoch_5.pth').upload(6, 7))).toEqual([5, 7])
  })

  test('what it resumed from is not forgotten by a before_train.json that cannot be read', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2).begin('epoch_2.pth').upload(3)
    run.begin(undefined, { field: 'text', reason: 'is not JSON' }).upload(4)
    expect(kept(run)).toEqual([2, 4])
  })

  test('of two of one second, the later version says what it resumed from', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3)
    const history = run.at(40).begin('epoch_1.pth').at(40).begin('epoch_2.pth').history()
    for (const begins of [history.begins, history.begins.toReversed()]) {
      const outcome = fold(RUN, { ...history, begins }, BRAKE)
      expect(stepsThatAre(outcome, 'kept')).toEqual([2, 3])
    }
  })

  test('a checkpoint that was evicted comes back where the trainer says it resumed from it', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3).begin('epoch_2.pth')
    expect(fateOf(run.outcome(), 2)).toMatchObject({ kind: 'kept', restorable: true })
  })

  test('the last is its highest step, although an older life went higher', () => {
    const run = aRun().upload(1, 2, 3).begin().upload(1)
    expect(run.outcome().lastInOrder.map(({ step }) => step)).toEqual([1, 3, 2])
  })

  test('the fates are in the order of lives and steps, each step at its newest life', () => {
    const run = aRun().upload(1, 2, 3).begin().upload(2, 1)
    expect([...run.outcome().standings.values()].map(({ fact }) => fact.step)).toEqual([3, 1, 2])
  })

  test('an older life ends with an off-interval upload that ages out as its deque does', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 1 }).upload(2, 3).begin()
    expect(kept(run)).toEqual([2, 3])
    expect(kept(run.upload(2))).toEqual([2])
  })
})

describe('with other options', () => {
  test('a larger max_keep_ckpts brings nothing back', () => {
    const run = aRun().options({ max_keep_ckpts: 1 }).upload(1, 2, 3)
    run.options({ max_keep_ckpts: 3 }).upload(4)
    expect(kept(run)).toEqual([3, 4])
    expect(kept(run.upload(5, 6))).toEqual([4, 5, 6])
  })

  test('a smaller one trims at once: [9, 10, 11] with 2, then 12, gives [11, 12]', () => {
    const run = aRun().options({ max_keep_ckpts: 3 }).upload(9, 10, 11)
    run.options({ max_keep_ckpts: 2 })
    expect(run.outcome().keepCkptIds).toEqual([10, 11])
    expect(run.upload(12).outcome().keepCkptIds).toEqual([11, 12])
  })

  test('one that would evict more than the brake is held, and says so (invariant 14)', () => {
    const run = aRun().upload(1, 2, 3, 4, 5, 6).options({ max_keep_ckpts: 1 })
    expect(stepsThatAre(run.outcome(5), 'evicted')).toEqual([1, 2, 3, 4, 5])
    expect(stepsThatAre(run.outcome(4), 'held')).toEqual([1, 2, 3, 4, 5])
    expect(run.outcome(4).keepCkptIds).toEqual([1, 2, 3, 4, 5, 6])
    expect(fateOf(run.outcome(4), 1)?.reason).toBe(
      'held: max_keep_ckpts=1 would evict 5 checkpoints at once, more than the brake of 4',
    )
  })

  test('what comes after a held change is evicted one by one', () => {
    const run = aRun().upload(1, 2, 3, 4, 5, 6).options({ max_keep_ckpts: 1 }).upload(7, 8)
    expect(stepsThatAre(run.outcome(4), 'held')).toEqual([1, 2, 3, 4, 5])
    expect(stepsThatAre(run.outcome(4), 'evicted')).toEqual([6, 7])
  })

  test('a held change that is taken back is held no more', () => {
    const run = aRun().upload(1, 2, 3, 4, 5, 6).options({ max_keep_ckpts: 1 })
    run.options({ max_keep_ckpts: -1 })
    expect(stepsThatAre(run.outcome(4), 'kept')).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('a held change that is made milder evicts within the brake', () => {
    const run = aRun().upload(1, 2, 3, 4, 5, 6).options({ max_keep_ckpts: 1 })
    run.options({ max_keep_ckpts: 3 })
    expect(stepsThatAre(run.outcome(4), 'evicted')).toEqual([1, 2, 3])
    expect(stepsThatAre(run.outcome(4), 'kept')).toEqual([4, 5, 6])
  })

  test('a first file that would evict too much at once is held as well', () => {
    const run = aRun().upload(1, 2, 3, 4).options({ max_keep_ckpts: 1 })
    expect(stepsThatAre(run.outcome(2), 'held')).toEqual([1, 2, 3])
  })
})

describe('a checkpoint that a person removed', () => {
  test('keeps its place, and nothing is restored in its stead', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3, 4).remove(4)
    expect(fateOf(run.outcome(), 4)).toEqual({
      kind: 'removed',
      reason: 'removed: not by the hub',
      member: true,
    })
    expect(kept(run)).toEqual([3])
    expect(evicted(run)).toEqual([1, 2])
  })

  test('ends to be removed with any later upload of it', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3).remove(3).upload(3)
    expect(kept(run)).toEqual([2, 3])
  })

  test('leaves the newest that is left undeleted, evicted though it should be (2, 14)', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2).remove(2)
    expect(fateOf(run.outcome(), 1)).toMatchObject({
      kind: 'kept',
      reason: 'kept: the newest that is left',
      restorable: false,
    })
  })
})

describe('a torn upload', () => {
  const torn = { torn: 'is truncated' }

  test('is kept, is no member, and evicts nothing', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2).uploadLike(torn, 3)
    expect(fateOf(run.outcome(), 3)).toEqual({
      kind: 'torn',
      reason: 'kept: not whole: is truncated',
      member: false,
    })
    expect(kept(run)).toEqual([1, 2])
    expect(run.outcome().lastInOrder[0]?.step).toBe(2)
  })

  test('on top of a whole one is never the last (invariant 5), and hides no other', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3).uploadLike(torn, 3)
    expect(fateOf(run.outcome(), 3)).toMatchObject({
      kind: 'torn',
      reason: 'kept: a newer upload is not whole: is truncated',
    })
    expect(run.outcome().lastInOrder.map(({ step }) => step)).toEqual([2])
  })

  test('on top of a whole one leaves the newest that is left undeleted (2, 14)', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2).uploadLike(torn, 2)
    expect(fateOf(run.outcome(), 1)).toEqual({
      kind: 'kept',
      rule: 'newest',
      reason: 'kept: the newest that is left',
      member: true,
      restorable: true,
    })
  })

  test('on top of the highest step leaves both the next one by step and the newest by time', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(4, 1, 3, 2).uploadLike(torn, 4)
    expect(kept(run)).toEqual([2, 3])
    expect(evicted(run)).toEqual([1])
  })

  test('is named by its own reason, whatever else is there of its step', () => {
    const run = aRun().upload(3).uploadLike(torn, 3).uploadLike({ template: 'model_{}.pth' }, 3)
    expect(reason(run, 3)).toBe('kept: a newer upload is not whole: is truncated')
  })

  test('on top of a whole one leaves the best what it was', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.9).uploadLike(torn, 2)
    expect(run.outcome().best[0]?.checkpoint.first.versionId).toBe('v3')
  })

  test('is mended by a whole one', () => {
    expect(kept(aRun().uploadLike(torn, 1).upload(1))).toEqual([1])
  })
})

describe('a checkpoint that has expired, and was needed again,', () => {
  /** The outcome where the versions of these numbers are gone. */
  function outcomeWithout(run: ARun, ...versions: number[]): Outcome {
    const history = run.history()
    for (const { uploads } of history.steps.values()) {
      for (const upload of uploads)
        upload.gone = versions.includes(Number(upload.versionId.slice(1)))
    }
    return fold(RUN, history, BRAKE)
  }

  test('counts as evicted, and the reason says that it came too late', () => {
    expect(fateOf(outcomeWithout(aRun().upload(1, 2), 1), 1)).toEqual({
      kind: 'evicted',
      rule: 'expired',
      rivals: [],
      reason: 'evicted: before what keeps it was known, and its noncurrent version has expired',
      member: true,
    })
  })

  test('which of a directory says that files of it may have been overwritten', () => {
    const run = aRun().uploadLike({ template: 'epoch_{}.pth/' }, 1, 2)
    expect(fateOf(outcomeWithout(run, 1), 1)?.reason).toBe(
      'evicted: before what keeps it was known, and files of it have expired or were overwritten',
    )
  })

  test('or that the deque has no room for it any more', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2)
    expect(fateOf(outcomeWithout(run, 1), 1)?.reason).toBe('evicted: max_keep_ckpts=1, newer 2')
  })

  test('is not lost while one version of its bytes is there', () => {
    const run = aRun().uploadLike({ bytes: 'a' }, 1).uploadLike({ bytes: 'a', multipart: true }, 1)
    expect(fateOf(outcomeWithout(run, 1), 1)?.kind).toBe('kept')
  })

  test('is not the newest: the newest that is left stays (2, 13)', () => {
    const outcome = outcomeWithout(aRun({ max_keep_ckpts: 1 }).upload(1, 2), 2)
    expect(fateOf(outcome, 1)).toMatchObject({ kind: 'kept', restorable: true })
  })
})

describe('whatever happens in a run', () => {
  const step = fc.integer({ min: 1, max: 6 })
  const events = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('upload' as const), step }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('torn' as const), step }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('metric' as const), step }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), step }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('begin' as const), step }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), step }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('options' as const), step }) },
    ),
    { maxLength: 25 },
  )

  function runOf(told: { kind: string; step: number }[], named: DequeArguments): ARun {
    const run = aRun({ ...named, save_best: 'acc' })
    for (const [at, { kind, step }] of told.entries()) {
      if (kind === 'upload') run.upload(step)
      if (kind === 'torn') run.uploadLike({ torn: 'cut' }, step)
      if (kind === 'metric') run.metrics(step, { acc: (at * 7) % 5 })
      if (kind === 'remove') run.remove(step)
      if (kind === 'begin') run.begin()
      if (kind === 'end') run.end()
      if (kind === 'options') run.options({ max_keep_ckpts: step - 1 })
    }
    return run
  }

  const property = (check: (run: ARun, named: DequeArguments) => void) =>
    fc.assert(
      fc.property(events, dequeArguments, (told, named) => check(runOf(told, named), named)),
      { numRuns: 500 },
    )

  test('the newest by step of the newest life and the newest by time stay (invariant 2)', () => {
    property((run) => {
      const outcome = run.outcome()
      const there = [...outcome.standings.values()].filter(({ fact }) => {
        const fate = fateOf(outcome, fact.step)
        return fact.newestOfKey && fate?.kind !== 'removed'
      })
      const newestLife = Math.max(...there.map(({ life }) => life.ordinal))
      const byStep = there
        .filter(({ life }) => life.ordinal === newestLife)
        .toSorted((a, b) => a.fact.step - b.fact.step)
        .at(-1)
      const byTime = there.toSorted((a, b) => a.fact.first.seconds - b.fact.first.seconds).at(-1)
      for (const safe of [byStep, byTime]) {
        if (safe !== undefined) expect(fateOf(outcome, safe.fact.step)?.kind).toMatch(/kept|held/)
      }
    })
  })

  test('a run is never emptied, and keeps what its limit says it may (invariant 14)', () => {
    property((run) => {
      const outcome = run.outcome()
      const { maxKeepCkpts } = outcome.options
      const members = [...outcome.standings.values()].filter(({ member }) => member)
      const left = members.filter(({ fact }) => fateOf(outcome, fact.step)?.kind !== 'evicted')
      // What an earlier and smaller limit evicted does not come back.
      const hadOthers = run.history().options.length > 0
      if (!hadOthers) {
        const limit = maxKeepCkpts > 0 ? maxKeepCkpts : members.length
        // What had a place in the deque may have been overwritten since by what has none, and took that from others.
        const overwritten = [...outcome.standings.values()].filter(
          ({ fact, member }) => !member && fact.ordinal > 0,
        )
        expect(left.length).toBeGreaterThanOrEqual(
          Math.min(limit, members.length) - overwritten.length,
        )
      }
      if (outcome.standings.size > 0) {
        expect(stepsThatAre(outcome, 'kept', 'held', 'torn', 'removed').length).toBeGreaterThan(0)
      }
    })
  })

  test('no torn upload is the last or the best (invariant 5)', () => {
    property((run) => {
      const { lastInOrder, best } = run.outcome()
      for (const fact of [...lastInOrder, ...best.map(({ checkpoint }) => checkpoint)]) {
        expect(fact.first.fault).toBeUndefined()
      }
      for (const fact of lastInOrder) expect(fact.newestOfKey).toBe(true)
    })
  })

  test('only what the deque or the newest protects stays, where nothing is amiss', () => {
    property((run, named) => {
      const outcome = run.outcome()
      for (const { fact, member } of outcome.standings.values()) {
        if (fateOf(outcome, fact.step)?.kind !== 'kept' || member) continue
        const options = {
          ...outcome.options,
          interval: named.interval,
          saveBegin: named.save_begin,
        }
        expect(isRegular(options, fact.step)).toBe(false)
      }
    })
  })
})
