import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type MetricFact, type StepFacts, stepId, type Upload } from '../../../lib/hook/history.ts'
import {
  type Action,
  type ArtifactIdentity,
  type CheckpointState,
  type Ledger,
  withArtifact,
  withStep,
} from '../../../lib/hook/ledger.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import { UNMARKED } from '../../../lib/hook/record-directory.ts'
import { AHub, hubOf } from './a-hub.ts'
import { aRun, keyOf, RUN } from './a-run.ts'

const ID = stepId('epoch', 1)
const withdrawnOf = (...versionIds: string[]) =>
  versionIds.map((versionId) => ({ versionId, seconds: 40 }))
const factsOf = (ledger: Ledger) => ledger.history.steps.get(ID)
const idsOf = (ledger: Ledger) => factsOf(ledger)?.uploads.map(({ versionId }) => versionId)

/** A look at the key of epoch 1. */
function look(change: Partial<Extract<Observation, { kind: 'checkpoint' }>>): Observation {
  return {
    kind: 'checkpoint',
    series: 'epoch',
    step: 1,
    key: keyOf(1),
    uploads: [],
    listed: [],
    marker: undefined,
    ...change,
  }
}

function upload(versionId: string, change: Partial<Upload> = {}): Upload {
  return {
    key: keyOf(1),
    versionId,
    etag: `etag of ${versionId}`,
    sizeBytes: 100,
    seconds: 10,
    fingerprint: undefined,
    fault: undefined,
    restores: undefined,
    gone: false,
    ...change,
  }
}

const blank = () => aRun().blank()

describe('versions of a checkpoint', () => {
  test('are in the order in which the bucket lists them, whichever was found first', () => {
    const listed = ['a', 'b', 'c']
    const late = record(blank(), look({ uploads: [upload('c')], listed }))
    const all = record(late, look({ uploads: [upload('b'), upload('a')], listed }))
    expect(idsOf(all)).toEqual(listed)
  })

  test('are recorded once', () => {
    const seen = look({ uploads: [upload('a')], listed: ['a'] })
    expect(record(record(blank(), seen), seen)).toEqual(record(blank(), seen))
  })

  test('that the bucket no longer lists are older than those that it does', () => {
    const ledger = record(blank(), look({ uploads: [upload('a')], listed: ['a'] }))
    const later = record(ledger, look({ uploads: [upload('b')], listed: ['b'] }))
    expect(idsOf(later)).toEqual(['a', 'b'])
  })

  test('that were never there leave no step behind', () => {
    const marker = { seconds: 20, above: undefined }
    const ledger = blank()
    expect(record(ledger, look({ marker }))).toBe(ledger)
  })
})

describe('a directory without a marker', () => {
  const key = `${keyOf(1)}/`
  const files = upload(UNMARKED, { key, fault: 'has no marker' })
  const seen = look({ key, uploads: [files], listed: [UNMARKED] })

  test('leaves no step behind once its files are gone', () => {
    const ledger = record(blank(), seen)
    expect(idsOf(ledger)).toEqual([UNMARKED])
    expect(record(ledger, look({ key }))).toEqual(blank())
  })

  test('leaves the metrics of its step', () => {
    const told = aRun().metrics(1, { acc: 0.5 }).ledger()
    const after = record(record(told, seen), look({ key }))
    expect(factsOf(after)).toMatchObject({ uploads: [], metrics: [{ value: 0.5 }] })
  })
})

