/**
 * The plan: what should be, against what is, gives effects.
 *
 * Every effect names the exact version that it was decided for. A decision that was taken with less
 * knowledge is withdrawn, and undone if it was carried out. Nothing is evicted before what is made from
 * it is committed, and no best copy is retired before its successor is.
 */
import { createHash } from 'node:crypto'
import type { Best } from './best.ts'
import { BEST_DROPPED_KEYS, fold, type Outcome, type Publication } from './fold.ts'
import { bytesOf, type CheckpointFact, idOf, type Upload } from './history.ts'
import {
  type Action,
  type Artifact,
  type ArtifactIdentity,
  type CheckpointState,
  type Effect,
  identityText,
  keepsKey,
  type Ledger,
  sameIdentity,
  UNTOUCHED,
} from './ledger.ts'
import { bestName, keyIn, nameOf, stemOf, yieldedName } from './names.ts'
import type { Fate } from './retention.ts'

/** What a decision depends on besides the ledger. */
export interface Circumstances {
  /** The bucket, as `last_checkpoint` and the message hub name it. */
  bucket: string
  /** How many evictions a change of the options may cause at once. */
  brake: number
  /** The time, in seconds since 1970: effects carry when they were decided. */
  nowSeconds: number
}

/** What was decided: the ledger with the decisions in it, and the outcome that they follow from. */
export interface Decision {
  ledger: Ledger
  outcome: Outcome
  /** The last checkpoint as the hub answers it: it exists and is whole. */
  last: CheckpointFact | undefined
  /** True where more is to be decided than one transaction may hold. */
  more: boolean
}

/** A transaction of DynamoDB holds 100 entries; an effect takes two of them at most. */
export const EFFECTS_AT_ONCE = 25

/**
 * Decides what to do about a ledger.
 *
 * Deciding again on the ledger that a decision returned, with nothing new recorded, decides nothing
 * more once `more` is false.
 */
export function decide(ledger: Ledger, circumstances: Circumstances): Decision {
  const outcome = fold(ledger.run, ledger.history, circumstances.brake)
  const draft = new Draft(ledger, circumstances.nowSeconds)
  const last = lastOf(outcome, ledger)
  planLastCheckpoint(draft, circumstances.bucket, last)
  planBestCopies(draft, outcome)
  planPublications(draft, outcome)
  forgetRefusals(draft, outcome)
  planCheckpoints(draft, outcome)
  draft.answers = answersOf(draft, outcome)
  return { ledger: draft.ledger(), outcome, last, more: draft.more }
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
  const text = `s3://${bucket}/${last.key}`
  if (draft.lastCheckpoint === text || !draft.hasRoom()) return
  for (const { number, action } of draft.effects) {
    if (action.kind === 'write last_checkpoint') draft.withdraw(number)
  }
  draft.lastCheckpoint = text
  draft.add({ kind: 'write last_checkpoint', text })
}

/**
 * What earlier options tracked keeps its best copy, as the hook leaves that file alone. A copy that is
 * no metric's best goes once those that are its metric's are committed.
 */
function planBestCopies(draft: Draft, outcome: Outcome): void {
  const wanted = wantedBests(outcome)
  const missing = wanted.filter((identity) => artifactOf(draft, identity)?.state !== 'current')
  for (const identity of missing) {
    if (artifactOf(draft, identity) === undefined) make(draft, identity)
  }
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'current' || artifact.identity.kind !== 'best') continue
    const isWanted = wanted.some((each) => isFileOf(artifact, each))
    const isAwaited = missing.some(({ metric }) => metric === artifact.identity.metric)
    if (!isWanted && !isAwaited) draft.retire(key, artifact)
  }
}

/**
 * One copy a name: where the names of two bests are the same, such as those of the metrics `a/b` and
 * `a_b`, or of one metric under two rules, the one that is tracked now comes first.
 */
function wantedBests({ best, everBest }: Outcome): ArtifactIdentity[] {
  const byName = new Map<string, ArtifactIdentity>()
  for (const identity of [...best, ...everBest].map(bestIdentity)) {
    if (!byName.has(identity.name)) byName.set(identity.name, identity)
  }
  return [...byName.values()]
}

/** The best copy that a best asks for. */
export function bestIdentity({ metric, checkpoint }: Best): ArtifactIdentity {
  return {
    kind: 'best',
    metric,
    name: bestName(metric, nameOf(checkpoint.key)),
    source: sourceOf(checkpoint),
    publishedKeys: undefined,
    droppedKeys: BEST_DROPPED_KEYS,
  }
}

/** A metric keeps its answer while the copy of its new best is being made. */
function answersOf(draft: Draft, outcome: Outcome): Ledger['answers'] {
  return new Map(
    outcome.best.flatMap((best): [string, { score: number; key: string }][] => {
      const wanted = bestIdentity(best)
      for (const [key, artifact] of draft.artifacts) {
        if (artifact.state !== 'current' || !isFileOf(artifact, wanted)) continue
        return [[best.metric, { score: best.score, key }]]
      }
      const before = draft.answers.get(best.metric)
      const stands = before !== undefined && draft.artifacts.get(before.key)?.state === 'current'
      return stands ? [[best.metric, before]] : []
    }),
  )
}

