import { describe, expect, test } from 'vitest'
import { bytesOf, stepId, type Upload } from '../../../lib/hook/history.ts'
import type {
  Action,
  Artifact,
  ArtifactIdentity,
  ArtifactObject,
  CheckpointState,
  Effect,
  Ledger,
} from '../../../lib/hook/ledger.ts'
import type { Folder } from '../../../lib/hook/names.ts'
import { refusedKey } from '../../../lib/hook/plan-artifacts.ts'
import { type Result, recordResult } from '../../../lib/hook/record-result.ts'
import { aRun, keyOf, RUN } from './a-run.ts'

const ID = stepId('epoch', 1)
const KEY = 'exp/best_acc_epoch_1.pth'
const withdrawnOf = (...versionIds: string[]) =>
  versionIds.map((versionId) => ({ versionId, seconds: 40 }))

const effect = (number: number, action: Action): Effect => ({
  number,
  action,
  sinceSeconds: 1,
  sentSeconds: undefined,
})
const OTHER = effect(99, { kind: 'write last_checkpoint', text: 's3://bucket/exp/epoch_9.pth' })

/** A run that uploaded epoch 1 twice, and epoch 2; an effect of it stands that no test is about. */
function aLedger(change: Partial<Ledger> = {}): Ledger {
  return { ...aRun().upload(1, 1, 2).ledger(), effects: [OTHER], ...change }
}
const uploadsOf = (ledger: Ledger, id = ID) => ledger.history.steps.get(id)?.uploads ?? []
const versionsOf = (ledger: Ledger) => uploadsOf(ledger).map(({ versionId }) => versionId)
const goneIn = (ledger: Ledger) =>
  [...ledger.history.steps.values()].flatMap(({ uploads }) =>
    uploads.flatMap(({ gone, versionId }) => (gone ? [versionId] : [])),
  )
const withState = (state: CheckpointState) => aLedger({ checkpoints: new Map([[ID, state]]) })
const withArtifacts = (artifact: Artifact, change: Partial<Ledger> = {}) =>
  aLedger({ artifacts: new Map([[KEY, artifact]]), ...change })

/** The result of an effect that stands. */
const ofStanding = (ledger: Ledger, action: Action, result: Result) =>
  recordResult({ ...ledger, effects: [...ledger.effects, effect(7, action)] }, 7, action, result)
/** The result of one that was withdrawn meanwhile, or that another worker has told. */
const ofStale = (ledger: Ledger, action: Action, result: Result) =>
  recordResult(ledger, 7, action, result)

describe('an effect that stands', () => {
  test('is ticked off, and no other one is', () => {
    const action = { kind: 'write last_checkpoint', text: 'x' } as const
    const ledger = ofStanding(aLedger({ lastCheckpoint: 'y' }), action, { kind: 'done' })
    expect(ledger.effects).toEqual([OTHER])
    expect(ledger.lastCheckpoint).toBe('y')
  })
})

test('last_checkpoint holds what a slow worker wrote there, until it is written again', () => {
  const action = { kind: 'write last_checkpoint', text: 'x' } as const
  const late = ofStale(aLedger({ lastCheckpoint: 'y' }), action, { kind: 'done' })
  expect(late.lastCheckpoint).toBe('x')
})

describe('a claim', () => {
  const action = { kind: 'claim', folder: 'out/exp' as Folder } as const

  test('has its answer recorded by the folder', () => {
    const claim = { state: 'refused', reason: 'is claimed by another' } as const
    const after = ofStanding(aLedger(), action, { kind: 'claimed', claim })
    expect([...after.claims]).toEqual([['out/exp', claim]])
    expect(after.effects).toEqual([OTHER])
  })

  test('without an answer is asked again', () => {
    expect(ofStanding(aLedger(), action, { kind: 'done' })).toEqual(aLedger())
  })
})

