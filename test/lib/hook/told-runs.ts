/** Runs at random: uploads, validations, ends and all else that a trainer may do, in any order. */
import fc from 'fast-check'
import { type ARun, aRun } from './a-run.ts'

const step = fc.integer({ min: 1, max: 6 })
const score = fc.constantFrom(0.1, 0.2, 0.3, 0.4, Number.NaN)
const keep = fc.integer({ min: -1, max: 3 })

type Tell = (run: ARun) => ARun
const tells = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: step.map(
        (at): Tell =>
          (run) =>
            run.upload(at),
      ),
    },
    {
      weight: 2,
      arbitrary: step.map(
        (at): Tell =>
          (run) =>
            run.uploadLike({ torn: 'is truncated' }, at),
      ),
    },
    {
      weight: 1,
      arbitrary: step.map(
        (at): Tell =>
          (run) =>
            run.uploadLike({ bytes: 'same' }, at),
      ),
    },
    {
      weight: 5,
      arbitrary: fc.tuple(step, score).map(
        ([at, acc]): Tell =>
          (run) =>
            run.metrics(at, { acc }),
      ),
    },
    {
      weight: 1,
      arbitrary: step.map(
        (at): Tell =>
          (run) =>
            run.remove(at),
      ),
    },
    {
      weight: 1,
      arbitrary: step.map(
        (at): Tell =>
          (run) =>
            run.begin(`epoch_${at}.pth`),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(step, fc.boolean()).map(
        ([at, pinned]): Tell =>
          (run) =>
            pinned ? run.pin(at) : run.unpin(at),
      ),
    },
    {
      weight: 1,
      arbitrary: step.map(
        (evicts): Tell =>
          (run) =>
            run.consent(evicts),
      ),
    },
    { weight: 1, arbitrary: fc.constant<Tell>((run) => run.end()) },
    {
      weight: 2,
      arbitrary: keep.map(
        (max_keep_ckpts): Tell =>
          (run) =>
            run.options({ max_keep_ckpts }),
      ),
    },
  ),
  { minLength: 1, maxLength: 25 },
)

/** Each is a run that tracks `acc`, with a fact at least. */
export const toldRuns: fc.Arbitrary<ARun> = fc
  .tuple(tells, fc.integer({ min: 1, max: 3 }), keep)
  .map(([told, interval, max_keep_ckpts]) => {
    const run = aRun({ interval, max_keep_ckpts, save_best: 'acc', rule: 'greater' })
    return told.reduce((so, tell) => tell(so), run)
  })
  .filter(({ observations }) => observations.length > 0)