describe('a delete marker', () => {
  const marker = { seconds: 50, above: 'a' }
  const uploaded = record(blank(), look({ uploads: [upload('a')], listed: ['a'] }))

  test("that no effect explains is a person's removal", () => {
    const ledger = record(uploaded, look({ listed: ['a'], marker }))
    expect(factsOf(ledger)?.removal).toEqual({ key: keyOf(1), seconds: 50 })
  })

  test('keeps its first time, and is gone with the next upload', () => {
    const removed = record(uploaded, look({ listed: ['a'], marker }))
    const again = record(removed, look({ listed: ['a'], marker: { seconds: 60, above: 'a' } }))
    expect(factsOf(again)?.removal?.seconds).toBe(50)
    const back = record(again, look({ uploads: [upload('b')], listed: ['a', 'b'] }))
    expect(factsOf(back)?.removal).toBeUndefined()
  })

  test('keeps it above an upload of that very second, and above one that is not known', () => {
    const uploads = [upload('a', { seconds: 50 })]
    const removed = record(blank(), look({ uploads, listed: ['a'], marker }))
    const later = (above: string) => look({ listed: [above], marker: { seconds: 60, above } })
    expect(factsOf(record(removed, later('a')))?.removal?.seconds).toBe(50)
    expect(factsOf(record(removed, later('z')))?.removal?.seconds).toBe(50)
  })

  test('above an upload that came since is another removal, of its own time', () => {
    const removed = record(uploaded, look({ listed: ['a'], marker }))
    const unseen = look({
      uploads: [upload('b', { seconds: 60 })],
      listed: ['a', 'b'],
      marker: { seconds: 70, above: 'b' },
    })
    expect(factsOf(record(removed, unseen))?.removal?.seconds).toBe(70)
  })

  test('is not explained away by an upload of the same step under another key', () => {
    const removed = record(uploaded, look({ listed: ['a'], marker }))
    const key = 'exp/digits-1.pth'
    const other = look({ key, uploads: [upload('d', { key })], listed: ['d'] })
    expect(factsOf(record(removed, other))?.removal?.key).toBe(keyOf(1))
  })

  test('or nothing at all under the key, is a removal too, of the time of the newest upload', () => {
    const twice = look({ uploads: [upload('b', { seconds: 20 })], listed: ['a', 'b'] })
    const ledger = record(record(uploaded, twice), look({}))
    expect(factsOf(ledger)?.removal).toEqual({ key: keyOf(1), seconds: 20 })
    expect(factsOf(record(uploaded, look({})))?.removal).toEqual({ key: keyOf(1), seconds: 10 })
  })

  test('below which a restore is under way is none of a person', () => {
    const restore = {
      kind: 'restore',
      id: ID,
      key: keyOf(1),
      versionId: 'a',
      etag: 'etag of a',
      sizeBytes: 100,
    } as const
    const removalDuring = (action: Action) => {
      const effects = [{ number: 1, action, sinceSeconds: 1, sentSeconds: undefined }]
      return factsOf(record({ ...uploaded, effects }, look({ listed: ['a'], marker })))?.removal
    }
    expect(removalDuring(restore)).toBeUndefined()
    expect(removalDuring({ ...restore, id: stepId('epoch', 2) })).toBeDefined()
    expect(removalDuring({ ...restore, over: 'etag of b' })).toBeDefined()
    expect(removalDuring({ ...restore, kind: 'evict' })).toBeDefined()
  })

  test('above the version whose eviction was decided is the eviction', () => {
    const evicted = { versionId: 'a', etag: 'etag of a' }
    const decided = { ...uploaded, checkpoints: new Map([[ID, { evicted, withdrawn: [] }]]) }
    const ledger = record(decided, look({ listed: ['a'], marker }))
    expect(factsOf(ledger)?.removal).toBeUndefined()
  })

  test("above a later upload than the one that was evicted is a person's", () => {
    const evicted = { versionId: 'a', etag: 'etag of a' }
    const decided = { ...uploaded, checkpoints: new Map([[ID, { evicted, withdrawn: [] }]]) }
    const seen = look({
      uploads: [upload('b', { etag: 'other' })],
      listed: ['a', 'b'],
      marker: { seconds: 50, above: 'b' },
    })
    expect(factsOf(record(decided, seen))?.removal).toBeDefined()
  })

  test("above a version whose eviction was withdrawn is a stale worker's (invariant 8)", () => {
    const withdrawn = { evicted: undefined, withdrawn: withdrawnOf('a') }
    const decided = { ...uploaded, checkpoints: new Map([[ID, withdrawn]]) }
    const ledger = record(decided, look({ listed: ['a'], marker }))
    expect(factsOf(ledger)?.removal).toBeUndefined()
    expect(ledger.checkpoints.get(ID)).toEqual({
      evicted: { versionId: 'a', etag: 'etag of a', seconds: 50 },
      withdrawn: [],
    })
  })

  test.each([
    ["within an hour a stale worker's, whose function may live for so long", 40 + 3599, undefined],
    ["later a person's", 40 + 3600, { key: keyOf(1), seconds: 40 + 3600 }],
  ])('above such a version is %s', (_, seconds, removal) => {
    const withdrawn = { evicted: undefined, withdrawn: withdrawnOf('a') }
    const decided = { ...uploaded, checkpoints: new Map([[ID, withdrawn]]) }
    const ledger = record(decided, look({ listed: ['a'], marker: { seconds, above: 'a' } }))
    expect(factsOf(ledger)?.removal).toEqual(removal)
  })

  test('above such a version is a stale one also where it was found long after', () => {
    const withdrawn = { evicted: undefined, withdrawn: [{ versionId: 'a', seconds: 90_000 }] }
    const decided = { ...uploaded, checkpoints: new Map([[ID, withdrawn]]) }
    expect(factsOf(record(decided, look({ listed: ['a'], marker })))?.removal).toBeUndefined()
  })

  test('that nobody saw, and nothing else either, is a stale one, too, of a time that nobody knows', () => {
    const withdrawn = { evicted: undefined, withdrawn: withdrawnOf('a') }
    const decided = { ...uploaded, checkpoints: new Map([[ID, withdrawn]]) }
    const ledger = record(decided, look({}))
    expect(factsOf(ledger)?.removal).toBeUndefined()
    expect(ledger.checkpoints.get(ID)).toEqual({
      evicted: { versionId: 'a', etag: 'etag of a', seconds: undefined },
      withdrawn: [],
    })
  })

  test('of an eviction stays one when what is below it has expired', () => {
    const evicted = { versionId: 'a', etag: 'etag of a' }
    const decided = { ...uploaded, checkpoints: new Map([[ID, { evicted, withdrawn: [] }]]) }
    const expired = record(decided, look({ marker: { seconds: 50, above: undefined } }))
    expect(factsOf(expired)?.removal).toBeUndefined()
    expect(factsOf(record(expired, look({})))?.removal).toBeUndefined()
  })
})

