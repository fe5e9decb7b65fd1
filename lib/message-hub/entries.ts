/** A decision as the entries of the table. */
import { createHash } from 'node:crypto'
import { expirySeconds } from '../hook/expiry.ts'
import {
  type CheckpointFact,
  droppedFrom,
  type MetricFact,
  type StepFacts,
  type Upload,
} from '../hook/history.ts'
import type { HookOptions } from '../hook/hook-arguments.ts'
import {
  type Artifact,
  type CheckpointState,
  type Effect,
  isEvicted,
  UNTOUCHED,
} from '../hook/ledger.ts'
import { uriOf } from '../hook/names.ts'
import { outDirText } from '../hook/out-dir.ts'
import type { Decision } from '../hook/plan.ts'
import { type Fate, stays } from '../hook/retention.ts'
import { scoreText } from '../hook/score.ts'
import type { Attributes, Entries } from './schema.ts'
import { bestEntries, isoTime, problemsOf, runEntry } from './shown-entries.ts'
import { toldEntries } from './told-entries.ts'

/** DynamoDB's limit for a sort key is 1,024 bytes; a longer object key is named by its hash. */
const MAX_KEY_BYTES = 900

/** What the entries of a run show besides its ledger. */
export interface Setting {
  bucket: string
  /** The version number that this state gets. */
  version: number
  /** For how many days the bucket keeps what was evicted. */
  noncurrentDays: number
}

/** All entries of a run: its facts, what was decided, and what people read. What is undefined is not written. */
export function entriesOf(decision: Decision, setting: Setting): Entries {
  const { ledger, outcome } = decision
  const entries: Entries = new Map()
  entries.set('runtime_info', runtimeInfo(decision, setting))
  entries.set('run', runEntry(decision, setting.bucket))
  for (const [id, facts] of ledger.history.steps) {
    const fact = outcome.standings.get(id)?.fact
    const fate = outcome.fates.get(id)
    const state = ledger.checkpoints.get(id)
    entries.set(`step#${id}`, stepEntry(facts, fate, state, fact, setting.noncurrentDays))
  }
  for (const [entry, attributes] of toldEntries(ledger.history)) entries.set(entry, attributes)
  for (const { key, versionIds, faults } of ledger.sources.values()) {
    entries.set(`read#${keyOrHash(key)}`, { key, version_ids: versionIds, faults })
  }
  for (const [key, artifact] of ledger.artifacts) {
    entries.set(`artifact#${keyOrHash(key)}`, artifactEntry(key, artifact))
  }
  for (const [folder, claim] of ledger.claims) {
    entries.set(`out_dir#${keyOrHash(folder)}`, { folder, ...claim })
  }
  for (const effect of ledger.effects) {
    entries.set(`effect#${String(effect.number).padStart(16, '0')}`, effectEntry(effect))
  }
  for (const [metric, attributes] of bestEntries(decision, setting.bucket)) {
    entries.set(`best#${metric}`, attributes)
  }
  for (const { id, severity, key, field, reason } of problemsOf(decision)) {
    entries.set(`problem#${id}`, { severity, key, field, reason })
  }
  return entries
}

/** The hook's own keys, the options in force, and how far the hub got. Bounded, however long the run. */
function runtimeInfo(decision: Decision, { bucket, version }: Setting): Attributes {
  const { ledger, outcome, last } = decision
  const several = outcome.options.saveBest.length > 1
  const best: Attributes = {}
  for (const [metric, { score, key }] of ledger.answers) {
    const suffix = several ? `_${metric}` : ''
    best[`best_score${suffix}`] = scoreText(score)
    best[`best_ckpt${suffix}`] = uriOf(bucket, key)
  }
  const oldest = oldestOfDeque(decision)
  return {
    version,
    ...best,
    last_ckpt: last && uriOf(bucket, last.key),
    keep_ckpt_ids: outcome.keepCkptIds,
    options: shownOptions(outcome.options, outcome.survey.naming),
    publish_due: outcome.publishDue,
    held: outcome.held && {
      options_version_id: outcome.held.options.versionId,
      evicts: outcome.held.evicts,
    },
    waits_for: outcome.endings.at(-1)?.waitsFor,
    oldest_kept: oldest && { key: oldest.key, version_id: oldest.versionId, etag: oldest.etag },
    stack_arguments: JSON.stringify(ledger.history.stackArguments),
    next_effect: ledger.nextEffect,
    last_checkpoint_text: ledger.lastCheckpoint,
    retired_copies: ledger.retired.length > 0 ? ledger.retired : undefined,
    answers: Object.fromEntries(
      [...ledger.answers].map(([metric, { score, key }]) => [
        metric,
        { score: scoreText(score), key },
      ]),
    ),
  }
}

function oldestOfDeque({ outcome }: Decision): Upload | undefined {
  const oldest = outcome.keepCkptIds?.[0]
  for (const { fact } of outcome.standings.values()) if (fact.step === oldest) return fact.live
  return undefined
}

function shownOptions(
  options: HookOptions,
  naming: { series: string; template: string } | undefined,
): Attributes {
  return {
    interval: options.interval,
    by_epoch: naming && naming.series === 'epoch',
    filename_tmpl: naming?.template,
    save_optimizer: options.saveOptimizer,
    save_param_scheduler: options.saveParamScheduler,
    out_dir: options.outDir && outDirText(options.outDir),
    max_keep_ckpts: options.maxKeepCkpts,
    save_last: options.saveLast,
    save_best: options.saveBest.map(({ metric }) => metric),
    rule: options.saveBest.map(({ rule }) => rule ?? 'inferred'),
    greater_keys: options.greaterKeys,
    less_keys: options.lessKeys,
    published_keys: options.publishedKeys,
    publish_format: options.publishFormat,
    save_begin: options.saveBegin,
    directory_marker: options.directoryMarker,
  }
}

