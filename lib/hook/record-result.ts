/**
 * Recording what came of an effect: it is ticked off, and what a slow worker did after its effect was
 * withdrawn is recorded as it is.
 */
import { bytesOf, type StepFacts, type Upload } from './history.ts'
import {
  type Action,
  type ArtifactIdentity,
  type ArtifactObject,
  type Effect,
  type Ledger,
  type Refusal,
  type Retirement,
  UNTOUCHED,
  withArtifact,
  withCheckpoint,
  withClaim,
  withStep,
} from './ledger.ts'
import type { Claim } from './out-dir.ts'
import { refusedKey } from './plan-artifacts.ts'
import { withoutOverlaidLosses } from './record-directory.ts'

/** What came of an action. */
export type Result =
  | { kind: 'done' }
  | { kind: 'restored'; upload: Upload }
  | { kind: 'gone' }
  | { kind: 'stripped'; upload: Upload }
  /** With the reason where it could not be done, without one where there was nothing to do. */
  | { kind: 'unstripped'; refusal: Refusal | undefined }
  | { kind: 'made'; key: string; object: ArtifactObject }
  | ({ kind: 'refused' } & Refusal)
  | { kind: 'foreign'; key: string; seconds: number }
  | { kind: 'claimed'; claim: Claim }

/** More than a run retires within the time that a slow worker has. */
const RETIREMENTS_REMEMBERED = 50

/** Ticks an effect off. What a stale worker did after its effect was withdrawn is recorded as it is. */
export function recordResult(
  ledger: Ledger,
  number: number,
  action: Action,
  result: Result,
): Ledger {
  const stands = ledger.effects.some((effect) => effect.number === number)
  const ticked = { ...ledger, effects: ledger.effects.filter((effect) => effect.number !== number) }
  switch (action.kind) {
    case 'write last_checkpoint':
      return stands ? ticked : { ...ticked, lastCheckpoint: action.text }
    case 'evict':
      return stands ? ticked : recordStaleEviction(ticked, action)
    case 'restore':
      return recordRestore(ticked, action, result)
    case 'strip':
      return recordStrip(ticked, action, result)
    case 'retire':
      return stands ? recordRetirement(ticked, action) : recordStaleRetirement(ticked, action)
    case 'make':
      return recordMade(ticked, action, result, stands)
    case 'claim':
      return result.kind === 'claimed' ? withClaim(ticked, action.folder, result.claim) : ticked
  }
}

function recordStaleEviction(ledger: Ledger, action: Extract<Action, { kind: 'evict' }>): Ledger {
  const { id, versionId, etag } = action
  const state = ledger.checkpoints.get(id) ?? UNTOUCHED
  const withdrawn = state.withdrawn.filter((each) => each.versionId !== versionId)
  // Where the eviction was ticked off by another worker, there is nothing stale about it.
  if (withdrawn.length === state.withdrawn.length) return ledger
  // That of a later upload stands: by it the marker is known that lies on top.
  const evicted = state.evicted ?? { versionId, etag }
  return withCheckpoint(ledger, id, { ...state, evicted, withdrawn })
}

/**
 * What is gone is no longer listed, so that the hub is the same whichever copies were made on the way. Its ETag is
 * remembered: where the same copy is made again, a slow worker may still delete it as this one.
 */
function recordRetirement(ledger: Ledger, action: Extract<Action, { kind: 'retire' }>): Ledger {
  const artifact = ledger.artifacts.get(action.key)
  if (artifact?.state !== 'superseded' || artifact.object.versionId !== action.versionId)
    return ledger
  const artifacts = new Map(ledger.artifacts)
  artifacts.delete(action.key)
  return { ...ledger, artifacts, retired: withEtag(ledger.retired, artifact.object.etag) }
}

function recordStaleRetirement(
  ledger: Ledger,
  action: Extract<Action, { kind: 'retire' }>,
): Ledger {
  const artifact = ledger.artifacts.get(action.key)
  if (artifact?.state !== 'current' || artifact.object.versionId !== action.versionId) return ledger
  return withArtifact(ledger, action.key, { ...artifact, state: 'superseded' })
}