describe('the eviction that explains a delete marker', () => {
  const evictedA = { versionId: 'a', etag: 'etag of a' }

  /** What is recorded of epoch 1 with these uploads and this state, where a marker lies above one. */
  function markerAbove(
    above: string | undefined,
    uploads: Upload[],
    state: CheckpointState,
    listed = uploads.map(({ versionId }) => versionId),
    change: Parameters<typeof look>[0] = {},
  ) {
    const facts: StepFacts = { series: 'epoch', step: 1, uploads, metrics: [], removal: undefined }
    const ledger = withStep(blank(), facts)
    const checkpoints = new Map([[ID, state]])
    const key = uploads[0]?.key ?? keyOf(1)
    const seen = look({ key, listed, marker: { seconds: 50, above }, ...change })
    const after = record({ ...ledger, checkpoints }, seen)
    return { removal: factsOf(after)?.removal, state: after.checkpoints.get(ID) }
  }

  const other = upload('m', { key: 'exp/model_1.pth', etag: 'etag of a' })

  test('is that of the version right below it, whatever else was uploaded', () => {
    const uploads = [upload('a'), upload('b'), other]
    const state = { evicted: evictedA, withdrawn: [] }
    expect(markerAbove('a', uploads, state, ['a'])).toEqual({ removal: undefined, state })
    expect(markerAbove('b', uploads, state).removal).toBeDefined()
  })

  test('is that of the newest version of its key, where what lies below has expired', () => {
    const state = { evicted: evictedA, withdrawn: [] }
    expect(markerAbove(undefined, [upload('a'), other], state, [])).toEqual({
      removal: undefined,
      state,
    })
  })

  test('is none of another key of the step', () => {
    const state = { evicted: { versionId: 'm', etag: 'etag of a' }, withdrawn: [] }
    expect(markerAbove('a', [upload('a'), other], state).removal).toBeDefined()
  })

  test('is none where the version right below it is not known, of which none was decided', () => {
    const state = { evicted: evictedA, withdrawn: [] }
    expect(markerAbove('z', [upload('a')], state, ['a', 'z']).removal).toBeDefined()
  })

  test('is used up with it; those of other versions may still come', () => {
    const state = { evicted: undefined, withdrawn: withdrawnOf('z', 'a') }
    expect(markerAbove('a', [upload('a')], state).state).toEqual({
      evicted: { ...evictedA, seconds: 50 },
      withdrawn: withdrawnOf('z'),
    })
  })

  test('hits another upload that has the ETag, which is then the one that is evicted', () => {
    const uploads = [upload('a', { etag: 'e' }), upload('b', { etag: 'e' })]
    const state = { evicted: { versionId: 'a', etag: 'e' }, withdrawn: [] }
    expect(markerAbove('b', uploads, state)).toEqual({
      removal: undefined,
      state: { evicted: { versionId: 'b', etag: 'e' }, withdrawn: [] },
    })
  })

  test('is rather that of the very version than that of one with its ETag', () => {
    const uploads = [upload('a', { etag: 'e' }), upload('b', { etag: 'e' })]
    const state = { evicted: { versionId: 'a', etag: 'e' }, withdrawn: withdrawnOf('b') }
    expect(markerAbove('b', uploads, state).state).toEqual({
      evicted: { versionId: 'b', etag: 'e', seconds: 50 },
      withdrawn: [],
    })
  })

  test('leaves the time at which that was decided, where it is known', () => {
    const uploads = [upload('a', { etag: 'e' })]
    const state = { evicted: { versionId: 'a', etag: 'e', seconds: 40 }, withdrawn: [] }
    expect(markerAbove('a', uploads, state).state).toEqual(state)
  })

  describe('of a directory', () => {
    const directory = { marker: '.metadata', files: 2, removed: 0 }
    const same = { key: `${keyOf(1)}/`, directory, etag: 'e', fingerprint: 'f' }
    const ofA = { versionId: 'a', etag: 'e' }

    test.each([['of the same'], ['of other']])(
      'leaves the files of an upload that it hit in the stead of another to be decided on, %s bytes',
      (bytes) => {
        const next = { ...same, fingerprint: bytes === 'of other' ? 'g' : 'f' }
        const state = { evicted: ofA, withdrawn: [] }
        const after = markerAbove('b', [upload('a', same), upload('b', next)], state).state
        expect(after?.evicted).toEqual({ versionId: 'b', etag: 'e', undone: true })
      },
    )

    test('leaves nothing else to be decided on', () => {
      const state = { evicted: ofA, withdrawn: [] }
      expect(markerAbove('a', [upload('a', same)], state).state).toEqual(state)
    })

    test('leaves its files to be decided on where a slow worker deleted its marker', () => {
      const withdrawn = { evicted: undefined, withdrawn: withdrawnOf('a') }
      const after = markerAbove('a', [upload('a', same)], withdrawn).state
      expect(after?.evicted).toEqual({ ...ofA, seconds: 50, undone: true })
    })

    test('leaves what is to be decided on as that, for as long as it stands', () => {
      const state = { evicted: { ...ofA, undone: true as const }, withdrawn: [] }
      expect(markerAbove('a', [upload('a', same)], state).state).toEqual(state)
      const other = { ...state, withdrawn: withdrawnOf('b') }
      const after = markerAbove('b', [upload('a', same), upload('b', same)], other).state
      expect(after?.evicted).toEqual({ versionId: 'b', etag: 'e', seconds: 50, undone: true })
    })

    test('leaves files to be decided on that came back', () => {
      const state = { evicted: ofA, withdrawn: [] }
      const after = markerAbove('a', [upload('a', same)], state, ['a'], { undone: true }).state
      expect(after?.evicted).toEqual({ ...ofA, undone: true })
    })
  })
})

