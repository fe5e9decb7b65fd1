/**
 * The plan: what should be, against what is, gives effects.
 *
 * Every effect names the exact version that it was decided for. A decision that was taken with less
 * knowledge is withdrawn, and undone if it was carried out. Nothing is evicted before what is made from
 * it is committed, and no best copy is retired before its successor is.
 */
import { type Circumstances, Draft } from './draft.ts'
import { type Outcome, outcomeOf } from './fold.ts'
import { type CheckpointFact, idOf, type Upload } from './history.ts'
import { type CheckpointState, type Evicted, isEvicted, type Ledger, UNTOUCHED } from './ledger.ts'
import { uriOf } from './names.ts'
import type { Destination } from './out-dir.ts'
import { answersOf, isNeeded, planArtifacts } from './plan-artifacts.ts'
import { planClaims } from './plan-claims.ts'
import { planContents } from './plan-contents.ts'
import type { Fate } from './retention.ts'

/** What was decided: the ledger with the decisions in it, and the outcome that they follow from. */
export interface Decision {
  ledger: Ledger
  outcome: Outcome
  /** The last checkpoint as the hub answers it: it exists and is whole. */
  last: CheckpointFact | undefined
  /** Where best copies are to lie, and what is wrong with the `out_dir` in force. */
  destination: Destination
  /** How many deletions are due and held, since they could not be undone, by bucket. */
  heldDeletions: ReadonlyMap<string, number>
  /** True where more is to be decided than one transaction may hold. */
  more: boolean
}

/**
 * Decides what to do about a ledger.
 *
 * Deciding again on the ledger that a decision returned, with nothing new recorded, decides nothing
 * more once `more` is false.
 */
export function decide(ledger: Ledger, circumstances: Circumstances): Decision {
  const outcome = outcomeOf(ledger, circumstances.brake)
  const draft = new Draft(ledger, circumstances)
  const last = lastOf(outcome, ledger)
  planLastCheckpoint(draft, circumstances.bucket, last)
  planClaims(draft, outcome)
  planArtifacts(draft, outcome)
  planCheckpoints(draft, outcome)
  planContents(draft, outcome)
  draft.answers = answersOf(draft, outcome)
  const { heldDeletions, more } = draft
  const destination = draft.destinationOf(outcome.options.outDir)
  return { ledger: draft.ledger(), outcome, last, destination, heldDeletions, more }
}

/** The first choice that is there: one that was evicted before is not brought back to be the last. */
function lastOf(outcome: Outcome, ledger: Ledger): CheckpointFact | undefined {
  return outcome.lastInOrder.find((fact) => {
    const fate = outcome.fates.get(idOf(fact))
    const evicted = isEvicted(ledger.checkpoints.get(idOf(fact)) ?? UNTOUCHED, fact)
    return !evicted || (fate?.kind === 'kept' && fate.restorable)
  })
}

function planLastCheckpoint(draft: Draft, bucket: string, last: CheckpointFact | undefined): void {
  if (last === undefined) return
  const text = uriOf(bucket, last.key)
  if (draft.lastCheckpoint === text || !draft.hasRoom()) return
  for (const { number, action } of draft.effects) {
    if (action.kind === 'write last_checkpoint') draft.withdraw(number)
  }
  draft.lastCheckpoint = text
  draft.add({ kind: 'write last_checkpoint', text })
}

function planCheckpoints(draft: Draft, outcome: Outcome): void {
  for (const [id, { fact }] of outcome.standings) {
    const fate = outcome.fates.get(id)
    const state = draft.checkpoints.get(id) ?? UNTOUCHED
    if (fate?.kind === 'evicted') {
      if (isDecided(state, fact)) postpone(draft, outcome, id, fact, state)
      else if (!isNeeded(draft, outcome, fact)) evict(draft, id, fact, state)
    } else if (isWanted(fate)) {
      if (isCovered(fact)) uncover(draft, id, fact, state)
      else if (isEvicted(state, fact)) restore(draft, id, fact, state)
      else if (isHalfDeleted(state, fact)) mend(draft, id, fact)
    }
  }
}

/** Files below the deleted marker of a directory are to go too, which takes a decision of its own. */
function isDecided({ evicted }: CheckpointState, { live }: CheckpointFact): boolean {
  return live.gone || (evicted?.versionId === live.versionId && evicted.undone === undefined)
}

function isWanted(fate: Fate | undefined): boolean {
  return fate?.kind === 'held' || (fate?.kind === 'kept' && fate.restorable)
}

