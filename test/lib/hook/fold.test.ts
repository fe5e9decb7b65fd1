import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, type Outcome } from '../../../lib/hook/fold.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import { type ARun, aRun, BRAKE, bestOf, fateOf, RUN, stepsThatAre } from './a-run.ts'

const PUBLISHING = { save_best: 'acc', published_keys: ['meta', 'state_dict'] }

/** The names that each end publishes, and the versions that they are made from. */
const publishedBy = (outcome: Outcome) =>
  outcome.endings.map(({ publications }) =>
    publications.map(({ name, source }) => `${name} from ${source.first.versionId}`),
  )

describe('an end of training', () => {
  test('publishes the last and the best', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.9, 0.1).end()
    const [ending] = run.outcome().endings
    expect(ending?.publications).toMatchObject([
      { of: { last: true }, name: 'epoch_2.pth', publishedKeys: ['meta', 'state_dict'] },
      { of: { metric: 'acc' }, name: 'best_acc_epoch_1.pth' },
    ])
    expect(ending?.publications.map(({ droppedKeys }) => droppedKeys)).toEqual([
      [],
      ['optimizer', 'optim_wrapper', 'param_schedulers'],
    ])
    expect(run.outcome().publishDue).toBe(false)
  })

  test('publishes nothing where no keys are named', () => {
    expect(publishedBy(aRun({ save_best: 'acc' }).validated('acc', 0.9).end().outcome())).toEqual([
      [],
    ])
  })

  test('publishes the best alone where save_last is false', () => {
    const run = aRun({ ...PUBLISHING, save_last: false })
      .validated('acc', 0.9, 0.1)
      .end()
    expect(publishedBy(run.outcome())).toEqual([['best_acc_epoch_1.pth from v1']])
  })

  test('publishes no best where none was set', () => {
    expect(publishedBy(aRun(PUBLISHING).upload(1).end().outcome())).toEqual([
      ['epoch_1.pth from v1'],
    ])
  })

  test('leaves the optimizer out of the last too, where it is not to be saved', () => {
    const run = aRun({ ...PUBLISHING, save_optimizer: false })
      .upload(1)
      .end()
    expect(run.outcome().endings[0]?.publications[0]?.droppedKeys).toEqual([
      'optimizer',
      'optim_wrapper',
    ])
  })

  test('waits for the upload that it names', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.9).end('epoch_2.pth')
    expect(run.outcome().endings[0]).toMatchObject({ publications: [], waitsFor: 'epoch_2.pth' })
    expect(run.outcome().publishDue).toBe(false)
    run.uploadLike({ torn: 'truncated' }, 2)
    expect(run.outcome().endings[0]?.waitsFor).toBe('epoch_2.pth')
    run.upload(2)
    expect(run.outcome().endings[0]?.waitsFor).toBeUndefined()
    expect(publishedBy(run.outcome())).toEqual([
      ['epoch_2.pth from v5', 'best_acc_epoch_1.pth from v1'],
    ])
    expect(run.outcome().publishDue).toBe(false)
  })

  test('of a run without a checkpoint publishes nothing', () => {
    expect(aRun(PUBLISHING).end().outcome().endings).toMatchObject([{ publications: [] }])
  })

  test('is not moved by later facts, and the hub says that another is due', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.5).end()
    const before = publishedBy(run.outcome())
    run.upload(2)
    expect(publishedBy(run.outcome())).toEqual(before)
    expect(run.outcome().publishDue).toBe(true)
    run.end()
    expect(publishedBy(run.outcome())).toEqual([
      before[0],
      ['epoch_2.pth from v4', 'best_acc_epoch_1.pth from v1'],
    ])
    expect(run.outcome().publishDue).toBe(false)
  })

  test('is due again after a later best of a step that is not the last', () => {
    const run = aRun(PUBLISHING).upload(1, 2).metrics(2, { acc: 0.1 }).end()
    expect(run.metrics(1, { acc: 0.9 }).outcome().publishDue).toBe(true)
  })

  test('that names a checkpoint lower than the highest is due only after later facts', () => {
    const run = aRun(PUBLISHING).upload(1, 2, 3).end('epoch_2.pth')
    expect(publishedBy(run.outcome())).toEqual([['epoch_2.pth from v2']])
    expect(run.outcome().publishDue).toBe(false)
    expect(run.upload(4).outcome().publishDue).toBe(true)
  })

  test('takes in an older fact that was found late', () => {
    const run = aRun(PUBLISHING).upload(1, 2).metrics(2, { acc: 0.1 }).end()
    run.at(15).metrics(1, { acc: 0.9 })
    expect(publishedBy(run.outcome())).toEqual([
      ['epoch_2.pth from v2', 'best_acc_epoch_1.pth from v1'],
    ])
    expect(run.outcome().publishDue).toBe(false)
  })

  test('keeps what it named when that is uploaded again with other bytes', () => {
    const run = aRun(PUBLISHING).upload(1, 2).end('epoch_2.pth')
    const before = publishedBy(run.outcome())
    run.begin().upload(1, 2)
    expect(publishedBy(run.outcome())).toEqual(before)
    run.end('epoch_2.pth')
    expect(publishedBy(run.outcome())).toEqual([...before, ['epoch_2.pth from v6']])
  })

  test('keeps the first upload that it waited for, too', () => {
    const run = aRun(PUBLISHING).upload(1).end('epoch_2.pth').upload(2)
    expect(publishedBy(run.outcome())).toEqual([['epoch_2.pth from v3']])
    run.begin().upload(1, 2)
    expect(publishedBy(run.outcome())).toEqual([['epoch_2.pth from v3']])
  })

  test('of a later life waits for its own upload of the name', () => {
    const run = aRun(PUBLISHING).upload(1, 2).begin().upload(1).end('epoch_2.pth').upload(2)
    expect(publishedBy(run.outcome())).toEqual([['epoch_2.pth from v6']])
  })

  test('keeps the schedulers out of the last too, where they are not to be saved', () => {
    const run = aRun({ ...PUBLISHING, save_param_scheduler: false })
      .upload(1)
      .end()
    expect(run.outcome().endings[0]?.publications[0]?.droppedKeys).toEqual(['param_schedulers'])
  })

  test('is due again where the options would publish other keys, or drop others', () => {
    const run = () => aRun(PUBLISHING).options({}).upload(1).end()
    expect(run().options({}).outcome().publishDue).toBe(false)
    expect(
      run()
        .options({ published_keys: ['meta'] })
        .outcome().publishDue,
    ).toBe(true)
    expect(run().options({ save_optimizer: false }).outcome().publishDue).toBe(true)
  })

  test('is due again where its last is uploaded again with other bytes', () => {
    const run = aRun(PUBLISHING).upload(1, 2).end()
    expect(run.upload(2).outcome().publishDue).toBe(true)
  })

  test('that came before every upload is not due again for the one that it waited for', () => {
    const run = aRun(PUBLISHING).end('epoch_1.pth').upload(1)
    expect(publishedBy(run.outcome())).toEqual([['epoch_1.pth from v2']])
    expect(run.outcome().publishDue).toBe(false)
  })

  test('is not due again where the options name a series of which nothing is there', () => {
    const run = aRun(PUBLISHING)
      .upload(1)
      .end()
      .options({ ...PUBLISHING, by_epoch: false })
    expect(run.outcome().publishDue).toBe(false)
  })

  test('sees what came in its own second, and nothing of the next one', () => {
    const run = aRun({ save_best: 'acc' }).upload(1)
    run.at(20).upload(2).at(20).metrics(2, { acc: 0.5 }).at(20).options(PUBLISHING).at(20).end()
    const before = ['epoch_2.pth from v2', 'best_acc_epoch_2.pth from v2']
    expect(publishedBy(run.outcome())).toEqual([before])
    run.at(21).upload(3).at(21).metrics(1, { acc: 0.9 }).at(21).options({ save_best: 'acc' })
    expect(publishedBy(run.outcome())).toEqual([before])
  })

  test('stands among the others in the order of the history, whichever was found first', () => {
    const run = aRun(PUBLISHING).upload(1, 2)
    const history = run.at(30).end('epoch_1.pth').at(30).end('epoch_2.pth').at(15).end().history()
    const inOrder = [['epoch_1.pth from v1'], ['epoch_1.pth from v1'], ['epoch_2.pth from v2']]
    for (const ends of [history.ends, history.ends.toReversed()]) {
      expect(publishedBy(fold(RUN, { ...history, ends }, BRAKE))).toEqual(inOrder)
    }
  })

  test('with a fault is no end', () => {
    const run = aRun(PUBLISHING).upload(1).end()
    const history = run.history()
    const broken = history.ends.map((end) => ({ ...end, fault: { field: 'last', reason: 'no' } }))
    expect(fold(RUN, { ...history, ends: broken }, BRAKE).endings).toEqual([])
  })
})

