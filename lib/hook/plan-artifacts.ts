/**
 * The plan of the artifacts: which best copies and published files are to be made, and which go.
 *
 * No best copy is retired before its successor is committed, and nothing that an end of training
 * published is withdrawn before all its successors are.
 */
import { createHash } from 'node:crypto'
import type { Best } from './best.ts'
import type { Draft } from './draft.ts'
import type { Publication } from './endings.ts'
import type { Outcome } from './fold.ts'
import { bytesOf, type CheckpointFact, idOf } from './history.ts'
import {
  type Artifact,
  type ArtifactIdentity,
  fileText,
  identityText,
  keepsKey,
  type Ledger,
  sameIdentity,
} from './ledger.ts'
import { bestName, type Folder, isDirectory, keyIn, nameOf, stemOf, yieldedName } from './names.ts'
import type { Destination } from './out-dir.ts'
import { stays } from './retention.ts'
import { BEST_DROPPED_KEYS } from './stripping.ts'

/** A directory's files are of many formats; dropping keys is defined for torch's own only. */
const NO_FEWER_KEYS =
  'a directory checkpoint cannot be rewritten with fewer keys; it stays as it is'

/** Plans all artifacts: best copies, published files, and what became of refusals. */
export function planArtifacts(draft: Draft, outcome: Outcome): void {
  forgetOvertaken(draft)
  refuseUnmakeable(draft, outcome)
  planBestCopies(draft, outcome)
  planPublications(draft, outcome)
  retireLeftOvers(draft, outcome)
  forgetRefusals(draft, outcome)
  nameInOneWay(draft, outcome)
}

/**
 * Of two ends that ask for one file in different words, the first one's words stand, whichever had it made.
 */
function nameInOneWay(draft: Draft, outcome: Outcome): void {
  const wanted = wantedFiles(draft, outcome)
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'current' && artifact.state !== 'removed') continue
    const identity = wanted.find((each) => isFileOf(artifact, each))
    if (identity !== undefined) draft.artifacts.set(key, { ...artifact, identity })
  }
}

/**
 * What earlier options tracked keeps its best copy, as the hook leaves that file alone. A copy that is
 * no metric's best goes once those that are its metric's are committed.
 */
function planBestCopies(draft: Draft, outcome: Outcome): void {
  const wanted = wantedBests(draft, outcome)
  const missing = wanted.filter((identity) => artifactOf(draft, identity)?.state !== 'current')
  for (const identity of missing) {
    if (artifactOf(draft, identity) === undefined) make(draft, identity)
  }
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'current' || artifact.identity.kind !== 'best') continue
    const isWanted = wanted.some((each) => isFileOf(artifact, each))
    // A directory has no copy to wait for: it is the best itself.
    const isAwaited = missing.some(
      ({ metric, source }) => metric === artifact.identity.metric && !isDirectory(source.key),
    )
    if (!isWanted && !isAwaited) draft.retire(key, artifact)
  }
}

/** Refuses what cannot be made, or not there, whatever its source holds. */
function refuseUnmakeable(draft: Draft, outcome: Outcome): void {
  const wanted = [...wantedBests(draft, outcome), ...wantedPublications(draft, outcome)]
  for (const identity of wanted) {
    const reason = whyUnmakeable(draft, identity)
    if (reason === undefined || artifactOf(draft, identity) !== undefined) continue
    draft.refuse(refusedKey(identity), identity, reason)
  }
}

/** A directory is neither copied as a best nor published: both leave keys out. */
function whyUnmakeable(draft: Draft, { source, folder }: ArtifactIdentity): string | undefined {
  if (isDirectory(source.key)) return NO_FEWER_KEYS
  if (draft.claimedBy === undefined || folder !== draft.run) return undefined
  return `the out_dir of the run ${JSON.stringify(draft.claimedBy)} leads here, so that files of this name may be its own; upload into another prefix`
}