describe('metrics of a step', () => {
  const fact = (value: number | null, change: Partial<MetricFact> = {}): MetricFact => ({
    metric: 'acc',
    value,
    seconds: 10,
    source: 'event',
    key: 'exp/metrics/1.json',
    position: 0,
    ordinal: 0,
    versionId: undefined,
    ...change,
  })
  const seen = (...facts: MetricFact[]): Observation => ({
    kind: 'metrics',
    series: 'epoch',
    step: 1,
    facts,
  })
  const values = (ledger: Ledger) => factsOf(ledger)?.metrics.map(({ value }) => value)

  test('that say the same again are no new fact', () => {
    const first = record(blank(), seen(fact(0.5)))
    expect(record(first, seen(fact(0.5, { seconds: 20 })))).toBe(first)
    const nothing = record(blank(), seen(fact(Number.NaN)))
    expect(record(nothing, seen(fact(Number.NaN, { seconds: 20 })))).toBe(nothing)
  })

  test('that say otherwise are another one, after it', () => {
    const twice = record(record(blank(), seen(fact(0.5))), seen(fact(0.6, { seconds: 20 })))
    expect(factsOf(twice)?.metrics.map(({ value, ordinal }) => [value, ordinal])).toEqual([
      [0.5, 0],
      [0.6, 1],
    ])
  })

  test('of another file are a fact of their own', () => {
    const both = record(blank(), seen(fact(0.5), fact(0.5, { key: 'exp/metrics/0.json' })))
    expect(values(both)).toHaveLength(2)
  })

  test('may come before the checkpoint', () => {
    const ledger = record(blank(), seen(fact(null)))
    expect(factsOf(ledger)).toMatchObject({ uploads: [], metrics: [{ value: null }] })
  })
})