describe('the series that counts', () => {
  test('is that of the first whole checkpoint where nobody named one', () => {
    const run = aRun({ max_keep_ckpts: 1 })
      .uploadLike({ series: 'epoch', torn: 'cut' }, 1)
      .uploadLike({ series: 'iter' }, 100, 200)
      .upload(2, 3)
    const outcome = run.outcome()
    expect(outcome.survey.naming).toEqual({ series: 'iter', template: 'iter_{}.pth' })
    expect(fateOf(outcome, 100, 'iter')?.kind).toBe('evicted')
    expect(fateOf(outcome, 2)).toEqual({
      kind: 'other series',
      reason: "kept: the run's checkpoints are named iter_{}.pth",
      member: false,
    })
    expect(outcome.lastInOrder.map(({ step }) => step)).toEqual([200])
  })

  test('is the one that the file names, whenever the file comes', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2).uploadLike({ series: 'iter' }, 100, 200)
    run.options({ by_epoch: false })
    expect(stepsThatAre(run.outcome(), 'other series')).toEqual([1, 2])
    expect(run.outcome().lastInOrder.map(({ step }) => step)).toEqual([200])
  })

  test('may have names of its own; the default ones are then another series', () => {
    const run = aRun().options({ filename_tmpl: 'digits-{}.pth', max_keep_ckpts: 1 })
    run.uploadLike({ template: 'digits-{}.pth' }, 1, 2).upload(3)
    expect(fateOf(run.outcome(), 1)?.kind).toBe('evicted')
    expect(fateOf(run.outcome(), 2)?.kind).toBe('kept')
    expect(fateOf(run.outcome(), 3)?.kind).toBe('other series')
  })

  test('counts its own steps alone, though those of the other have the same names', () => {
    const template = 'digits-{}.pth'
    const run = aRun().options({ by_epoch: true, filename_tmpl: template })
    const outcome = run.uploadLike({ series: 'iter', template }, 7).outcome()
    expect(fateOf(outcome, 7, 'iter')?.kind).toBe('other series')
    expect(outcome.lastInOrder).toEqual([])
  })

  test('is not touched where a person removes a file of another name and the same step', () => {
    const run = aRun().options({ filename_tmpl: 'digits-{}.pth' }).upload(3)
    run.uploadLike({ template: 'digits-{}.pth' }, 3)
    expect(fateOf(run.remove(3).outcome(), 3)?.kind).toBe('kept')
  })

  test('is the same whichever of two names of one step was found first', () => {
    const run = aRun().upload(3).uploadLike({ template: 'digits-{}.pth' }, 3)
    const ledgers = [run.late(), run.late().toReversed()].map((seen) =>
      seen.reduce(record, run.blank()),
    )
    expect(ledgers[0]).toEqual(ledgers[1])
  })
})

