/** The entries of the table as a ledger again. */
import {
  type BeginFact,
  type ConsentFact,
  type ControlFact,
  compareMoments,
  type EndFact,
  momentOf,
  type OptionsFact,
  type PinFact,
  type StepFacts,
  type Upload,
} from '../hook/history.ts'
import type { NamedArguments } from '../hook/hook-arguments.ts'
import {
  type Action,
  type Artifact,
  type ArtifactIdentity,
  type CheckpointState,
  emptyLedger,
  type Ledger,
  type Refusal,
} from '../hook/ledger.ts'
import { folderOf, type Run } from '../hook/names.ts'
import { scoreOf } from '../hook/score.ts'
import { MessageHubError } from './message-hub-error.ts'
import { type Attributes, type Entries, kindOf, schemas } from './schema.ts'

/**
 * Reads a run's ledger from its entries.
 *
 * @throws {MessageHubError} where an entry is not as the hub writes it
 */
export function ledgerOf(run: Run, entries: Entries): Ledger {
  const ledger = emptyLedger(run, {})
  for (const [entry, attributes] of entries) readEntry(ledger, entry, attributes)
  ledger.effects.sort((a, b) => a.number - b.number)
  const { pins, consents } = ledger.history
  pins.sort((a, b) => compareMoments(momentOf('pin', a), momentOf('pin', b)))
  consents.sort((a, b) => compareMoments(momentOf('consent', a), momentOf('consent', b)))
  return ledger
}

/** The version number of a run's state; 0 where the hub does not know the run. */
export function versionOf(run: Run, entries: Entries): number {
  const info = entries.get('runtime_info')
  return info === undefined ? 0 : parsed('runtime_info', run, 'runtime_info', info).version
}

function readEntry(ledger: Ledger, entry: string, attributes: Attributes): void {
  const { run, history } = ledger
  switch (kindOf(entry)) {
    case 'runtime_info':
      readRuntimeInfo(ledger, parsed('runtime_info', run, entry, attributes))
      return
    case 'step': {
      const stored = parsed('step', run, entry, attributes)
      const id = entry.slice('step#'.length)
      history.steps.set(id, stepFactsOf(stored))
      const state = checkpointStateOf(stored)
      if (state !== undefined) ledger.checkpoints.set(id, state)
      return
    }
    case 'options':
      history.options.push(optionsFactOf(parsed('options', run, entry, attributes)))
      return
    case 'life':
      history.begins.push(beginFactOf(parsed('life', run, entry, attributes)))
      return
    case 'end':
      history.ends.push(endFactOf(parsed('end', run, entry, attributes)))
      return
    case 'pin':
      history.pins.push(pinFactOf(parsed('pin', run, entry, attributes)))
      return
    case 'consent':
      history.consents.push(consentFactOf(parsed('consent', run, entry, attributes)))
      return
    case 'read': {
      const { key, version_ids, faults } = parsed('read', run, entry, attributes)
      ledger.sources.set(key, { key, versionIds: version_ids, faults })
      return
    }
    case 'artifact': {
      const artifact = parsed('artifact', run, entry, attributes)
      ledger.artifacts.set(artifact.key, artifactOf(run, entry, artifact))
      return
    }
    case 'out_dir': {
      const { folder, state, reason = '' } = parsed('out_dir', run, entry, attributes)
      ledger.claims.set(folder, state === 'refused' ? { state, reason } : { state })
      return
    }
    case 'effect': {
      const effect = parsed('effect', run, entry, attributes)
      ledger.effects.push({
        number: effect.number,
        action: actionOf(effect.action),
        sinceSeconds: effect.since_seconds,
        sentSeconds: effect.sent_seconds,
      })
      return
    }
    case undefined:
      return
  }
}

type Parsed<Kind extends keyof typeof schemas> = ReturnType<(typeof schemas)[Kind]['parse']>

function parsed<Kind extends keyof typeof schemas>(
  kind: Kind,
  run: Run,
  entry: string,
  attributes: Attributes,
): Parsed<Kind> {
  const result = schemas[kind].safeParse(attributes)
  if (result.success) return result.data as Parsed<Kind>
  const issue = result.error.issues[0]
  throw new MessageHubError(
    run,
    entry,
    issue?.path.join('.') ?? '',
    issue?.message ?? 'is malformed',
  )
}

/** They were checked when they were recorded. */
function argumentsIn(json: string): NamedArguments {
  return JSON.parse(json)
}

function readRuntimeInfo(ledger: Ledger, info: Parsed<'runtime_info'>): void {
  ledger.history.stackArguments = argumentsIn(info.stack_arguments)
  ledger.nextEffect = info.next_effect
  ledger.lastCheckpoint = info.last_checkpoint_text
  ledger.retired = info.retired_copies ?? []
  ledger.answers = new Map(
    Object.entries(info.answers).map(([metric, { score, key }]) => [
      metric,
      { score: scoreOf(score), key },
    ]),
  )
}

function stepFactsOf(stored: Parsed<'step'>): StepFacts {
  return {
    series: stored.series,
    step: stored.step,
    uploads: stored.uploads.map((upload) => ({
      key: upload.key,
      versionId: upload.version_id,
      etag: upload.etag,
      sizeBytes: upload.size_bytes,
      seconds: upload.seconds,
      fingerprint: upload.fingerprint,
      fault: upload.fault,
      restores: upload.restores,
      gone: upload.gone ?? false,
      ...directoryOf(upload.directory),
      ...stripOf(upload.strips),
    })),
    metrics: stored.metrics.map((metric) => ({
      metric: metric.metric,
      value: metric.value === undefined ? null : scoreOf(metric.value),
      seconds: metric.seconds,
      source: metric.source,
      key: metric.key,
      position: metric.position,
      ordinal: metric.ordinal,
      versionId: metric.version_id,
    })),
    removal: stored.removed,
  }
}

