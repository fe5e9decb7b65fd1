import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Upload } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { type Artifact, emptyLedger, type Ledger, type Refusal } from '../../../lib/hook/ledger.ts'
import {
  type Folder,
  factKey,
  folderOf,
  keyIn,
  type Run,
  type Series,
} from '../../../lib/hook/names.ts'
import type { Claim } from '../../../lib/hook/out-dir.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import { commitRun, loadRun, type MessageHub } from '../../../lib/message-hub/message-hub.ts'
import { type StartedStore, startStore } from '../bucket/store.ts'
import { itemsOf, newHub } from './hub-table.ts'
import { decisionOn, RUN, resultOf, START } from './observations.ts'

let store: StartedStore
let hub: MessageHub

beforeAll(async () => {
  store = await startStore()
  hub = await newHub(store.newDynamodb(), { interval: 1, max_keep_ckpts: 2 })
})
afterAll(() => store?.stop())

describe('any ledger', () => {
  test('of every kind of fact survives a commit and a load unchanged', async () => {
    const property = fc.asyncProperty(
      fc.array(observations, { maxLength: 12 }),
      async (batches) => {
        const run = freshRun()
        let loaded = await loadRun(hub, run)
        for (const batch of batches) {
          const { effects } = loaded.ledger
          const seen = batch.map((each) => (each === 'carry out' ? effects.map(resultOf) : [each]))
          const decision = decisionOn(loaded.ledger, ...seen.flat())
          await commitRun(hub, loaded, decision)
          loaded = await loadRun(hub, run)
          expect(comparable(loaded.ledger)).toStrictEqual(comparable(decision.ledger))
        }
      },
    )
    await fc.assert(property, { numRuns: 40, endOnFailure: true })
  })

  test('of every kind of effect, artifact and state survives too', async () => {
    const property = fc.asyncProperty(anyLedger, async (made) => {
      const ledger = { ...made, run: freshRun() }
      // The decision's own additions are part of what has to survive.
      const decision = decisionOn(ledger)
      const loaded = await loadRun(hub, ledger.run)
      await commitRun(hub, loaded, decision)
      const again = await loadRun(hub, ledger.run)
      expect(comparable(again.ledger)).toStrictEqual(comparable(decision.ledger))
    })
    await fc.assert(property, { numRuns: 60, endOnFailure: true })
  })

  test('is known to be unchanged by what was read of it, so that nothing is written', async () => {
    const property = fc.asyncProperty(anyLedger, async (made) => {
      const ledger = { ...made, run: freshRun() }
      await commitRun(hub, await loadRun(hub, ledger.run), decisionOn(ledger))
      let loaded = await loadRun(hub, ledger.run)
      // What more there is to decide is decided first.
      for (let round = 0; round < 10; round++) {
        await commitRun(hub, loaded, decisionOn(loaded.ledger))
        const next = await loadRun(hub, ledger.run)
        if (next.version === loaded.version) return
        loaded = next
      }
      expect.unreachable('every commit changed something')
    })
    await fc.assert(property, { numRuns: 25, endOnFailure: true })
  })
})

describe('a score', () => {
  test.each([
    Number.NaN,
    Infinity,
    -Infinity,
    1e300,
    -1e300,
    5e-324,
    0.1 + 0.2,
    Number.MAX_SAFE_INTEGER + 2,
    0,
  ])('of %d survives, in metrics and as the best', async (value) => {
    const run = freshRun()
    const upload = uploadWith(run, 'epoch', 1, 0)
    const { ledger } = decisionOn(
      emptyLedger(run, { save_best: 'acc', interval: 1 }),
      checkpoint(run, 'epoch', 1, [upload]),
      metrics(run, 1, [['acc', value]]),
    )
    const answers = new Map([['acc', { score: value, key: 'some/key' }]])
    const decision = { ...decisionOn(ledger), ledger: { ...ledger, answers } }
    await commitRun(hub, await loadRun(hub, run), decision)
    const again = await loadRun(hub, run)
    expect(again.ledger.history.steps.get('epoch#0000000000000001')?.metrics[0]?.value).toBe(value)
    expect(again.ledger.answers.get('acc')?.score).toBe(value)
    expect((await itemsOf(hub, run)).get('runtime_info')).toMatchObject({
      best_score: String(value),
    })
  })

  test('that is null survives, and differs from one that is missing', async () => {
    const run = freshRun()
    const decision = decisionOn(emptyLedger(run, {}), metrics(run, 1, [['acc', null]]))
    await commitRun(hub, await loadRun(hub, run), decision)
    const again = await loadRun(hub, run)
    expect([...again.ledger.history.steps.values()][0]?.metrics).toMatchObject([
      { metric: 'acc', value: null },
    ])
  })
})

