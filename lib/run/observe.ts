/**
 * Observing: an event is a hint where to look. Looks at the key it names and says what is there that
 * the ledger does not have.
 *
 * Reads the bucket, writes nothing and decides nothing. Every version that is not recorded yet is read,
 * from the oldest, so that an upload gives the same fact whether an event, a sweep or a look around
 * found it, and however late.
 */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { readText } from '../bucket/object-reader.ts'
import { keysBelow, type ListedVersion, versionsOf } from '../bucket/versions.ts'
import { isOwn } from '../bucket/write.ts'
import type { ControlFact, MetricFact } from '../hook/history.ts'
import type { Ledger } from '../hook/ledger.ts'
import { type MetricReading, readLog, readMetricEvents } from '../hook/metric-source.ts'
import {
  checkpointName,
  keyIn,
  meaningOf,
  nameOf,
  type Run,
  type Series,
  stepIn,
} from '../hook/names.ts'
import type { SourceFault } from '../hook/problems.ts'
import type { Observation } from '../hook/record.ts'
import { inspectUpload } from './inspect-upload.ts'
import { type Control, readBegin, readEnd, readOptions } from './read-control.ts'

/** A control file is a few hundred bytes. */
const MAX_CONTROL_BYTES = 1024 * 1024
/** A log of 100,000 iterations has about 20 MB. */
const MAX_LOG_BYTES = 64 * 1024 * 1024