/**
 * One copy a name: where the names of two bests are the same, such as those of the metrics `a/b` and
 * `a_b`, or of one metric under two rules, the one that is tracked now comes first.
 */
function wantedBests(draft: Draft, outcome: Outcome): ArtifactIdentity[] {
  const byName = new Map<string, ArtifactIdentity>()
  const folder = bestFolder(draft, outcome)
  for (const best of [...outcome.best, ...outcome.everBest]) {
    const identity = bestIdentity(best, folder)
    if (!byName.has(identity.name)) byName.set(identity.name, identity)
  }
  return [...byName.values()]
}

/** All best copies lie together, where the options in force have them. */
function bestFolder(draft: Draft, { options }: Outcome): Folder {
  return draft.destinationOf(options.outDir).folder
}

function wantedFiles(draft: Draft, outcome: Outcome): ArtifactIdentity[] {
  const folder = bestFolder(draft, outcome)
  const bests = outcome.everBest.map((best) => bestIdentity(best, folder))
  return [...bests, ...wantedPublications(draft, outcome)]
}

/**
 * The best copy that a best asks for.
 *
 * @param folder where all best copies are to lie, by the options in force
 */
export function bestIdentity({ metric, checkpoint }: Best, folder: Folder): ArtifactIdentity {
  return {
    kind: 'best',
    folder,
    metric,
    name: bestName(metric, nameOf(checkpoint.key)),
    source: sourceOf(checkpoint),
    publishedKeys: undefined,
    droppedKeys: BEST_DROPPED_KEYS,
  }
}

/**
 * A metric keeps its answer while the copy of its new best is being made. A best that is a directory has
 * none, and is the answer itself while it stands.
 */
export function answersOf(draft: Draft, outcome: Outcome): Ledger['answers'] {
  const folder = bestFolder(draft, outcome)
  return new Map(
    outcome.best.flatMap((best): [string, { score: number; key: string }][] => {
      const { key, first } = best.checkpoint
      if (isDirectory(key)) {
        const standing = outcome.standings.get(idOf(best.checkpoint))
        const isThere = stays(outcome.fates.get(idOf(best.checkpoint)))
        const isBest = standing?.fact.first === first && isThere
        return isBest ? [[best.metric, { score: best.score, key }]] : []
      }
      const wanted = bestIdentity(best, folder)
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
  const wanted = wantedPublications(draft, outcome)
  const missing = wanted.filter((identity) => !isSettled(draft, identity))
  for (const identity of missing) make(draft, identity)
  if (missing.length > 0) return
  // Withdrawn once all successors are committed: what an end published before an older fact was found.
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'current' || artifact.identity.kind !== 'published') continue
    if (!wanted.some((identity) => isFileOf(artifact, identity))) draft.retire(key, artifact)
  }
}

function wantedPublications(draft: Draft, { endings }: Outcome): ArtifactIdentity[] {
  return endings.flatMap(({ publications }) =>
    publications.map((each) => publishedIdentity(each, draft.destinationOf(each.outDir).folder)),
  )
}

/**
 * What a slow worker retired after its effect was withdrawn, and which is not wanted after all: no effect
 * would ever tick it off. Where it is wanted, it is made again. A best copy that was made again may be there already:
 * it waits for its successor as any other does.
 */
function retireLeftOvers(draft: Draft, outcome: Outcome): void {
  const wanted = wantedFiles(draft, outcome)
  const metricsBeingMade = new Set(
    draft.effects.flatMap(({ action }) => {
      if (action.kind !== 'make' || action.identity.kind !== 'best') return []
      const isWanted = wanted.some((identity) => sameIdentity(action.identity, identity))
      return isWanted ? [action.identity.metric] : []
    }),
  )
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'superseded') continue
    const { identity } = artifact
    if (identity.kind === 'best' && metricsBeingMade.has(identity.metric)) continue
    const isUnderWay = draft.effects.some(
      ({ action }) => action.kind === 'retire' && action.key === key,
    )
    if (isUnderWay || wanted.some((each) => isFileOf(artifact, each))) continue
    draft.retire(key, artifact)
  }
}

