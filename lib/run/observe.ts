/**
 * Observing: an event is a hint where to look. Looks at the key it names and says what is there that
 * the ledger does not have.
 *
 * Reads the bucket, writes nothing and decides nothing. Every version that is not recorded yet is read,
 * from the oldest, so that an upload gives the same fact whether an event, a sweep or a look around
 * found it, and however late.
 */
import type { Bucket } from '../bucket/bucket.ts'
import { foldersBelow, keysBelow, versionsOf } from '../bucket/versions.ts'
import { writerOf } from '../bucket/write.ts'
import { stepId } from '../hook/history.ts'
import type { NamedArguments } from '../hook/hook-arguments.ts'
import type { Ledger } from '../hook/ledger.ts'
import { isDirectory, keyIn, meaningOf, type Series } from '../hook/names.ts'
import type { Observation } from '../hook/record.ts'
import { controlFacts, MAX_CONTROL_BYTES } from './control-facts.ts'
import { inspectUpload } from './inspect-upload.ts'
import { observeDirectory } from './observe-directory.ts'
import { observeMetrics } from './observe-metrics.ts'
import { markerNames, placeByTemplate, policiesOf, runsOfKey } from './places.ts'
import { readBegin, readConsent, readEnd, readOptions, readPin } from './read-control.ts'
import { textOf } from './version-text.ts'
import { whereIs } from './where-is.ts'

/** What is at a key that the ledger does not have; nothing for keys outside the protocol. */
export async function observe(bucket: Bucket, ledger: Ledger, key: string): Promise<Observation[]> {
  // Outside of its run a run has files that `out_dir` put there, and nothing else.
  if (!runsOfKey(key).includes(ledger.run)) return observeArtifact(bucket, ledger, key)
  const meaning = meaningOf(key)
  switch (meaning.kind) {
    case 'checkpoint':
      return observeCheckpoint(bucket, ledger, key, meaning.series, meaning.step)
    case 'options':
      return observeOptions(bucket, ledger, key)
    case 'begin': {
      const known = ledger.history.begins
      return [{ kind: 'begin', facts: await controlFacts(bucket, key, known, readBegin) }]
    }
    case 'end': {
      const known = ledger.history.ends
      return [{ kind: 'end', facts: await controlFacts(bucket, key, known, readEnd) }]
    }
    case 'pin': {
      const known = ledger.history.pins
      return [{ kind: 'pin', facts: await controlFacts(bucket, key, known, readPin) }]
    }
    case 'consent': {
      const known = ledger.history.consents
      return [{ kind: 'consent', facts: await controlFacts(bucket, key, known, readConsent) }]
    }
    case 'metrics':
      return observeMetrics(bucket, ledger, key, 'event')
    case 'log':
      return observeMetrics(bucket, ledger, key, 'log')
    case 'last_checkpoint':
      return observeLastCheckpoint(bucket, ledger, key)
    case 'directory':
      return observeDirectory(bucket, ledger, { ...meaning, key: `${meaning.directory}/` })
    case 'other':
      return observeOther(bucket, ledger, key)
    case 'outside':
      return []
  }
}

async function observeCheckpoint(
  bucket: Bucket,
  ledger: Ledger,
  key: string,
  series: Series,
  step: number,
): Promise<Observation[]> {
  const { uploads: listed, marker } = await versionsOf(bucket, key)
  const facts = ledger.history.steps.get(stepId(series, step))
  const known = new Set(facts?.uploads.map(({ versionId }) => versionId))
  const uploads = []
  for (const version of listed) {
    if (!known.has(version.versionId)) uploads.push(await inspectUpload(bucket, version))
  }
  return [
    {
      kind: 'checkpoint',
      series,
      step,
      key,
      uploads: uploads.filter((upload) => upload !== undefined),
      listed: listed.map(({ versionId }) => versionId),
      marker,
    },
  ]
}