describe('an eviction that a slow worker carried out', () => {
  const action = { kind: 'evict', id: ID, key: keyOf(1), versionId: 'v1', etag: 'e1' } as const
  const stateOf = (state: CheckpointState) =>
    ofStale(withState(state), action, { kind: 'done' }).checkpoints.get(ID)
  const unstripped = { bytes: 'b', droppedKeys: ['optimizer'], refusal: { reason: 'no' } }

  test('stands again where it had been withdrawn', () => {
    const state = { evicted: undefined, withdrawn: withdrawnOf('v1', 'v2'), unstripped }
    expect(stateOf(state)).toEqual({
      evicted: { versionId: 'v1', etag: 'e1' },
      withdrawn: withdrawnOf('v2'),
      unstripped,
    })
  })

  test('leaves that of a later upload, which was decided on since', () => {
    const evicted = { versionId: 'v2', etag: 'e2', seconds: 7 }
    const state = { evicted, withdrawn: withdrawnOf('v1') }
    expect(stateOf(state)).toEqual({ evicted, withdrawn: [] })
  })

  test('is nothing new where it had not', () => {
    const state = { evicted: { versionId: 'v2', etag: 'e2' }, withdrawn: withdrawnOf('v3') }
    expect(stateOf(state)).toEqual(state)
    expect(ofStale(aLedger(), action, { kind: 'done' })).toEqual(aLedger())
  })
})

const identity = (change: Partial<ArtifactIdentity> = {}): ArtifactIdentity => ({
  kind: 'best',
  folder: RUN,
  metric: 'acc',
  name: 'best_acc_epoch_1.pth',
  source: { key: keyOf(1), versionId: 'v1', step: 1, bytes: 'bytes' },
  publishedKeys: undefined,
  droppedKeys: [],
  ...change,
})
const object = (versionId: string): ArtifactObject => ({
  versionId,
  etag: `etag of ${versionId}`,
  sizeBytes: 10,
  sha256: 'ab'.repeat(32),
  keptKeys: [],
  removedKeys: [],
  layoutVersion: 1,
  hashedBy: 'function',
})
const artifact = (state: 'current' | 'superseded' | 'removed', versionId = 'a1'): Artifact => ({
  state,
  identity: identity(),
  object: object(versionId),
})

describe('a retirement', () => {
  const action = { kind: 'retire', key: KEY, versionId: 'a1', etag: 'etag of a1' } as const
  const done = { kind: 'done' } as const
  const refused: Artifact = { state: 'refused', identity: identity(), reason: 'no' }

  test('takes the artifact off the list', () => {
    expect(ofStanding(withArtifacts(artifact('superseded')), action, done).artifacts.size).toBe(0)
  })

  test.each([
    ['another object has its name', artifact('superseded', 'a2')],
    ['it is wanted again', artifact('current')],
    ['it was refused', refused],
  ])('does not where %s', (_, each) => {
    expect(ofStanding(withArtifacts(each), action, done)).toEqual(withArtifacts(each))
  })

  test('of what is off the list already changes nothing', () => {
    expect(ofStanding(aLedger(), action, done)).toEqual(aLedger())
    expect(ofStale(aLedger(), action, done)).toEqual(aLedger())
  })

  test('by a slow worker supersedes the artifact again, which was wanted again (invariant 8)', () => {
    expect(ofStale(withArtifacts(artifact('current')), action, done).artifacts.get(KEY)).toEqual(
      artifact('superseded'),
    )
  })

  test.each([
    ['another object has its name', artifact('current', 'a2')],
    ['a person removed it', artifact('removed')],
    ['it was refused', refused],
  ])('by a slow worker does not where %s', (_, each) => {
    expect(ofStale(withArtifacts(each), action, done)).toEqual(withArtifacts(each))
  })
})