describe('a key', () => {
  test.each([
    ['of 900 bytes', 'k'.repeat(900)],
    ['of the longest 1,024 bytes', 'k'.repeat(1024)],
    ['of 1,024 bytes in four-byte letters', '🙂'.repeat(256)],
    ['with letters that are special somewhere', 'a#b/c d+e%20f=é?&"\\'],
  ])('%s survives, for artifacts and readings', async (_, key) => {
    const run = freshRun()
    const ledger: Ledger = {
      ...emptyLedger(run, {}),
      artifacts: new Map([
        [key, { state: 'foreign', seconds: START }],
        [`x${key.slice(2)}`, { state: 'foreign', seconds: START + 1 }],
      ]),
      sources: new Map([[key, { key, versionIds: ['v'], faults: [] }]]),
    }
    await commitRun(hub, await loadRun(hub, run), decisionOn(ledger))
    const again = await loadRun(hub, run)
    expect(again.ledger.artifacts).toEqual(ledger.artifacts)
    expect(again.ledger.sources).toEqual(ledger.sources)
    for (const entry of (await itemsOf(hub, run)).keys()) {
      expect(Buffer.byteLength(entry)).toBeLessThanOrEqual(1024)
    }
  })
})

describe('arguments', () => {
  test.each([
    ['numbers that DynamoDB does not hold', { backend_args: { big: 1e300, tiny: 1e-300 } }],
    ['whole numbers above those that a double counts', { seed: 2 ** 70 }],
    ['nesting deeper than DynamoDB allows', { backend_args: { deep: nested(40) } }],
    ['an argument without a name', { backend_args: { '': 1 }, '': 2 }],
    ['nulls and lists', { save_best: null, published_keys: ['meta'], rule: [] }],
  ])('with %s survive', async (_, named) => {
    const run = freshRun()
    const key = keyIn(run, 'checkpoint_hook.json')
    const fact = { key, versionId: 'v', seconds: START, ordinal: 0, fault: undefined, named }
    const decision = decisionOn(emptyLedger(run, named), { kind: 'options', facts: [fact] })
    await commitRun(hub, await loadRun(hub, run), decision)
    const again = await loadRun(hub, run)
    expect(again.ledger.history.options).toEqual([fact])
    expect(again.ledger.history.stackArguments).toEqual(named)
  })
})

let runs = 0
function freshRun(): Run {
  runs += 1
  return `random/run-${runs}` as Run
}

function nested(depth: number): unknown {
  return depth === 0 ? [] : { deeper: nested(depth - 1) }
}

/** What equality is about: state that says nothing is not stored, nor is the order of a map. */
function comparable(ledger: Ledger) {
  const touched = [...ledger.checkpoints].filter(
    ([, { evicted, withdrawn, unstripped }]) =>
      evicted !== undefined || withdrawn.length > 0 || unstripped !== undefined,
  )
  const sorted = <Value>(map: Iterable<[string, Value]>) =>
    [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    ...ledger,
    history: { ...ledger.history, steps: sorted(ledger.history.steps) },
    checkpoints: sorted(touched),
    artifacts: sorted(ledger.artifacts),
    sources: sorted(ledger.sources),
    answers: sorted(ledger.answers),
  }
}