function recordRestore(
  ledger: Ledger,
  action: Extract<Action, { kind: 'restore' }>,
  result: Result,
): Ledger {
  const facts = ledger.history.steps.get(action.id)
  if (facts === undefined) return ledger
  if (result.kind === 'restored') return withVersion(ledger, facts, result.upload)
  if (result.kind !== 'gone') return ledger
  const uploads = facts.uploads.map((upload) =>
    upload.versionId === action.versionId ? { ...upload, gone: true } : upload,
  )
  const without = withStep(ledger, withoutOverlaidLosses({ ...facts, uploads }))
  if (action.over !== undefined) return without
  const { versionId, etag, evictedSeconds: seconds } = action
  const state = ledger.checkpoints.get(action.id) ?? UNTOUCHED
  return withCheckpoint(without, action.id, {
    ...state,
    evicted: { versionId, etag, seconds },
  })
}

function withVersion(ledger: Ledger, facts: StepFacts, upload: Upload): Ledger {
  const known = facts.uploads.some(({ versionId }) => versionId === upload.versionId)
  return known ? ledger : withStep(ledger, { ...facts, uploads: [...facts.uploads, upload] })
}

function recordStrip(
  ledger: Ledger,
  action: Extract<Action, { kind: 'strip' }>,
  result: Result,
): Ledger {
  const facts = ledger.history.steps.get(action.id)
  if (facts === undefined) return ledger
  if (result.kind === 'stripped') return withVersion(ledger, facts, result.upload)
  const source = facts.uploads.find(({ versionId }) => versionId === action.versionId)
  if (result.kind !== 'unstripped' || source === undefined) return ledger
  const { droppedKeys } = action
  const unstripped = { bytes: bytesOf(source), droppedKeys, refusal: result.refusal }
  const state = ledger.checkpoints.get(action.id) ?? UNTOUCHED
  return withCheckpoint(ledger, action.id, { ...state, unstripped })
}

function recordMade(
  ledger: Ledger,
  action: Extract<Action, { kind: 'make' }>,
  result: Result,
  stands: boolean,
): Ledger {
  const { identity } = action
  switch (result.kind) {
    case 'made':
      return recordObject(ledger, identity, result, stands)
    case 'refused':
      return stands ? withRefusal(ledger, identity, result) : ledger
    case 'foreign':
      return withArtifact(ledger, result.key, { state: 'foreign', seconds: result.seconds })
    case 'gone':
      return recordExpired(ledger, action)
    default:
      return ledger
  }
}

/** The upload that was to be rewritten is no longer in the bucket: another best takes its place. */
function recordExpired(ledger: Ledger, action: Extract<Action, { kind: 'make' }>): Ledger {
  const { key, bytes } = action.identity.source
  const isExpired = (upload: Upload) => upload.key === key && bytesOf(upload) === bytes
  const facts = [...ledger.history.steps.values()].find(({ uploads }) => uploads.some(isExpired))
  if (facts === undefined) return ledger
  const uploads = facts.uploads.map((upload) =>
    isExpired(upload) ? { ...upload, gone: true } : upload,
  )
  const reason = 'its upload has expired from the bucket'
  return withRefusal(withStep(ledger, { ...facts, uploads }), action.identity, { reason })
}

function withRefusal(
  ledger: Ledger,
  identity: ArtifactIdentity,
  { reason, allowedGlobals }: Refusal,
): Ledger {
  return withArtifact(ledger, refusedKey(identity), {
    state: 'refused',
    identity,
    reason,
    ...(allowedGlobals && { allowedGlobals }),
  })
}

/** What an effect made that no longer stands is current too, until the plan retires what is not wanted. */
function recordObject(
  ledger: Ledger,
  identity: ArtifactIdentity,
  { key, object }: Extract<Result, { kind: 'made' }>,
  stands: boolean,
): Ledger {
  const known = ledger.artifacts.get(key)
  const isRecorded =
    known !== undefined && 'object' in known && known.object.versionId === object.versionId
  // Another worker's answer to the same effect came first.
  if (isRecorded && known.state !== 'superseded' && !stands) return ledger
  const artifact = { state: 'current', identity, object } as const
  return withArtifact(withoutRetirement(ledger, key), key, artifact)
}

/** What is wanted again is not to be retired any more; that may be under way. */
function withoutRetirement(ledger: Ledger, key: string): Ledger {
  const isOf = ({ action }: Effect) => action.kind === 'retire' && action.key === key
  const retired = ledger.effects
    .filter(isOf)
    .flatMap(({ action }) => ('etag' in action ? [action.etag] : []))
    .reduce(withEtag, ledger.retired)
  return { ...ledger, effects: ledger.effects.filter((effect) => !isOf(effect)), retired }
}

function withEtag(retired: Retirement[], etag: string): Retirement[] {
  return [...retired, { etag }].slice(-RETIREMENTS_REMEMBERED)
}