/** With a file that names another template or marker, checkpoints count that were uploaded before it. */
async function observeOptions(bucket: Bucket, ledger: Ledger, key: string): Promise<Observation[]> {
  const facts = await controlFacts(bucket, key, ledger.history.options, readOptions)
  const { stackArguments } = ledger.history
  const policies = facts.map(({ named }) => ({ ...stackArguments, ...named }))
  const known = markerNames(policiesOf(ledger))
  const hasMarker = markerNames(policies).some((name) => !known.includes(name))
  const hasTemplate = policies.some(({ filename_tmpl }) => (filename_tmpl ?? null) !== null)
  const prefix = keyIn(ledger.run, '')
  const earlier =
    hasTemplate || hasMarker
      ? [...(await keysBelow(bucket, prefix)), ...(await foldersBelow(bucket, prefix))]
      : []
  const found: Observation[] = [{ kind: 'options', facts }]
  const all = [...policiesOf(ledger), ...policies]
  for (const each of earlier) {
    if (meaningOf(each).kind === 'checkpoint') continue
    const meaning = meaningOf(`${each}x`)
    if (meaning.kind !== 'directory') {
      found.push(...(await observeByTemplates(bucket, ledger, each, policies, all)))
    } else if (hasMarker && meaning.run === ledger.run) {
      found.push(...(await observeDirectory(bucket, ledger, { ...meaning, key: each }, all)))
    }
  }
  return found
}

/**
 * A checkpoint by templates of the run's own; where its policies count differently, it is a step of each.
 * A directory is known by any key within it.
 */
async function observeByTemplates(
  bucket: Bucket,
  ledger: Ledger,
  key: string,
  policies: NamedArguments[],
  all = policies,
): Promise<Observation[]> {
  const found = new Map<string, Observation[]>()
  for (const policy of policies) {
    const place = placeByTemplate(policy, ledger.run, key)
    if (place === undefined || found.has(`${place.series} ${place.step}`)) continue
    const seen = isDirectory(place.key)
      ? await observeDirectory(bucket, ledger, place, all)
      : await observeCheckpoint(bucket, ledger, key, place.series, place.step)
    found.set(`${place.series} ${place.step}`, seen)
  }
  return [...found.values()].flat()
}

async function observeLastCheckpoint(
  bucket: Bucket,
  ledger: Ledger,
  key: string,
): Promise<Observation[]> {
  const { uploads, marker } = await versionsOf(bucket, key)
  const current = uploads.at(-1)
  if (current === undefined || marker !== undefined) return []
  const text = await textOf(bucket, current, MAX_CONTROL_BYTES)
  if (text.kind === 'text' && text.text === ledger.lastCheckpoint) return []
  return [{ kind: 'last_checkpoint', text: text.kind === 'text' ? text.text : undefined }]
}

/** A checkpoint by the run's own template, or one of the hub's own files. */
async function observeOther(bucket: Bucket, ledger: Ledger, key: string): Promise<Observation[]> {
  const checkpoints = await observeByTemplates(bucket, ledger, key, policiesOf(ledger))
  return checkpoints.length > 0 ? checkpoints : observeArtifact(bucket, ledger, key)
}

async function observeArtifact(
  bucket: Bucket,
  ledger: Ledger,
  key: string,
): Promise<Observation[]> {
  const artifact = ledger.artifacts.get(key)
  if (artifact === undefined || !('object' in artifact)) return []
  const at = whereIs(bucket, key)
  const { uploads, marker } = await versionsOf(at.bucket, at.key)
  const current = uploads.at(-1)
  if (marker !== undefined || current === undefined) {
    return [{ kind: 'artifact', key, found: 'nothing', seconds: marker?.seconds ?? 0 }]
  }
  const { versionId, seconds, etag } = current
  if (versionId === artifact.object.versionId || etag === artifact.object.etag) {
    return artifact.state === 'removed' ? [{ kind: 'artifact', key, found: 'back', versionId }] : []
  }
  const writer = await writerOf(at.bucket, at.key, versionId)
  if (writer.kind === 'somebody') return [{ kind: 'artifact', key, found: 'foreign', seconds }]
  const { sha256 } = writer
  return sha256 === undefined
    ? []
    : [{ kind: 'artifact', key, found: 'own', versionId, etag, sha256 }]
}