describe('the ids that are kept', () => {
  test('are none where all stay, or none counts', () => {
    expect(aRun({ max_keep_ckpts: 0 }).upload(1).outcome().keepCkptIds).toBeUndefined()
    expect(aRun({ interval: 5, max_keep_ckpts: 2 }).upload(1).outcome().keepCkptIds).toBe(undefined)
  })

  test('are in the order of lives, then of steps', () => {
    const run = aRun({ max_keep_ckpts: 3 }).upload(7, 5).begin().upload(6, 2)
    expect(run.outcome().keepCkptIds).toEqual([5, 2, 6])
    expect(run.outcome().lastInOrder.map(({ step }) => step)).toEqual([6, 2, 5])
  })
})

test('what the brake holds is told, whatever else there is in the run', () => {
  const run = aRun().uploadLike({ torn: 'cut' }, 1).upload(2, 3, 4).options({ max_keep_ckpts: 1 })
  expect(run.outcome(1).held).toMatchObject({ maxKeepCkpts: 1, evicts: 2 })
  expect(run.outcome(2).held).toBeUndefined()
})

describe('a step of which nothing stands', () => {
  const torn = { torn: 'cut' }
  const removed = { kind: 'removed', reason: 'removed: not by the hub', member: false }
  const kept = { kind: 'torn', reason: 'kept: not whole: cut', member: false }

  test('is kept with the reason, also where nothing in the run is whole', () => {
    expect(fateOf(aRun().uploadLike(torn, 2).outcome(), 2)).toEqual(kept)
  })

  test('is removed where a person removed it', () => {
    expect(fateOf(aRun().upload(1).uploadLike(torn, 2).remove(2).outcome(), 2)).toEqual(removed)
    const other = aRun().uploadLike({ series: 'iter' }, 100).upload(2).remove(2)
    expect(fateOf(other.outcome(), 2)).toEqual(removed)
  })

  test('is not removed with a file of another name', () => {
    const template = 'digits-{}.pth'
    const run = aRun()
      .options({ filename_tmpl: template })
      .uploadLike({ template, ...torn }, 3)
    expect(fateOf(run.upload(3).remove(3).outcome(), 3)).toEqual(kept)
  })
})