function planPublications(draft: Draft, outcome: Outcome): void {
  const wanted = outcome.endings.flatMap(({ publications }) => publications.map(publishedIdentity))
  const missing = wanted.filter((identity) => !isSettled(draft, identity))
  for (const identity of missing) make(draft, identity)
  if (missing.length > 0) return
  // Withdrawn once all successors are committed: what an end published before an older fact was found.
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'current' || artifact.identity.kind !== 'published') continue
    if (!wanted.some((identity) => isFileOf(artifact, identity))) draft.retire(key, artifact)
  }
}

/** A refusal counts while what was refused is wanted, so that the hub is the same on every way. */
function forgetRefusals(draft: Draft, outcome: Outcome): void {
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'refused' || isStillWanted({ outcome }, artifact.identity)) continue
    draft.artifacts.delete(key)
  }
}

/** The published file that an end asks for. */
export function publishedIdentity(publication: Publication): ArtifactIdentity {
  const { of, source, name, publishedKeys, droppedKeys } = publication
  return {
    kind: 'published',
    metric: 'metric' in of ? of.metric : undefined,
    name,
    source: sourceOf(source),
    publishedKeys,
    droppedKeys,
  }
}

function sourceOf({ key, step, first }: CheckpointFact): ArtifactIdentity['source'] {
  return { key, step, versionId: first.versionId, bytes: bytesOf(first) }
}

/** True where the artifact is committed, was refused for good, or was removed by a person. */
function isSettled(draft: Draft, wanted: ArtifactIdentity): boolean {
  return artifactOf(draft, wanted) !== undefined
}

function artifactOf(
  draft: Draft,
  wanted: ArtifactIdentity,
): Exclude<Artifact, { state: 'foreign' }> | undefined {
  for (const artifact of draft.artifacts.values()) {
    if (artifact.state === 'foreign' || artifact.state === 'superseded') continue
    if (isFileOf(artifact, wanted)) return artifact
  }
  return undefined
}

/**
 * Whether an artifact is what is wanted: asked for in the same words, or the same file all the same,
 * since the two differ in keys that its source does not have.
 */
function isFileOf(
  artifact: Exclude<Artifact, { state: 'foreign' }>,
  wanted: ArtifactIdentity,
): boolean {
  const { identity } = artifact
  if (sameIdentity(identity, wanted)) return true
  if (!('object' in artifact)) return false
  const { keptKeys, removedKeys } = artifact.object
  return (
    identity.kind === wanted.kind &&
    identity.name === wanted.name &&
    identity.source.bytes === wanted.source.bytes &&
    keptKeys.every((key) => keepsKey(wanted, key)) &&
    !removedKeys.some((key) => keepsKey(wanted, key))
  )
}

function make(draft: Draft, identity: ArtifactIdentity): void {
  const key = targetKey(draft, identity)
  const isUnderWay = draft.effects.some(
    ({ action }) =>
      action.kind === 'make' && action.key === key && sameIdentity(action.identity, identity),
  )
  // One that is no longer wanted is not withdrawn: it may be written already, and is then retired.
  if (isUnderWay) return
  if (!draft.hasRoom()) return
  draft.add({ kind: 'make', key, identity, replaces: replacedBy(draft, key, identity) })
}

/** The ETag of our own object under the name; a published name is only known with its hash. */
function replacedBy(draft: Draft, key: string, { kind }: ArtifactIdentity): string | undefined {
  if (kind === 'published') return undefined
  const before = draft.artifacts.get(key)
  return before?.state === 'current' ? before.object.etag : undefined
}

/** The key that an artifact is to have. A published one's is only known with its hash. */
function targetKey(draft: Draft, identity: ArtifactIdentity): string {
  const key = keyIn(draft.run, identity.name)
  const isForeign = draft.artifacts.get(key)?.state === 'foreign'
  return isForeign && identity.kind === 'best' ? keyIn(draft.run, yieldedName(identity.name)) : key
}

/** The entry under which the refusal to publish a file is kept, which has no hash to be named by. */
export function refusedKey(ledger: Ledger, identity: ArtifactIdentity): string {
  const digest = createHash('sha256').update(identityText(identity)).digest('hex')
  return keyIn(ledger.run, `${stemOf(identity.name)}-refused-${digest.slice(0, 8)}.pth`)
}

function planCheckpoints(draft: Draft, outcome: Outcome): void {
  for (const [id, { fact }] of outcome.standings) {
    const fate = outcome.fates.get(id)
    const state = draft.checkpoints.get(id) ?? UNTOUCHED
    if (fate?.kind === 'evicted') {
      if (!isNeeded(draft, outcome, fact)) evict(draft, id, fact, state)
    } else if (isEvicted(state, fact) && isWanted(fate)) restore(draft, id, fact, state)
  }
}