test('of a control file each version is one fact, in the order of the history', () => {
  const run = aRun().at(20).options({ interval: 2 }).at(10).options({ interval: 3 })
  const twice = [...run.observations, ...run.observations].reduce(record, run.blank())
  expect(twice.history.options.map(({ seconds }) => seconds)).toEqual([10, 20])
})

describe('a new version of the options', () => {
  test('asks once more for a folder that was refused, and not for one that was granted', () => {
    const claims = new Map([
      ['out/exp', { state: 'granted' } as const],
      ['taken/exp', { state: 'refused', reason: 'is claimed by another' } as const],
    ])
    const run = aRun().options({ out_dir: 'out' })
    const before = { ...run.ledger(), claims }
    const again = run.observations.reduce(record, before)
    expect([...again.claims.keys()]).toEqual(['out/exp', 'taken/exp'])
    const after = run.options({ out_dir: 'taken' }).observations.reduce(record, before)
    expect([...after.claims]).toEqual([['out/exp', { state: 'granted' }]])
  })
})

describe('the reading of a metric file', () => {
  const reading = (versionIds: string[], reason: string): Observation => {
    const key = 'exp/metrics/1.json'
    return { kind: 'source', key, versionIds, faults: [{ key, seconds: 5, field: 'x', reason }] }
  }
  const readingOf = (ledger: Ledger) => ledger.sources.get('exp/metrics/1.json')

  test('is remembered by version, and its faults once', () => {
    const ledger = [
      reading(['a'], 'one'),
      reading(['a'], 'one'),
      reading(['a', 'b'], 'two'),
    ].reduce(record, blank())
    expect(readingOf(ledger)?.versionIds).toEqual(['a', 'b'])
    expect(readingOf(ledger)?.faults.map(({ reason }) => reason)).toEqual(['one', 'two'])
  })

  test('stays bounded however often the file grows', () => {
    let ledger = blank()
    for (let at = 0; at < 600; at++) ledger = record(ledger, reading([`v${at}`], `fault ${at}`))
    expect(readingOf(ledger)?.versionIds).toHaveLength(500)
    expect(readingOf(ledger)?.versionIds.at(-1)).toBe('v599')
    expect(readingOf(ledger)?.faults).toHaveLength(20)
  })
})

describe('the result of an effect', () => {
  const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2)
  const planned = () => {
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    hub.ledger = hub.decide().ledger
    return hub
  }

  test('ticks it off, once', () => {
    const hub = planned()
    const [effect] = hub.ledger.effects
    if (effect === undefined) throw new Error('no effect')
    const result: Observation = {
      kind: 'result',
      effect: effect.number,
      action: effect.action,
      result: { kind: 'done' },
    }
    const once = record(hub.ledger, result)
    expect(once.effects).not.toContain(effect)
    expect(record(once, result)).toEqual(once)
  })

  test('that was withdrawn meanwhile is recorded as it is (invariant 8)', () => {
    const hub = planned()
    const effect = hub.ledger.effects.find(({ action }) => action.kind === 'evict')
    if (effect?.action.kind !== 'evict') throw new Error('nothing is evicted')
    const { versionId, etag } = effect.action
    const withdrawn: Ledger = {
      ...hub.ledger,
      effects: [],
      checkpoints: new Map([[ID, { evicted: undefined, withdrawn: withdrawnOf(versionId) }]]),
    }
    const late: Observation = {
      kind: 'result',
      effect: effect.number,
      action: effect.action,
      result: { kind: 'done' },
    }
    expect(record(withdrawn, late).checkpoints.get(ID)).toEqual({
      evicted: { versionId, etag },
      withdrawn: [],
    })
  })

  test('of a job that was handed over is not known yet; it can be handed over again', () => {
    const hub = planned()
    const sent = record(hub.ledger, { kind: 'sent', effect: 1, seconds: 70 })
    expect(sent.effects.find(({ number }) => number === 1)?.sentSeconds).toBe(70)
    expect(sent.effects.find(({ number }) => number === 2)?.sentSeconds).toBeUndefined()
    const again = record(sent, { kind: 'sent', effect: 1, seconds: undefined })
    expect(again.effects.find(({ number }) => number === 1)?.sentSeconds).toBeUndefined()
  })
})