/** What is at a key that the ledger does not have; nothing for keys outside the protocol. */
export async function observe(bucket: Bucket, ledger: Ledger, key: string): Promise<Observation[]> {
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
    case 'metrics':
      return observeMetrics(bucket, ledger, key, 'event')
    case 'log':
      return observeMetrics(bucket, ledger, key, 'log')
    case 'last_checkpoint':
      return observeLastCheckpoint(bucket, ledger, key)
    case 'directory':
      return [directoryFault(meaning.directory)]
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
  const known = new Set(
    [...ledger.history.steps.values()]
      .filter((facts) => facts.series === series && facts.step === step)
      .flatMap((facts) => facts.uploads.map(({ versionId }) => versionId)),
  )
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

/** With a file that names another template, checkpoints count that were uploaded before it. */
async function observeOptions(bucket: Bucket, ledger: Ledger, key: string): Promise<Observation[]> {
  const facts = await controlFacts(bucket, key, ledger.history.options, readOptions)
  const templates = facts.flatMap(({ named }) => named.filename_tmpl ?? [])
  const earlier = templates.length === 0 ? [] : await keysBelow(bucket, keyIn(ledger.run, ''))
  const found: Observation[] = [{ kind: 'options', facts }]
  for (const fact of facts) {
    for (const each of earlier) {
      const named = stepByTemplate(fact.named, each)
      if (named === undefined || meaningOf(each).kind === 'checkpoint') continue
      found.push(...(await observeCheckpoint(bucket, ledger, each, named.series, named.step)))
    }
  }
  return found
}

function stepByTemplate(
  named: { filename_tmpl?: string | null | undefined; by_epoch?: boolean | undefined },
  key: string,
): { series: Series; step: number } | undefined {
  const template = named.filename_tmpl ?? undefined
  if (template === undefined || template.split('{}').length !== 2) return undefined
  const step = stepIn(template, nameOf(key))
  if (step === undefined || checkpointName(template, step) !== nameOf(key)) return undefined
  return { series: (named.by_epoch ?? true) ? 'epoch' : 'iter', step }
}

type ControlKind<Fact> = (text: string) => Control<Fact>

async function controlFacts<Fact extends object>(
  bucket: Bucket,
  key: string,
  known: { key: string; versionId: string }[],
  read: ControlKind<Fact>,
): Promise<(Fact & ControlFact)[]> {
  const { uploads } = await versionsOf(bucket, key)
  const ofKey = known.filter((fact) => fact.key === key)
  const fresh = uploads.filter(
    ({ versionId }) => !ofKey.some((fact) => fact.versionId === versionId),
  )
  const facts: (Fact & ControlFact)[] = []
  for (const version of fresh) {
    const text = await textOf(bucket, version, MAX_CONTROL_BYTES)
    if (text.kind === 'gone') continue
    const control: Control<Fact> =
      text.kind === 'text'
        ? read(text.text)
        : { ...read('{}'), fault: { field: 'text', reason: text.reason } }
    const ordinal = ofKey.length + facts.length
    const { versionId, seconds } = version
    facts.push({ key, versionId, seconds, ordinal, ...control })
  }
  return facts
}

async function observeMetrics(
  bucket: Bucket,
  ledger: Ledger,
  key: string,
  source: 'event' | 'log',
): Promise<Observation[]> {
  const { uploads } = await versionsOf(bucket, key)
  const read = ledger.sources.get(key)?.versionIds ?? []
  const newestRead = uploads.findLastIndex(({ versionId }) => read.includes(versionId))
  const found: Observation[] = []
  const versionIds: string[] = []
  const faults: SourceFault[] = []
  for (const version of uploads.slice(newestRead + 1)) {
    const { versionId, seconds } = version
    const text = await textOf(bucket, version, MAX_LOG_BYTES)
    if (text.kind === 'gone') continue
    versionIds.push(versionId)
    if (text.kind === 'refused') faults.push({ key, seconds, field: 'text', reason: text.reason })
    else {
      const reading = source === 'log' ? readLog(text.text) : readMetricEvents(text.text)
      found.push(...metricObservations(reading, { source, key, seconds }))
      faults.push(...reading.faults.map((fault) => ({ key, seconds, ...fault })))
    }
  }
  if (versionIds.length > 0) found.push({ kind: 'source', key, versionIds, faults })
  return found
}

/** Of a value that stands twice for one step the later line counts, within one version. */
function metricObservations(
  reading: MetricReading,
  { source, key, seconds }: Pick<MetricFact, 'source' | 'key' | 'seconds'>,
): Observation[] {
  const bySteps = new Map<string, Extract<Observation, { kind: 'metrics' }>>()
  for (const { steps, metrics, versionId } of reading.validations) {
    for (const [series, step] of Object.entries(steps) as [Series, number][]) {
      const id = `${series} ${step}`
      const seen = bySteps.get(id) ?? { kind: 'metrics', series, step, facts: [] }
      bySteps.set(id, seen)
      for (const [metric, value] of metrics) {
        const earlier = seen.facts.find((fact) => fact.metric === metric)
        if (earlier !== undefined) Object.assign(earlier, { value, versionId })
        else {
          const position = seen.facts.length
          seen.facts.push({ metric, value, seconds, source, key, position, ordinal: 0, versionId })
        }
      }
    }
  }
  return [...bySteps.values()]
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

function directoryFault(directory: string): Observation {
  const reason =
    'is a directory checkpoint, which this release keeps and does not count; upload a single file'
  const fault = { key: directory, seconds: 0, field: 'checkpoint', reason }
  return { kind: 'source', key: directory, versionIds: ['directory'], faults: [fault] }
}

/** A checkpoint by the run's own template, or one of the hub's own files. */
async function observeOther(bucket: Bucket, ledger: Ledger, key: string): Promise<Observation[]> {
  for (const { named } of ledger.history.options) {
    const found = stepByTemplate(named, key)
    if (found !== undefined) {
      return observeCheckpoint(bucket, ledger, key, found.series, found.step)
    }
  }
  const artifact = ledger.artifacts.get(key)
  if (artifact === undefined || !('object' in artifact)) return []
  const { uploads, marker } = await versionsOf(bucket, key)
  const current = uploads.at(-1)
  if (marker !== undefined || current === undefined) {
    const above = marker?.above
    return [{ kind: 'artifact', key, found: 'nothing', seconds: marker?.seconds ?? 0, above }]
  }
  const { versionId, seconds, etag } = current
  if (versionId === artifact.object.versionId || etag === artifact.object.etag) return []
  if (await isOwn(bucket, key, versionId)) return []
  return [{ kind: 'artifact', key, found: 'foreign', seconds, above: undefined }]
}

type ReadResult =
  | { kind: 'text'; text: string }
  | { kind: 'refused'; reason: string }
  | { kind: 'gone' }

async function textOf(
  bucket: Bucket,
  version: ListedVersion,
  limitBytes: number,
): Promise<ReadResult> {
  try {
    return { kind: 'text', text: await readText(bucket, version, limitBytes) }
  } catch (error) {
    if (!(error instanceof BucketError)) throw error
    if (error.code === 'too large') return { kind: 'refused', reason: error.message }
    if (error.code === 'gone') return { kind: 'gone' }
    throw error
  }
}

/** The run that a key belongs to; nothing where the key is outside the protocol. */
export function runOfKey(key: string): Run | undefined {
  const meaning = meaningOf(key)
  return meaning.kind === 'outside' ? undefined : meaning.run
}