function uploadWith(run: Run, series: Series, step: number, nth: number): Upload {
  return {
    key: keyIn(run, `${series}_${step}.pth`),
    versionId: `${series}-${step}-${nth}`,
    etag: `etag-${series}-${step}-${nth}`,
    sizeBytes: 1000 + nth,
    seconds: START + 10 * step + nth,
    fingerprint: nth % 2 === 0 ? `print-${nth}` : undefined,
    fault: nth === 3 ? 'cut short' : undefined,
    restores: nth === 2 ? `${series}-${step}-1` : undefined,
    gone: nth === 1,
    ...(nth === 4 && {
      strips: {
        versionId: `${series}-${step}-0`,
        etag: `etag-${series}-${step}-0`,
        droppedKeys: ['optimizer', 'optim_wrapper'],
      },
    }),
  }
}

function checkpoint(run: Run, series: Series, step: number, uploads: Upload[]): Observation {
  const key = keyIn(run, `${series}_${step}.pth`)
  const listed = uploads.map(({ versionId }) => versionId)
  return { kind: 'checkpoint', series, step, key, uploads, listed, marker: undefined }
}

function metrics(run: Run, step: number, values: [string, number | null][]): Observation {
  const key = keyIn(run, `metrics/epoch_${step}.json`)
  return {
    kind: 'metrics',
    series: 'epoch',
    step,
    facts: values.map(([metric, value], position) => ({
      metric,
      value,
      seconds: START + step,
      source: 'event',
      key,
      position,
      ordinal: 0,
      versionId: position === 1 ? `epoch-${step}-0` : undefined,
    })),
  }
}

/** Records as object literals make them: without a prototype they equal no object that was read. */
const recordOf = <Value>(model: { [Name in keyof Value]: fc.Arbitrary<Value[Name]> }) =>
  fc.record<Value>(model, { noNullPrototype: true })
const steps = fc.integer({ min: 0, max: 6 })
const series = fc.constantFrom<Series>('epoch', 'iter')
const names = fc.constantFrom('acc', 'val/acc', 'loss', 'größe')
const texts = fc.string({ unit: 'grapheme', maxLength: 12 })
// The reader of metric files gives no negative zero.
const scores = fc.oneof(
  fc.double().map((score) => score + 0),
  fc.constant(null),
)
const times = fc.integer({ min: START, max: START + 100 })
const maybeTime = fc.option(times, { nil: undefined })

const seenCheckpoint = recordOf({
  series,
  step: steps,
  count: fc.integer({ min: 0, max: 5 }),
  deleted: fc.boolean(),
}).map(({ series, step, count, deleted }): Observation => {
  const uploads = Array.from({ length: count }, (_, nth) => uploadWith(RUN, series, step, nth))
  const seen = checkpoint(RUN, series, step, uploads)
  if (!deleted || seen.kind !== 'checkpoint') return seen
  return { ...seen, marker: { seconds: START + 90, above: uploads.at(-1)?.versionId } }
})
const seenMetrics = recordOf({
  step: steps,
  values: fc.array(fc.tuple(names, scores), { maxLength: 3 }),
}).map(({ step, values }) => metrics(RUN, step, values))
const control = <Fact extends object>(key: string, said: fc.Arbitrary<Fact>) =>
  recordOf({
    ordinal: fc.integer({ min: 0, max: 3 }),
    fault: fc.option(recordOf({ field: texts, reason: texts }), { nil: undefined }),
    said,
  }).map(({ ordinal, fault, said }) => ({
    key,
    versionId: `${key}-${ordinal}`,
    seconds: START + 20 * ordinal,
    ordinal,
    fault,
    ...said,
  }))
const seenOptions = control(
  keyIn(RUN, 'checkpoint_hook.json'),
  recordOf({
    named: fc.constantFrom<NamedArguments>(
      {},
      { max_keep_ckpts: 1, save_best: ['acc', 'loss'], published_keys: 'meta' },
      { save_best: 'auto', rule: 'greater', interval: 2 },
      { interval: 0, unheard_of: { of: [1, null] } },
    ),
  }),
).map((fact): Observation => ({ kind: 'options', facts: [fact] }))
const names$ = fc.constantFrom(undefined, 'epoch_3.pth')
const seenBegin = control(keyIn(RUN, 'before_train.json'), recordOf({ resumeFrom: names$ })).map(
  (fact): Observation => ({ kind: 'begin', facts: [fact] }),
)
const seenEnd = control(keyIn(RUN, 'after_train.json'), recordOf({ last: names$ })).map(
  (fact): Observation => ({ kind: 'end', facts: [fact] }),
)
/** Several files, whose versions may be of the same second. */
const stated = <Fact extends object>(kind: string, said: fc.Arbitrary<Fact>) =>
  fc.constantFrom('a', 'b').chain((name) => control(factKey(RUN, `${kind}-${name}.json`), said))
