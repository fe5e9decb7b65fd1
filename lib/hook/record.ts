/**
 * Recording: what was seen in the bucket, or came of an effect, becomes part of the ledger.
 *
 * Decides nothing about what should be. Recording the same observation twice changes nothing.
 */
import {
  type BeginFact,
  type ConsentFact,
  type ControlFact,
  type ControlKind,
  compareMetrics,
  compareMoments,
  compareTexts,
  type EndFact,
  type MetricFact,
  momentOf,
  type OptionsFact,
  type PinFact,
  type Removal,
  type StepFacts,
  stepId,
  type Upload,
} from './history.ts'
import {
  type Action,
  type Artifact,
  type CheckpointState,
  type Ledger,
  UNTOUCHED,
  withArtifact,
  withCheckpoint,
  withHistory,
  withStep,
} from './ledger.ts'
import { isDirectory, type Series } from './names.ts'
import type { SourceFault } from './problems.ts'
import { overruled, withoutOverlaidLosses } from './record-directory.ts'
import { type Result, recordResult } from './record-result.ts'

/** Something that was seen. */
export type Observation =
  | {
      kind: 'checkpoint'
      series: Series
      step: number
      key: string
      /** Versions that the ledger does not have yet; of a directory also those that may have changed. */
      uploads: Upload[]
      /** Version ids of all uploads that the bucket lists, from the oldest. */
      listed: string[]
      /** Where the current version is a delete marker: its time, and the version right below. */
      marker: { seconds: number; above: string | undefined } | undefined
      /** Of a directory that is evicted: files are there again that the hub restored, and no effect is under way. */
      undone?: true
    }
  | { kind: 'options'; facts: OptionsFact[] }
  | { kind: 'begin'; facts: BeginFact[] }
  | { kind: 'end'; facts: EndFact[] }
  | { kind: 'pin'; facts: PinFact[] }
  | { kind: 'consent'; facts: ConsentFact[] }
  | { kind: 'metrics'; series: Series; step: number; facts: MetricFact[] }
  | { kind: 'source'; key: string; versionIds: string[]; faults: SourceFault[] }
  | { kind: 'last_checkpoint'; text: string | undefined }
  | {
      kind: 'artifact'
      key: string
      found: 'foreign' | 'nothing'
      seconds: number
    }
  /** An artifact that a person removed is there again, as this version. */
  | { kind: 'artifact'; key: string; found: 'back'; versionId: string }
  /** In the place of an artifact lies another file that the hub wrote, or the same one written again. */
  | {
      kind: 'artifact'
      key: string
      found: 'own'
      versionId: string
      etag: string
      sha256: string
    }
  /** Handed to the Jobs queue; without a time it is to be handed over again. */
  | { kind: 'sent'; effect: number; seconds: number | undefined }
  | { kind: 'result'; effect: number; action: Action; result: Result }

/** Versions of one metric file whose reading is remembered; older ones count as read. */
const VERSIONS_REMEMBERED = 500
const FAULTS_REMEMBERED = 20
/**
 * No function runs for longer than 15 minutes. The commit that ends an effect may be that much younger than its
 * decision, and another function may have read the effect just before; the rest is for clocks that differ.
 */
const LATE_DELETE_SECONDS = 3600

/** The ledger with an observation in it. The ledger that was given stays as it is. */
export function record(ledger: Ledger, seen: Observation): Ledger {
  switch (seen.kind) {
    case 'checkpoint':
      return recordCheckpoint(ledger, seen)
    case 'options':
      return recordOptions(ledger, seen.facts)
    case 'begin':
      return withHistory(ledger, { begins: merged('begin', ledger.history.begins, seen.facts) })
    case 'end':
      return withHistory(ledger, { ends: merged('end', ledger.history.ends, seen.facts) })
    case 'pin':
      return withHistory(ledger, { pins: merged('pin', ledger.history.pins, seen.facts) })
    case 'consent': {
      const consents = merged('consent', ledger.history.consents, seen.facts)
      return withHistory(ledger, { consents })
    }
    case 'metrics':
      return recordMetrics(ledger, seen.series, seen.step, seen.facts)
    case 'source':
      return recordSource(ledger, seen.key, seen.versionIds, seen.faults)
    case 'last_checkpoint':
      return { ...ledger, lastCheckpoint: seen.text }
    case 'artifact':
      return recordArtifact(ledger, seen)
    case 'sent':
      return {
        ...ledger,
        effects: ledger.effects.map((effect) =>
          effect.number === seen.effect ? { ...effect, sentSeconds: seen.seconds } : effect,
        ),
      }
    case 'result':
      return recordResult(ledger, seen.effect, seen.action, seen.result)
  }
}