/** What the hub did to the checkpoint of a step; nothing where it has not touched it. */
function checkpointStateOf(stored: Parsed<'step'>): CheckpointState | undefined {
  const { evicted_version: evicted, withdrawn_versions: withdrawn = [], unstripped } = stored
  if (evicted === undefined && withdrawn.length === 0 && unstripped === undefined) return undefined
  return {
    evicted: evicted && {
      versionId: evicted.version_id,
      etag: evicted.etag,
      seconds: evicted.seconds,
      ...(evicted.undone && { undone: evicted.undone }),
    },
    withdrawn: withdrawn.map(({ version_id, seconds }) => ({ versionId: version_id, seconds })),
    ...(unstripped !== undefined && {
      unstripped: {
        bytes: unstripped.bytes,
        droppedKeys: unstripped.dropped_keys,
        refusal:
          unstripped.refusal === undefined ? undefined : refusalIn(unstripped.refusal, unstripped),
      },
    }),
  }
}

function stripOf(stored: Parsed<'step'>['uploads'][number]['strips']): Pick<Upload, 'strips'> {
  if (stored === undefined) return {}
  const { version_id, etag, dropped_keys } = stored
  return { strips: { versionId: version_id, etag, droppedKeys: dropped_keys } }
}

function directoryOf(
  stored: Parsed<'step'>['uploads'][number]['directory'],
): Pick<Upload, 'directory'> {
  if (stored === undefined) return {}
  const { marker, files, removed = 0, newest_seconds: newestSeconds } = stored
  const seen = newestSeconds === undefined ? {} : { newestSeconds }
  return { directory: { marker, files, removed, ...seen } }
}

function optionsFactOf(stored: Parsed<'options'>): OptionsFact {
  return { ...controlOf(stored), named: argumentsIn(stored.arguments) }
}

function beginFactOf(stored: Parsed<'life'>): BeginFact {
  return { ...controlOf(stored), resumeFrom: stored.resume_from }
}

function endFactOf(stored: Parsed<'end'>): EndFact {
  return { ...controlOf(stored), last: stored.last }
}

function pinFactOf(stored: Parsed<'pin'>): PinFact {
  const { name, pinned, by } = stored
  return { ...controlOf(stored), name, pinned, by }
}

function consentFactOf(stored: Parsed<'consent'>): ConsentFact {
  const { options_version_id: optionsVersionId, evicts, by } = stored
  return { ...controlOf(stored), optionsVersionId, evicts, by }
}

function controlOf(fact: {
  key: string
  version_id: string
  seconds: number
  ordinal: number
  fault?: { field: string; reason: string } | undefined
}): ControlFact {
  const { key, version_id, seconds, ordinal, fault } = fact
  return { key, versionId: version_id, seconds, ordinal, fault }
}

function artifactOf(run: Run, entry: string, stored: Parsed<'artifact'>): Artifact {
  const { state } = stored
  if (state === 'foreign') return { state, seconds: stored.seconds ?? 0 }
  const { kind, name, source } = stored
  if (kind === undefined || name === undefined || source === undefined) {
    throw new MessageHubError(run, entry, 'kind', 'is missing')
  }
  const identity: ArtifactIdentity = {
    kind,
    folder: folderOf(stored.key),
    metric: stored.of_metric,
    name,
    source: {
      key: source.key,
      versionId: source.version_id,
      step: source.step,
      bytes: source.bytes,
    },
    publishedKeys: stored.published_keys,
    droppedKeys: stored.dropped_keys ?? [],
    ...(stored.format !== undefined && { format: stored.format }),
  }
  if (state === 'refused') return { state, identity, ...refusalIn(stored.reason ?? '', stored) }
  const { version_id, etag, size_bytes, sha256 } = stored
  if (
    version_id === undefined ||
    etag === undefined ||
    size_bytes === undefined ||
    sha256 === undefined
  ) {
    throw new MessageHubError(run, entry, 'version_id', 'is missing')
  }
  return {
    state,
    identity,
    object: {
      versionId: version_id,
      etag,
      sizeBytes: size_bytes,
      sha256,
      keptKeys: stored.kept_keys ?? [],
      removedKeys: stored.removed_keys ?? [],
      layoutVersion: stored.layout_version ?? 0,
      // Before S3 was asked to, the function always did it.
      hashedBy: stored.hashed_by ?? 'function',
      ...(stored.permitted_globals && { permittedGlobals: stored.permitted_globals }),
    },
    ...(stored.removed_seconds !== undefined && { removedSeconds: stored.removed_seconds }),
  }
}

function refusalIn(
  reason: string,
  { allowed_globals }: { allowed_globals?: readonly string[] | undefined },
): Refusal {
  return { reason, ...(allowed_globals && { allowedGlobals: allowed_globals }) }
}

/** Nobody but the hub writes effects; what DynamoDB leaves out of a map is put back as undefined. */
function actionOf(stored: Record<string, unknown>): Action {
  const action = stored as unknown as Action
  if (action.kind !== 'make') return action
  const { metric, publishedKeys, ...identity } = action.identity
  return {
    ...action,
    replaces: action.replaces ?? undefined,
    identity: {
      ...identity,
      metric: metric ?? undefined,
      publishedKeys: publishedKeys ?? undefined,
    },
  }
}