const who = fc.option(texts, { nil: undefined })
const seenPin = stated('pin', recordOf({ name: texts, pinned: fc.boolean(), by: who })).map(
  (fact): Observation => ({ kind: 'pin', facts: [fact] }),
)
const seenConsent = stated(
  'apply',
  recordOf({ optionsVersionId: texts, evicts: fc.nat(), by: who }),
).map((fact): Observation => ({ kind: 'consent', facts: [fact] }))
const seenSource = recordOf({
  key: fc.constantFrom('metrics/a.json', 'metrics/ü b.json').map((name) => keyIn(RUN, name)),
  versionIds: fc.array(texts, { maxLength: 3 }),
  faults: fc.array(recordOf({ key: texts, seconds: times, field: texts, reason: texts })),
}).map((source): Observation => ({ kind: 'source', ...source }))
const seenLast = fc
  .option(texts, { nil: undefined })
  .map((text): Observation => ({ kind: 'last_checkpoint', text }))
const seenSent = recordOf({
  effect: fc.integer({ min: 1, max: 30 }),
  seconds: fc.option(times, { nil: undefined }),
}).map((sent): Observation => ({ kind: 'sent', ...sent }))

const observations = fc.array(
  fc.oneof(
    seenCheckpoint,
    seenMetrics,
    seenOptions,
    seenBegin,
    seenEnd,
    seenPin,
    seenConsent,
    seenSource,
    seenLast,
    seenSent,
    fc.constant<'carry out'>('carry out'),
  ),
  { minLength: 1, maxLength: 6 },
)

const named = recordOf({
  kind: fc.constantFrom('best' as const, 'published' as const),
  metric: fc.option(names, { nil: undefined }),
  name: fc.constantFrom('best_acc_epoch_1.pth', 'epoch_2.pth'),
  source: recordOf({ key: texts, versionId: texts, step: steps, bytes: texts }),
  publishedKeys: fc.option(fc.array(texts, { maxLength: 2 }), { nil: undefined }),
  droppedKeys: fc.array(texts, { maxLength: 2 }),
}).chain((made) => fc.constantFrom(made, { ...made, format: 'safetensors' as const }))
const object = recordOf({
  versionId: texts,
  etag: texts,
  sizeBytes: fc.nat(),
  sha256: fc.constant('ab'.repeat(32)),
  keptKeys: fc.array(texts, { maxLength: 2 }),
  removedKeys: fc.array(texts, { maxLength: 2 }),
  layoutVersion: fc.nat(3),
  hashedBy: fc.constantFrom('s3' as const, 'function' as const),
}).chain((made) => fc.constantFrom(made, { ...made, permittedGlobals: ['own.Thing'] }))
const refusal: fc.Arbitrary<Refusal> = texts.chain((reason) =>
  fc.constantFrom({ reason }, { reason, allowedGlobals: [] }, { reason, allowedGlobals: ['a.B'] }),
)
/** The entry's key tells the folder. */
const artifactAt = (key: string): fc.Arbitrary<[string, Artifact]> => {
  const identity = named.map((each) => ({ ...each, folder: folderOf(key) }))
  const artifact: fc.Arbitrary<Artifact> = fc.oneof(
    recordOf({
      state: fc.constantFrom('current' as const, 'superseded' as const, 'removed' as const),
      identity,
      object,
    }),
    recordOf({ state: fc.constant('removed' as const), identity, object, removedSeconds: times }),
    fc.tuple(identity, refusal).map(([each, why]) => ({
      state: 'refused' as const,
      identity: each,
      ...why,
    })),
    recordOf({ state: fc.constant('foreign' as const), seconds: times }),
  )
  return artifact.map((each) => [key, each])
}
const keys = fc
  .tuple(fc.constantFrom('', 'out/', 's3://other/out/'), texts)
  .map((parts) => parts.join(''))