function isWanted(fate: Fate | undefined): boolean {
  return fate?.kind === 'held' || (fate?.kind === 'kept' && fate.restorable)
}

/** Whether what a job is to make is still what should be. */
export function isStillWanted(
  { outcome }: Pick<Decision, 'outcome'>,
  wanted: ArtifactIdentity,
): boolean {
  return [
    ...outcome.everBest.map(bestIdentity),
    ...outcome.endings.flatMap(({ publications }) => publications.map(publishedIdentity)),
  ].some((identity) => sameIdentity(identity, wanted))
}

/** A source stays until what is made from it is committed; that of a refused best copy for good. */
function isNeeded(draft: Draft, outcome: Outcome, fact: CheckpointFact): boolean {
  const isSource = ({ source }: ArtifactIdentity) => source.bytes === bytesOf(fact.first)
  const making = draft.effects.some(
    ({ action }) => action.kind === 'make' && isSource(action.identity),
  )
  const best = outcome.everBest.map(bestIdentity).filter(isSource)
  return making || best.some((identity) => artifactOf(draft, identity)?.state === 'refused')
}

function evict(draft: Draft, id: string, fact: CheckpointFact, state: CheckpointState): void {
  const isDecided = state.evicted?.versionId === fact.live.versionId || fact.live.gone
  if (isDecided || !draft.hasRoom()) return
  for (const { number, action } of draft.effects) {
    if ('id' in action && action.id === id) draft.withdraw(number)
  }
  const { key, versionId, etag } = fact.live
  draft.checkpoints.set(id, { ...state, evicted: { versionId, etag } })
  draft.add({ kind: 'evict', id, key, versionId, etag })
}

function restore(draft: Draft, id: string, fact: CheckpointFact, state: CheckpointState): void {
  const source = fact.versions.findLast(({ gone }) => !gone)
  if (source === undefined || !draft.hasRoom()) return
  for (const { number, action } of draft.effects) {
    if (action.kind === 'evict' && action.id === id) draft.withdraw(number)
  }
  // Some worker may still be carrying out the eviction, even one that was ticked off already.
  const suspected = state.evicted === undefined ? [] : [state.evicted.versionId]
  const withdrawn = [...new Set([...state.withdrawn, ...suspected])]
  draft.checkpoints.set(id, { evicted: undefined, withdrawn })
  draft.add({ kind: 'restore', id, ...wholeVersion(source) })
}

function wholeVersion({ key, versionId, etag, sizeBytes }: Upload): {
  key: string
  versionId: string
  etag: string
  sizeBytes: number
} {
  return { key, versionId, etag, sizeBytes }
}

/** Whether the eviction that stands was decided for these bytes. */
function isEvicted({ evicted }: CheckpointState, fact: CheckpointFact): boolean {
  return fact.versions.some(({ versionId }) => versionId === evicted?.versionId)
}

/** The decisions so far, over a ledger that stays as it is. */
class Draft {
  readonly run: Ledger['run']
  readonly checkpoints: Ledger['checkpoints']
  readonly artifacts: Ledger['artifacts']
  effects: Effect[]
  lastCheckpoint: string | undefined
  answers: Ledger['answers']
  readonly #base: Ledger
  readonly #nowSeconds: number
  #added = 0
  more = false

  constructor(ledger: Ledger, nowSeconds: number) {
    this.#base = ledger
    this.#nowSeconds = nowSeconds
    this.run = ledger.run
    this.checkpoints = new Map(ledger.checkpoints)
    this.artifacts = new Map(ledger.artifacts)
    this.effects = ledger.effects
    this.lastCheckpoint = ledger.lastCheckpoint
    this.answers = ledger.answers
  }

  add(action: Action): void {
    const number = this.#base.nextEffect + this.#added
    this.#added += 1
    this.effects = [
      ...this.effects,
      { number, action, sinceSeconds: this.#nowSeconds, sentSeconds: undefined },
    ]
  }

  withdraw(number: number): void {
    this.effects = this.effects.filter((effect) => effect.number !== number)
  }

  retire(key: string, artifact: Extract<Artifact, { object: unknown }>): void {
    if (!this.hasRoom()) return
    const { versionId, etag } = artifact.object
    this.artifacts.set(key, { ...artifact, state: 'superseded' })
    this.add({ kind: 'retire', key, versionId, etag })
  }

  /** Asked before each decision; what finds no room is decided in the next transaction. */
  hasRoom(): boolean {
    if (this.#added < EFFECTS_AT_ONCE) return true
    this.more = true
    return false
  }

  ledger(): Ledger {
    return {
      ...this.#base,
      checkpoints: this.checkpoints,
      artifacts: this.artifacts,
      effects: this.effects,
      nextEffect: this.#base.nextEffect + this.#added,
      lastCheckpoint: this.lastCheckpoint,
      answers: this.answers,
    }
  }
}