/** A new version asks once more for a folder that was refused: somebody may have made room. */
function recordOptions(ledger: Ledger, seen: OptionsFact[]): Ledger {
  const options = merged('options', ledger.history.options, seen)
  if (options.length === ledger.history.options.length) return ledger
  const granted = [...ledger.claims].filter(([, { state }]) => state === 'granted')
  return { ...withHistory(ledger, { options }), claims: new Map(granted) }
}

function merged<Fact extends ControlFact>(kind: ControlKind, known: Fact[], seen: Fact[]): Fact[] {
  const fresh = seen.filter(
    (fact) => !known.some(({ key, versionId }) => key === fact.key && versionId === fact.versionId),
  )
  return [...known, ...fresh].toSorted((a, b) =>
    compareMoments(momentOf(kind, a), momentOf(kind, b)),
  )
}

/** The facts of a step, empty where there are none yet. */
function stepFacts(ledger: Ledger, series: Series, step: number): StepFacts {
  const known = ledger.history.steps.get(stepId(series, step))
  return known ?? { series, step, uploads: [], metrics: [], removal: undefined }
}

type SeenCheckpoint = Extract<Observation, { kind: 'checkpoint' }>

function recordCheckpoint(ledger: Ledger, seen: SeenCheckpoint): Ledger {
  const known = stepFacts(ledger, seen.series, seen.step)
  const uploads = withUploads(known.uploads, seen)
  const facts = withoutOverlaidLosses({ ...known, uploads })
  if (uploads.length === 0) return known.uploads.length === 0 ? ledger : withNothing(ledger, facts)
  const id = stepId(seen.series, seen.step)
  const state = ledger.checkpoints.get(id) ?? UNTOUCHED
  if (seen.marker === undefined && seen.listed.length > 0) {
    const removal = facts.removal?.key === seen.key ? undefined : facts.removal
    return withStep(ledger, { ...facts, removal })
  }
  // Where what a marker hid has expired, that was the newest upload of the key.
  const hidden = seen.marker?.above
  const above = uploads.findLast(({ key, versionId }) =>
    hidden === undefined ? key === seen.key : versionId === hidden,
  )
  const own = above && ownEviction(state, facts, above, seen.marker?.seconds)
  if (own !== undefined && above !== undefined) {
    const withdrawn = state.withdrawn.filter(({ versionId }) => versionId !== own.versionId)
    const standing = state.evicted?.versionId === own.versionId ? state.evicted : undefined
    // A slow worker deleted a directory's marker alone, or that of the next save: its files are there.
    const isMarkerAlone = standing === undefined || above.versionId !== own.versionId
    const undone = seen.undone || standing?.undone || (isDirectory(seen.key) && isMarkerAlone)
    const evicted = {
      versionId: above.versionId,
      etag: own.etag,
      seconds: standing ? standing.seconds : seen.marker?.seconds,
      ...(undone && { undone }),
    }
    return withCheckpoint(withStep(ledger, facts), id, { ...state, evicted, withdrawn })
  }
  const isComingBack = ledger.effects.some(
    ({ action }) => action.kind === 'restore' && action.id === id && action.over === undefined,
  )
  if (isComingBack) return withStep(ledger, facts)
  const before = facts.removal?.key === seen.key ? earlierRemoval(facts.removal, above) : undefined
  const seconds = before ?? seen.marker?.seconds ?? uploads.at(-1)?.seconds ?? 0
  return withStep(ledger, { ...facts, removal: { key: seen.key, seconds } })
}

/** A removal keeps its first time, unless there was an upload since, which was removed in its turn. */
function earlierRemoval({ seconds }: Removal, above: Upload | undefined): number | undefined {
  return above !== undefined && above.seconds > seconds ? undefined : seconds
}

/** The uploads of a step with what was seen of one key, which a directory's take the place of. */
function withUploads(before: Upload[], seen: SeenCheckpoint): Upload[] {
  const { known, uploads } = isDirectory(seen.key)
    ? overruled(before, seen)
    : { known: before, uploads: seen.uploads }
  const fresh = uploads.filter(
    ({ versionId }) => !known.some((upload) => upload.versionId === versionId),
  )
  const place = (upload: Upload): number => seen.listed.indexOf(upload.versionId)
  const ofKey = [...known.filter(({ key }) => key === seen.key), ...fresh]
  const others = known.filter(({ key }) => key !== seen.key)
  return [...others, ...ofKey.toSorted((a, b) => place(a) - place(b))].toSorted((a, b) =>
    compareTexts(a.key, b.key),
  )
}

/** Nothing is left of the files that had no marker: as if nobody had looked. */
function withNothing(ledger: Ledger, facts: StepFacts): Ledger {
  if (facts.metrics.length > 0) return withStep(ledger, facts)
  const steps = new Map(ledger.history.steps)
  steps.delete(stepId(facts.series, facts.step))
  return withHistory(ledger, { steps })
}