describe('a restore', () => {
  const action = {
    kind: 'restore',
    id: ID,
    key: keyOf(1),
    versionId: 'v1',
    etag: 'e1',
    sizeBytes: 1000,
  } as const
  const [first] = uploadsOf(aLedger())
  const upload = { ...(first as Upload), versionId: 'v9', restores: 'v1' }

  test('is a version of the checkpoint, once', () => {
    const once = ofStanding(aLedger(), action, { kind: 'restored', upload })
    expect(versionsOf(once)).toEqual(['v1', 'v2', 'v9'])
    expect(ofStale(once, action, { kind: 'restored', upload })).toEqual(once)
  })

  test('of a version that has expired says so, and the eviction stands', () => {
    const state = { evicted: undefined, withdrawn: withdrawnOf('v1') }
    const ledger = ofStanding(withState(state), action, { kind: 'gone' })
    expect(goneIn(ledger)).toEqual(['v1'])
    expect(ledger.checkpoints.get(ID)).toEqual({
      evicted: { versionId: 'v1', etag: 'e1' },
      withdrawn: withdrawnOf('v1'),
    })
  })

  test('of a directory that another save lies over by then is not said to be impossible', () => {
    const run = aRun().uploadLike({ template: 'epoch_{}.pth/' }, 1)
    const gone = { ...action, key: 'exp/epoch_1.pth/' }
    expect(goneIn(ofStanding(run.ledger(), gone, { kind: 'gone' }))).toEqual(['v1'])
    run.uploadLike({ template: 'epoch_{}.pth/' }, 1)
    expect(goneIn(ofStanding(run.ledger(), gone, { kind: 'gone' }))).toEqual([])
  })

  test('of a whole version over a stripped one that has expired leaves the latter there', () => {
    const over = { ...action, over: 'e2' }
    const ledger = ofStanding(aLedger(), over, { kind: 'gone' })
    expect(goneIn(ledger)).toEqual(['v1'])
    expect(ledger.checkpoints).toEqual(new Map())
  })

  test('that found the key taken changes nothing', () => {
    expect(ofStanding(aLedger(), action, { kind: 'done' })).toEqual(aLedger())
  })

  test('of a step that is no more changes nothing', () => {
    const gone = { ...action, id: stepId('epoch', 8) }
    expect(ofStanding(aLedger(), gone, { kind: 'gone' })).toEqual(aLedger())
  })
})

describe('a strip', () => {
  const action = {
    kind: 'strip',
    id: ID,
    key: keyOf(1),
    versionId: 'v2',
    etag: 'e2',
    sizeBytes: 1000,
    droppedKeys: ['optimizer'],
  } as const
  const [first, second] = uploadsOf(aLedger())
  const strips = { versionId: 'v2', etag: 'e2', droppedKeys: ['optimizer'] }
  const upload = { ...(first as Upload), versionId: 'v9', strips }

  test('is a version of the checkpoint, once', () => {
    const once = ofStanding(aLedger(), action, { kind: 'stripped', upload })
    expect(versionsOf(once)).toEqual(['v1', 'v2', 'v9'])
    expect(ofStale(once, action, { kind: 'stripped', upload })).toEqual(once)
  })

  test('that could not be done is remembered for those bytes and keys', () => {
    const state = { evicted: undefined, withdrawn: withdrawnOf('v1') }
    const refusal = { reason: 'names own.Thing', allowedGlobals: ['other.Thing'] }
    const ledger = ofStanding(withState(state), action, { kind: 'unstripped', refusal })
    expect(ledger.checkpoints.get(ID)).toEqual({
      ...state,
      unstripped: { bytes: bytesOf(second as Upload), droppedKeys: ['optimizer'], refusal },
    })
  })

  test('that met another object changes nothing', () => {
    expect(ofStanding(aLedger(), action, { kind: 'done' })).toEqual(aLedger())
  })

  test('of a version or a step that is no more changes nothing', () => {
    const unstripped = { kind: 'unstripped', refusal: undefined } as const
    for (const change of [{ versionId: 'v8' }, { id: stepId('epoch', 8) }]) {
      expect(ofStanding(aLedger(), { ...action, ...change }, unstripped)).toEqual(aLedger())
    }
  })
})