/** Whether a slow worker put back over a directory what had lain there before. Over a file its own bytes are copied. */
function isCovered({ live, lateRestores }: CheckpointFact): boolean {
  return live.directory !== undefined && lateRestores.includes(live)
}

/** What lies over a directory goes, and once that is done it comes back. */
function uncover(draft: Draft, id: string, fact: CheckpointFact, state: CheckpointState): void {
  const { versionId } = fact.live
  const isUnderWay = draft.effects.some(
    ({ action }) => action.kind === 'evict' && action.versionId === versionId,
  )
  if (isUnderWay) return
  if (state.evicted?.versionId === versionId) restore(draft, id, fact, state)
  else evict(draft, id, fact, state)
}

function evict(draft: Draft, id: string, fact: CheckpointFact, state: CheckpointState): void {
  if (!draft.mayDelete(fact.key) || !draft.hasRoom()) return
  for (const { number, action } of draft.effects) {
    if ('id' in action && action.id === id) draft.withdraw(number)
  }
  const { key, versionId, etag } = fact.live
  const evicted = { versionId, etag, seconds: draft.nowSeconds }
  draft.checkpoints.set(id, { ...state, evicted })
  draft.add({ kind: 'evict', id, key, versionId, etag, ...directoryOf(fact.live) })
}

/** What was to go is the source of a copy after all: an eviction that was not carried out yet waits for that. */
function postpone(
  draft: Draft,
  outcome: Outcome,
  id: string,
  fact: CheckpointFact,
  state: CheckpointState,
): void {
  const standing = draft.effects.filter(
    ({ action }) => action.kind === 'evict' && action.id === id && action.marker === undefined,
  )
  if (standing.length === 0 || state.evicted === undefined) return
  // Asked last: it looks through all that is made, and most evictions were carried out long ago.
  if (!isNeeded(draft, outcome, fact)) return
  for (const { number } of standing) draft.withdraw(number)
  // Some worker may be carrying it out at this moment.
  draft.checkpoints.set(id, withdrawn(state, state.evicted, draft.nowSeconds))
}

function withdrawn(
  state: CheckpointState,
  { versionId }: Evicted,
  seconds: number,
): CheckpointState {
  const others = state.withdrawn.filter((each) => each.versionId !== versionId)
  return { ...state, evicted: undefined, withdrawn: [...others, { versionId, seconds }] }
}

/**
 * A directory that came back while a worker was still deleting its files, or a part of it. Its files are
 * restored as if it had been evicted once more.
 */
function isHalfDeleted(
  { withdrawn }: CheckpointState,
  { live, versions }: CheckpointFact,
): boolean {
  const decided = withdrawn.map(({ versionId }) => versionId)
  const isDecided = versions.some(({ versionId }) => decided.includes(versionId))
  return isDecided && !live.gone && (live.directory?.removed ?? 0) > 0
}

function mend(draft: Draft, id: string, { live }: CheckpointFact): void {
  const isUnderWay = draft.effects.some(
    ({ action }) => action.kind === 'restore' && action.versionId === live.versionId,
  )
  if (!isUnderWay && draft.hasRoom()) draft.add({ kind: 'restore', id, ...wholeVersion(live) })
}

function restore(draft: Draft, id: string, fact: CheckpointFact, state: CheckpointState): void {
  const { evicted } = state
  const source = fact.versions.findLast(({ gone }) => !gone)
  if (source === undefined || evicted === undefined || !draft.hasRoom()) return
  for (const { number, action } of draft.effects) {
    if (action.kind === 'evict' && action.id === id) draft.withdraw(number)
  }
  // Some worker may still be carrying out the eviction, even one that was ticked off already.
  draft.checkpoints.set(id, withdrawn(state, evicted, draft.nowSeconds))
  const evictedSeconds = evicted.seconds
  draft.add({
    kind: 'restore',
    id,
    ...wholeVersion(source),
    ...(evictedSeconds !== undefined && { evictedSeconds }),
  })
}

function wholeVersion(upload: Upload): {
  key: string
  versionId: string
  etag: string
  sizeBytes: number
  marker?: string
} {
  const { key, versionId, etag, sizeBytes } = upload
  return { key, versionId, etag, sizeBytes, ...markerOf(upload) }
}

/** Its marker does not say which files a directory has: what is uploaded next may be taken for some of them. */
function directoryOf(upload: Upload): { marker?: string; fingerprint?: string } {
  const { fingerprint, directory } = upload
  if (directory === undefined) return {}
  return { ...markerOf(upload), ...(fingerprint !== undefined && { fingerprint }) }
}

function markerOf({ directory }: Upload): { marker?: string } {
  return directory?.marker === undefined ? {} : { marker: directory.marker }
}