/**
 * The eviction of ours that explains a delete marker above an upload: a delete that is conditional on an
 * ETag hits whatever has that ETag, also if its effect was withdrawn meanwhile. It explains one marker; what a person
 * removes long after that is removed.
 */
function ownEviction(
  state: CheckpointState,
  facts: StepFacts,
  above: Upload,
  markerSeconds: number | undefined,
): Upload | undefined {
  const late = state.withdrawn.filter(
    ({ seconds }) => markerSeconds === undefined || markerSeconds - seconds < LATE_DELETE_SECONDS,
  )
  const decided = [state.evicted?.versionId, ...late.map(({ versionId }) => versionId)]
  const ofKey = facts.uploads.filter(
    ({ key, versionId }) => key === above.key && decided.includes(versionId),
  )
  return (
    ofKey.find(({ versionId }) => versionId === above.versionId) ??
    ofKey.find(({ etag }) => etag === above.etag)
  )
}

function recordMetrics(ledger: Ledger, series: Series, step: number, seen: MetricFact[]): Ledger {
  const known = stepFacts(ledger, series, step)
  const metrics = [...known.metrics]
  for (const fact of seen) {
    const ofSource = metrics.filter(({ key, metric }) => key === fact.key && metric === fact.metric)
    // A value equal to the one recorded from this file is no new fact, whatever version says it again.
    if (Object.is(ofSource.at(-1)?.value, fact.value)) continue
    metrics.push({ ...fact, ordinal: ofSource.length })
  }
  if (metrics.length === known.metrics.length) return ledger
  return withStep(ledger, { ...known, metrics: metrics.toSorted(compareMetrics) })
}

function recordSource(
  ledger: Ledger,
  key: string,
  versionIds: string[],
  faults: SourceFault[],
): Ledger {
  const known = ledger.sources.get(key) ?? { key, versionIds: [], faults: [] }
  const fresh = versionIds.filter((versionId) => !known.versionIds.includes(versionId))
  if (fresh.length === 0) return ledger
  const reading = {
    key,
    versionIds: [...known.versionIds, ...fresh].slice(-VERSIONS_REMEMBERED),
    faults: [...known.faults, ...faults].slice(-FAULTS_REMEMBERED),
  }
  return { ...ledger, sources: new Map(ledger.sources).set(key, reading) }
}

function recordArtifact(ledger: Ledger, seen: Extract<Observation, { kind: 'artifact' }>): Ledger {
  const artifact = ledger.artifacts.get(seen.key)
  if (artifact === undefined || !('object' in artifact)) return ledger
  if (seen.found === 'foreign') {
    return withArtifact(ledger, seen.key, { state: 'foreign', seconds: seen.seconds })
  }
  if (seen.found === 'back') {
    if (artifact.state !== 'removed') return ledger
    const object = { ...artifact.object, versionId: seen.versionId }
    return withArtifact(ledger, seen.key, { state: 'current', identity: artifact.identity, object })
  }
  if (artifact.state !== 'current') return ledger
  if (seen.found === 'own') return recordOverwritten(ledger, artifact, seen)
  if (isLateDelete(ledger, artifact.object.etag, seen.seconds)) {
    return withArtifact(ledger, seen.key, { ...artifact, state: 'superseded' })
  }
  const removedSeconds = seen.seconds
  return withArtifact(ledger, seen.key, { ...artifact, state: 'removed', removedSeconds })
}

/**
 * A slow worker may write what it was asked for over what has taken its place since. Where a job is under way its answer
 * tells what it wrote. Otherwise that is no artifact that counts: what is wanted is made again over it.
 */
function recordOverwritten(
  ledger: Ledger,
  artifact: Extract<Artifact, { object: unknown }>,
  { key, versionId, etag, sha256 }: Extract<Observation, { found: 'own' }>,
): Ledger {
  const isUnderWay = ledger.effects.some(
    ({ action }) => action.kind === 'make' && action.key === key,
  )
  if (isUnderWay || artifact.object.versionId === versionId) return ledger
  const state = artifact.object.sha256 === sha256 ? 'current' : 'superseded'
  const object = { ...artifact.object, versionId, etag }
  return withArtifact(ledger, key, { ...artifact, state, object })
}

/**
 * Whether a delete marker may be a slow worker's, whose effect has ended. There may be several: each crash and each
 * message that is handed out twice makes one more.
 */
function isLateDelete({ retired }: Ledger, etag: string, markerSeconds: number): boolean {
  return retired.some(
    ({ etag: of, seconds = markerSeconds }) =>
      of === etag && Math.abs(markerSeconds - seconds) < LATE_DELETE_SECONDS,
  )
}