describe('an object under the name of an artifact', () => {
  const hub = () => hubOf(aRun({ save_best: 'acc' }).validated('acc', 0.5))
  const key = 'exp/best_acc_epoch_1.pth'
  const stateOf = (ledger: Ledger) => ledger.artifacts.get(key)?.state

  test('that is gone by no doing of the hub was removed by a person', () => {
    const { ledger } = hub()
    expect(stateOf(ledger)).toBe('current')
    const seen = { kind: 'artifact', key, found: 'nothing', seconds: 9 } as const
    expect(stateOf(record(ledger, seen))).toBe('removed')
  })

  test('that is being retired is not removed by a person', () => {
    const { ledger } = hub()
    const artifact = ledger.artifacts.get(key)
    if (artifact === undefined || !('object' in artifact)) throw new Error('no artifact')
    const retiring = withArtifact(ledger, key, { ...artifact, state: 'superseded' })
    const seen = { kind: 'artifact', key, found: 'nothing', seconds: 9 } as const
    expect(record(retiring, seen)).toBe(retiring)
  })

  test('that is there again is that artifact where it was removed, and else nothing new', () => {
    const { ledger } = hub()
    const back = { kind: 'artifact', key, found: 'back', versionId: 'copied' } as const
    expect(record(ledger, back)).toBe(ledger)
    const removed = record(ledger, { kind: 'artifact', key, found: 'nothing', seconds: 9 })
    const artifact = record(removed, back).artifacts.get(key)
    expect(artifact).toMatchObject({ state: 'current', object: { versionId: 'copied' } })
  })

  test("that is somebody else's now is his", () => {
    const seen = { kind: 'artifact', key, found: 'foreign', seconds: 9 } as const
    expect(stateOf(record(hub().ledger, seen))).toBe('foreign')
  })

  describe("that is another of the hub's own", () => {
    const { ledger } = hub()
    const artifact = ledger.artifacts.get(key)
    if (artifact === undefined || !('object' in artifact)) throw new Error('no artifact')
    const { sha256 } = artifact.object
    const over = { kind: 'artifact', key, found: 'own', versionId: 'over', etag: 'e' } as const

    test('does not count, and can be replaced', () => {
      const seen = record(ledger, { ...over, sha256: 'of older bytes' })
      expect(seen.artifacts.get(key)).toEqual({
        ...artifact,
        state: 'superseded',
        object: { ...artifact.object, versionId: 'over', etag: 'e' },
      })
    })

    test('is that artifact where it has its bytes', () => {
      expect(record(ledger, { ...over, sha256 }).artifacts.get(key)).toEqual({
        ...artifact,
        object: { ...artifact.object, versionId: 'over', etag: 'e' },
      })
    })

    test('is told by its job, where that is under way', () => {
      const { identity } = artifact
      const making = (of: string): Ledger => ({
        ...ledger,
        effects: [
          {
            number: 90,
            action: { kind: 'make', key: of, identity, replaces: undefined },
            sinceSeconds: 1,
            sentSeconds: 1,
          },
        ],
      })
      const seen = { ...over, sha256: 'of newer bytes' }
      expect(record(making(key), seen)).toEqual(making(key))
      expect(stateOf(record(making('exp/best_loss_epoch_1.pth'), seen))).toBe('superseded')
    })

    test('is nothing new where that is what the ledger has', () => {
      const { versionId } = artifact.object
      expect(record(ledger, { ...over, versionId, sha256: 'of older bytes' })).toBe(ledger)
    })

    test('is not looked at where there is to be none', () => {
      const removed = record(ledger, { kind: 'artifact', key, found: 'nothing', seconds: 9 })
      expect(record(removed, { ...over, sha256 })).toBe(removed)
    })
  })

  test('that the hub knows nothing of is none of its business', () => {
    const seen = { kind: 'artifact', key, found: 'foreign', seconds: 9 } as const
    expect(record(blank(), seen)).toEqual(blank())
  })

  describe('that was retired, and is made again of the same bytes,', () => {
    const { ledger } = hub()
    const artifact = ledger.artifacts.get(key)
    if (artifact === undefined || !('object' in artifact)) throw new Error('no artifact')
    const { etag } = artifact.object
    const HOUR = 3600
    const goneAt = (seconds: number) =>
      ({ kind: 'artifact', key, found: 'nothing', seconds }) as const
    const retiredAt = (seconds: number): Ledger => ({
      ...ledger,
      retired: [
        { etag, seconds },
        { etag: 'another', seconds: 4 * HOUR },
        { etag: 'another', seconds: 6 * HOUR },
      ],
    })

    test.each([
      ['at once', 5 * HOUR],
      ['an hour later', 6 * HOUR - 1],
      ['by a clock that is behind', 4 * HOUR + 1],
    ])('was deleted by a slow worker where that is %s', (_, seconds) => {
      const before = retiredAt(5 * HOUR)
      const after = record(before, goneAt(seconds))
      expect(after).toEqual({ ...before, artifacts: after.artifacts })
      expect(after.artifacts.get(key)).toEqual({ ...artifact, state: 'superseded' })
      expect(record(after, goneAt(seconds))).toEqual(after)
    })

    test('was deleted by a slow worker where no decision has followed yet', () => {
      const before = { ...ledger, retired: [{ etag }] }
      expect(stateOf(record(before, goneAt(5 * HOUR)))).toBe('superseded')
    })

    test('was deleted by the next slow worker where it was made again once more', () => {
      const again = {
        ...record(retiredAt(5 * HOUR), goneAt(5 * HOUR)),
        artifacts: ledger.artifacts,
      }
      expect(stateOf(record(again, goneAt(5 * HOUR + 900)))).toBe('superseded')
    })

    test.each([
      ['no function lives that was there then', 6 * HOUR],
      ['it was before', 4 * HOUR],
    ])('was removed by a person where %s', (_, seconds) => {
      expect(stateOf(record(retiredAt(5 * HOUR), goneAt(seconds)))).toBe('removed')
    })
  })
})