function stepEntry(
  facts: StepFacts,
  fate: Fate | undefined,
  state: CheckpointState | undefined,
  fact: CheckpointFact | undefined,
  noncurrentDays: number,
): Attributes {
  return {
    series: facts.series,
    step: facts.step,
    uploads: facts.uploads.map(uploadOf),
    metrics: facts.metrics.map(metricOf),
    removed: facts.removal,
    evicted_version: state?.evicted && {
      version_id: state.evicted.versionId,
      etag: state.evicted.etag,
      seconds: state.evicted.seconds,
      undone: state.evicted.undone,
    },
    withdrawn_versions: state?.withdrawn.length
      ? state.withdrawn.map(({ versionId, seconds }) => ({ version_id: versionId, seconds }))
      : undefined,
    unstripped: state?.unstripped && {
      bytes: state.unstripped.bytes,
      dropped_keys: state.unstripped.droppedKeys,
      refusal: state.unstripped.refusal?.reason,
      allowed_globals: state.unstripped.refusal?.allowedGlobals,
    },
    fate: fate?.kind ?? 'no checkpoint',
    reason: fate?.reason ?? 'metrics only: no checkpoint of this step was uploaded',
    ...(fate?.kind === 'evicted' && restorableBy(state, fact, noncurrentDays)),
    removed_keys: fact && shownKeys(removedKeys(fate, state, fact)),
  }
}

/**
 * Of what is gone it depends on the way whether it was stripped before. One that stays, and is not brought back in
 * the stead of what a person removed, may be gone too.
 */
function removedKeys(
  fate: Fate | undefined,
  state: CheckpointState | undefined,
  fact: CheckpointFact,
): readonly string[] {
  const isThere = stays(fate) && !isEvicted(state ?? UNTOUCHED, fact)
  return isThere ? droppedFrom(fact, fact.live) : []
}

/** Until when an evicted checkpoint can be had back; nothing where its last version has expired. */
function restorableBy(
  state: CheckpointState | undefined,
  fact: CheckpointFact | undefined,
  noncurrentDays: number,
): Attributes {
  if (fact?.versions.every(({ gone }) => gone)) return {}
  const seconds = state?.evicted?.seconds
  return {
    restorable_days: noncurrentDays,
    restorable_until:
      seconds === undefined ? undefined : isoTime(expirySeconds(seconds, noncurrentDays)),
  }
}

function shownKeys(keys: readonly string[]): readonly string[] | undefined {
  return keys.length > 0 ? keys : undefined
}

function uploadOf(upload: Upload): Attributes {
  return {
    key: upload.key,
    version_id: upload.versionId,
    etag: upload.etag,
    size_bytes: upload.sizeBytes,
    seconds: upload.seconds,
    fingerprint: upload.fingerprint,
    fault: upload.fault,
    restores: upload.restores,
    strips: upload.strips && {
      version_id: upload.strips.versionId,
      etag: upload.strips.etag,
      dropped_keys: upload.strips.droppedKeys,
    },
    gone: upload.gone || undefined,
    directory: upload.directory && {
      marker: upload.directory.marker,
      files: upload.directory.files,
      removed: upload.directory.removed || undefined,
      newest_seconds: upload.directory.newestSeconds,
    },
  }
}

function metricOf(fact: MetricFact): Attributes {
  return {
    metric: fact.metric,
    value: fact.value === null ? undefined : scoreText(fact.value),
    seconds: fact.seconds,
    source: fact.source,
    key: fact.key,
    position: fact.position,
    ordinal: fact.ordinal,
    version_id: fact.versionId,
  }
}

function artifactEntry(key: string, artifact: Artifact): Attributes {
  if (artifact.state === 'foreign') return { key, state: artifact.state, seconds: artifact.seconds }
  const { kind, metric, name, source, publishedKeys, droppedKeys, format } = artifact.identity
  const identity = {
    key,
    state: artifact.state,
    kind,
    of_metric: metric,
    name,
    source: {
      key: source.key,
      version_id: source.versionId,
      step: source.step,
      bytes: source.bytes,
    },
    published_keys: publishedKeys,
    dropped_keys: droppedKeys,
    format,
  }
  if (artifact.state === 'refused') {
    return { ...identity, reason: artifact.reason, allowed_globals: artifact.allowedGlobals }
  }
  const { object } = artifact
  return {
    ...identity,
    version_id: object.versionId,
    etag: object.etag,
    size_bytes: object.sizeBytes,
    sha256: object.sha256,
    kept_keys: object.keptKeys,
    removed_keys: object.removedKeys,
    layout_version: object.layoutVersion,
    hashed_by: object.hashedBy,
    permitted_globals: object.permittedGlobals,
    removed_seconds: artifact.removedSeconds,
  }
}

/** The sparse index `outbox` finds these, the oldest first. */
function effectEntry({ number, action, sinceSeconds, sentSeconds }: Effect): Attributes {
  return {
    number,
    action,
    since_seconds: sinceSeconds,
    sent_seconds: sentSeconds,
    pending: 'effects',
    due: isoTime(sinceSeconds),
  }
}

function keyOrHash(key: string): string {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return key
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}