describe('a job', () => {
  const make = (change: Partial<ArtifactIdentity> = {}): Action => ({
    kind: 'make',
    key: KEY,
    identity: identity(change),
    replaces: undefined,
  })
  const made = { kind: 'made', key: KEY, object: object('a1') } as const
  const stateIn = (ledger: Ledger) => ledger.artifacts.get(KEY)?.state

  test('that made its file has it listed, also where that is no longer wanted', () => {
    expect(ofStanding(aLedger(), make(), made).artifacts.get(KEY)).toEqual(artifact('current'))
    const before = withArtifacts(artifact('current', 'a0'))
    expect(ofStale(before, make(), made).artifacts.get(KEY)).toEqual(artifact('current'))
  })

  test('that is told again does not bring back what a person removed meanwhile', () => {
    expect(stateIn(ofStale(withArtifacts(artifact('removed')), make(), made))).toBe('removed')
    expect(stateIn(ofStanding(withArtifacts(artifact('removed')), make(), made))).toBe('current')
    const before = withArtifacts(artifact('removed', 'a0'))
    expect(stateIn(ofStale(before, make(), made))).toBe('current')
  })

  test('that made again what was to be retired withdraws that, and remembers its ETag', () => {
    const retire = (key: string, etag: string): Action => ({
      kind: 'retire',
      key,
      versionId: 'a1',
      etag,
    })
    const others = [effect(1, retire('exp/other.pth', 'e1')), effect(2, make()), OTHER]
    const retired = Array.from({ length: 50 }, (_, at) => ({ etag: `old ${at}`, seconds: at }))
    const before = withArtifacts(artifact('superseded'), {
      effects: [...others, effect(3, retire(KEY, 'etag of a1'))],
      retired,
    })
    const after = ofStale(before, make(), made)
    expect(stateIn(after)).toBe('current')
    expect(after.effects).toEqual(others)
    expect(after.retired).toEqual([...retired.slice(1), { etag: 'etag of a1' }])
  })

  test('that was refused is listed apart, whatever has its name by then', () => {
    const refused = { kind: 'refused', reason: 'no' } as const
    const listed: Artifact = { state: 'refused', identity: identity(), reason: 'no' }
    const entry = refusedKey(identity())
    expect([...ofStanding(aLedger(), make(), refused).artifacts]).toEqual([[entry, listed]])
    const again = ofStanding(aLedger(), make(), { ...refused, reason: 'another' })
    expect([...ofStanding(again, make(), refused).artifacts]).toEqual([[entry, listed]])
    const taken = ofStanding(withArtifacts(artifact('current')), make(), refused)
    expect([...taken.artifacts.keys()]).toEqual([KEY, entry])
  })

  test("that met somebody else's file says so", () => {
    const foreign = { kind: 'foreign', key: KEY, seconds: 5 } as const
    expect(ofStanding(aLedger(), make(), foreign).artifacts.get(KEY)).toEqual({
      state: 'foreign',
      seconds: 5,
    })
  })

  test('that found its upload expired says so of every version of those bytes', () => {
    const ledger = aLedger()
    const facts = ledger.history.steps.get(ID)
    const [first, second] = facts?.uploads ?? []
    if (facts === undefined || first === undefined || second === undefined) throw new Error('no')
    const other = { ...first, key: 'exp/model_1.pth', versionId: 'v7' }
    facts.uploads = [first, { ...first, versionId: 'v8' }, second, other]
    const source = { key: keyOf(1), versionId: 'v1', step: 1, bytes: bytesOf(first) }
    const after = ofStanding(ledger, make({ source }), { kind: 'gone' })
    expect(goneIn(after)).toEqual(['v1', 'v8'])
    expect(after.artifacts.get(refusedKey(identity({ source })))).toEqual({
      state: 'refused',
      identity: identity({ source }),
      reason: 'its upload has expired from the bucket',
    })
  })

  test('whose upload nobody knows any more changes nothing, nor one that has nothing to tell', () => {
    expect(ofStanding(aLedger(), make(), { kind: 'gone' })).toEqual(aLedger())
    expect(ofStanding(aLedger(), make(), { kind: 'done' })).toEqual(aLedger())
  })
})