test('a refusal of a job that no longer stands says nothing', () => {
  const identity: ArtifactIdentity = {
    kind: 'best',
    folder: RUN,
    metric: 'acc',
    name: 'best_acc_epoch_1.pth',
    source: { key: keyOf(1), versionId: 'a', step: 1, bytes: '100 a' },
    publishedKeys: undefined,
    droppedKeys: [],
  }
  const key = 'exp/best_acc_epoch_1.pth'
  const seen: Observation = {
    kind: 'result',
    effect: 7,
    action: { kind: 'make', key, identity, replaces: undefined },
    result: { kind: 'refused', reason: 'an unknown global' },
  }
  expect(record(blank(), seen)).toEqual(blank())
})

test('whatever is recorded twice in a row is recorded once (invariant 6)', () => {
  const steps = fc.integer({ min: 1, max: 4 })
  const kinds = fc.constantFrom('upload', 'again', 'metric', 'remove', 'begin', 'end', 'options')
  fc.assert(
    fc.property(fc.array(fc.tuple(kinds, steps), { maxLength: 15 }), (told) => {
      const run = aRun({ max_keep_ckpts: 2 })
      for (const [kind, step] of told) {
        if (kind === 'upload') run.upload(step)
        if (kind === 'again') run.uploadLike({ bytes: 'same' }, step)
        if (kind === 'metric') run.metrics(step, { acc: step })
        if (kind === 'remove') run.remove(step)
        if (kind === 'begin') run.begin()
        if (kind === 'end') run.end()
        if (kind === 'options') run.options({ interval: step })
      }
      const twice = run.observations.flatMap((seen) => [seen, seen]).reduce(record, run.blank())
      expect(twice).toEqual(run.ledger())
    }),
  )
})