test('a checkpoint that was needed again after it expired is not answered with (13)', () => {
  const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3)
  const history = run.history()
  for (const facts of history.steps.values()) {
    if (facts.step === 2) facts.uploads = facts.uploads.map((each) => ({ ...each, gone: true }))
  }
  const outcome = fold(RUN, { ...history, stackArguments: { interval: 1 } }, BRAKE)
  expect(outcome.keepCkptIds).toBeUndefined()
  expect(outcome.lastInOrder.map(({ step }) => step)).toEqual([3, 1])
  expect(fateOf(outcome, 2)?.kind).not.toBe('kept')
})

test('the best of a version that is gone is the best of those that are left', () => {
  const history = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.9).history()
  for (const facts of history.steps.values()) {
    if (facts.step === 2) facts.uploads = facts.uploads.map((each) => ({ ...each, gone: true }))
  }
  expect(bestOf(fold(RUN, history, BRAKE))).toEqual([['acc', 0.1, 1]])
})

describe('the same facts in any order and however often (invariant 6)', () => {
  const step = fc.integer({ min: 1, max: 5 })
  const told = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.constant('upload'), step) },
      { weight: 3, arbitrary: fc.tuple(fc.constant('again'), step) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('torn'), step) },
      { weight: 6, arbitrary: fc.tuple(fc.constant('metric'), step) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('remove'), step) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('iter'), step) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('begin'), step) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('end'), step) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('options'), step) },
    ),
    { maxLength: 20 },
  )

  function runOf(events: [string, number][]): ARun {
    const run = aRun({ ...PUBLISHING, save_best: ['acc', 'loss'] })
    for (const [at, [kind, step]] of events.entries()) {
      // Several facts share a second, as S3 gives no more.
      run.at(10 * Math.floor(at / 2))
      if (kind === 'upload') run.upload(step)
      if (kind === 'again') run.uploadLike({ bytes: 'same', multipart: at % 2 === 0 }, step)
      if (kind === 'torn') run.uploadLike({ torn: 'cut' }, step)
      if (kind === 'metric') run.metrics(step, { acc: at % 4, loss: at % 3 })
      if (kind === 'remove') run.remove(step)
      if (kind === 'iter') run.uploadLike({ series: 'iter' }, step)
      if (kind === 'begin') run.begin()
      if (kind === 'end') run.end(step > 3 ? `epoch_${step}.pth` : undefined)
      if (kind === 'options') run.options({ max_keep_ckpts: step, interval: (at % 2) + 1 })
    }
    return run
  }

  /** What people see of an outcome, in one order. */
  const shown = (outcome: Outcome) => ({
    fates: Object.fromEntries([...outcome.fates].toSorted()),
    last: outcome.lastInOrder.map(({ first, live }) => [first.versionId, live.versionId]),
    best: outcome.best.map(({ metric, score, checkpoint }) => [
      metric,
      score,
      checkpoint.first.versionId,
    ]),
    deque: outcome.keepCkptIds,
    published: publishedBy(outcome),
    due: outcome.publishDue,
    problems: outcome.problems.map(({ id, reason }) => `${id} ${reason}`).toSorted(),
  })
  const outcomeOf = (run: ARun, seen: Observation[]) =>
    [0, 1, BRAKE].map((brake) => shown(fold(RUN, seen.reduce(record, run.blank()).history, brake)))

  test('give the same outcome', () => {
    const disorder = told.chain((events) => {
      const places = [...events.keys()]
      return fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray(places, { minLength: places.length }),
        fc.shuffledSubarray(places),
      )
    })
    fc.assert(
      fc.property(disorder, ([events, order, twice]) => {
        const run = runOf(events)
        const late = run.late()
        // One that says nothing, such as the removal of what never was, was no event.
        const seen = [...order, ...twice].flatMap((at) => late[at] ?? [])
        for (const each of late) if (!seen.includes(each)) seen.push(each)
        expect(outcomeOf(run, seen)).toEqual(outcomeOf(run, late))
      }),
      { numRuns: 500 },
    )
  })

  test('give it also where each was looked at as it came', () => {
    fc.assert(
      fc.property(told, (events) => {
        const run = runOf(events)
        expect(outcomeOf(run, run.observations)).toEqual(outcomeOf(run, run.late()))
      }),
      { numRuns: 300 },
    )
  })

  test('leave the ledger that was given as it was', () => {
    fc.assert(
      fc.property(told, (events) => {
        const run = runOf(events)
        const ledger = run.ledger()
        const before = structuredClone(ledger)
        fold(RUN, ledger.history, BRAKE)
        for (const seen of run.late()) record(ledger, seen)
        expect(ledger).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })
})