/** A refusal counts while what was refused is wanted, so that the hub is the same on every way. */
function forgetRefusals(draft: Draft, outcome: Outcome): void {
  const wanted = new Set(wantedFiles(draft, outcome).map(identityText))
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state !== 'refused' || wanted.has(identityText(artifact.identity))) continue
    draft.artifacts.delete(key)
  }
}

/** What was refused for a global that nobody had allowed is tried again under another setting. */
function forgetOvertaken(draft: Draft): void {
  for (const [key, artifact] of draft.artifacts) {
    if (artifact.state === 'refused' && draft.isOvertaken(artifact)) draft.artifacts.delete(key)
  }
}

/** The published file that an end asks for. */
function publishedIdentity(publication: Publication, folder: Folder): ArtifactIdentity {
  const { of, source, name, publishedKeys, droppedKeys, format } = publication
  return {
    kind: 'published',
    folder,
    metric: 'metric' in of ? of.metric : undefined,
    name,
    source: sourceOf(source),
    publishedKeys,
    droppedKeys,
    ...(format === 'safetensors' && { format }),
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
    identity.folder === wanted.folder &&
    identity.name === wanted.name &&
    identity.format === wanted.format &&
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
  if (isUnderWay || isUnclaimed(draft, identity)) return
  if (!draft.hasRoom()) return
  draft.add({ kind: 'make', key, identity, replaces: replacedBy(draft, key, identity) })
}

/** Nothing is written into a folder before it is known to be this run's. */
function isUnclaimed({ run, claims }: Draft, { folder }: ArtifactIdentity): boolean {
  return folder !== run && claims.get(folder)?.state !== 'granted'
}

/** The ETag of our own object under the name; a published name is only known with its hash. */
function replacedBy(draft: Draft, key: string, { kind }: ArtifactIdentity): string | undefined {
  if (kind === 'published') return undefined
  const before = draft.artifacts.get(key)
  return before?.state === 'current' ? before.object.etag : undefined
}

/** The key that an artifact is to have. A published one's is only known with its hash. */
function targetKey(draft: Draft, identity: ArtifactIdentity): string {
  const { folder, name } = identity
  const key = keyIn(folder, name)
  const isForeign = draft.artifacts.get(key)?.state === 'foreign'
  return isForeign && identity.kind === 'best' ? keyIn(folder, yieldedName(name)) : key
}

/**
 * The entry under which a refusal is kept. A published file has no hash yet to be named by; the name of a best copy may
 * be taken by another file, or be free by then, and the entry is to be the same on every way.
 */
export function refusedKey(identity: ArtifactIdentity): string {
  const digest = createHash('sha256').update(fileText(identity)).digest('hex')
  return keyIn(identity.folder, `${stemOf(identity.name)}-refused-${digest.slice(0, 8)}.pth`)
}

/** Whether the best copy that a job is to make is still what should be. */
export function isStillBest(
  { outcome, destination }: { outcome: Outcome; destination: Destination },
  wanted: ArtifactIdentity,
): boolean {
  return outcome.everBest.some((best) =>
    sameIdentity(bestIdentity(best, destination.folder), wanted),
  )
}

/** A source stays until what is made from it is committed; that of a refused best copy for good. */
export function isNeeded(draft: Draft, outcome: Outcome, fact: CheckpointFact): boolean {
  const isSource = ({ source }: ArtifactIdentity) => source.bytes === bytesOf(fact.first)
  const making = draft.effects.some(
    ({ action }) => action.kind === 'make' && isSource(action.identity),
  )
  if (making) return true
  const wanted = wantedFiles(draft, outcome).filter(isSource)
  return wanted.some((identity) => {
    const state = artifactOf(draft, identity)?.state
    if (state === undefined) return isUnclaimed(draft, identity)
    return state === 'refused' && identity.kind === 'best'
  })
}