const folders = fc.constantFrom('out/resnet', 's3://other/resnet') as fc.Arbitrary<Folder>
const version = { id: texts, key: texts, versionId: texts, etag: texts }
const action = fc.oneof(
  recordOf({ kind: fc.constant('write last_checkpoint' as const), text: texts }),
  recordOf({ kind: fc.constant('evict' as const), ...version }),
  recordOf({ kind: fc.constant('restore' as const), ...version, sizeBytes: fc.nat() }),
  recordOf({
    kind: fc.constant('restore' as const),
    ...version,
    sizeBytes: fc.nat(),
    over: texts,
  }),
  recordOf({
    kind: fc.constant('strip' as const),
    ...version,
    sizeBytes: fc.nat(),
    droppedKeys: fc.array(texts, { maxLength: 3 }),
  }),
  recordOf({ kind: fc.constant('retire' as const), key: texts, versionId: texts, etag: texts }),
  recordOf({
    kind: fc.constant('make' as const),
    key: texts,
    identity: fc.tuple(named, folders).map(([each, folder]) => ({ ...each, folder })),
    replaces: fc.option(texts, { nil: undefined }),
  }),
  recordOf({ kind: fc.constant('claim' as const), folder: folders }),
)
const claim: fc.Arbitrary<Claim> = fc.oneof(
  fc.constant({ state: 'granted' as const }),
  recordOf({ state: fc.constant('refused' as const), reason: texts }),
)
const anyLedger: fc.Arbitrary<Ledger> = recordOf({
  seen: fc.array(fc.oneof(seenCheckpoint, seenMetrics, seenOptions, seenEnd), { maxLength: 8 }),
  artifacts: fc.array(keys.chain(artifactAt), { maxLength: 4 }),
  claims: fc.array(fc.tuple(folders, claim), { maxLength: 2 }),
  actions: fc.array(
    recordOf({ action, sinceSeconds: times, sentSeconds: fc.option(times, { nil: undefined }) }),
    { maxLength: 5 },
  ),
  states: fc.array(
    fc.tuple(
      series,
      steps,
      recordOf({
        evicted: fc.option(
          fc.record(
            {
              versionId: texts,
              etag: texts,
              seconds: maybeTime,
              undone: fc.constant(true as const),
            },
            { requiredKeys: ['versionId', 'etag', 'seconds'], noNullPrototype: true },
          ),
          { nil: undefined },
        ),
        withdrawn: fc.array(recordOf({ versionId: texts, seconds: times }), { maxLength: 2 }),
        unstripped: recordOf({
          bytes: texts,
          droppedKeys: fc.array(texts, { maxLength: 2 }),
          refusal: fc.option(refusal, { nil: undefined }),
        }),
      }),
    ),
  ),
  answers: fc.array(fc.tuple(names, recordOf({ score: fc.double(), key: texts }))),
  lastCheckpoint: fc.option(texts, { nil: undefined }),
  retired: fc.array(recordOf({ etag: texts, seconds: maybeTime }), { maxLength: 3 }),
}).map(({ seen, artifacts, claims, actions, states, answers, lastCheckpoint, retired }) => {
  const ledger = seen.reduce(record, emptyLedger(RUN, { interval: 1 }))
  const checkpoints = states
    .map(([series, step, state]) => [`${series}#${String(step).padStart(16, '0')}`, state] as const)
    .filter(([id]) => ledger.history.steps.has(id))
  return {
    ...ledger,
    artifacts: new Map(artifacts),
    effects: actions.map((effect, at) => ({ number: at + 1, ...effect })),
    nextEffect: actions.length + 1,
    checkpoints: new Map(checkpoints),
    answers: new Map(answers),
    claims: new Map(claims),
    lastCheckpoint,
    retired,
  }
})
