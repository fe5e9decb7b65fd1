/**
 * Observing metrics: every version of a metric file that was not read yet, from the oldest, so that a value
 * has the time of the version that first said so.
 */
import type { Bucket } from '../bucket/bucket.ts'
import { versionsOf } from '../bucket/versions.ts'
import type { MetricFact } from '../hook/history.ts'
import type { Ledger } from '../hook/ledger.ts'
import { type MetricReading, readLog, readMetricEvents } from '../hook/metric-source.ts'
import type { Series } from '../hook/names.ts'
import type { SourceFault } from '../hook/problems.ts'
import type { Observation } from '../hook/record.ts'
import { textOf } from './version-text.ts'

/** A log of 100,000 iterations has about 20 MB. */
const MAX_LOG_BYTES = 64 * 1024 * 1024
/** A metric's name is part of a sort key, of at most 1,024 bytes. */
const MAX_METRIC_NAME_BYTES = 255
/** S3's own limit is 1,024 bytes. */
const MAX_VERSION_ID_LETTERS = 1024
/** A problem's field names a line and a metric. */
const MAX_FIELD_LETTERS = 300

/** What the unread versions of a metric file say, and that they were read. */
export async function observeMetrics(
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
      const reading = storable(source === 'log' ? readLog(text.text) : readMetricEvents(text.text))
      found.push(...metricObservations(reading, { source, key, seconds }))
      faults.push(...reading.faults.map((fault) => ({ key, seconds, ...fault })))
    }
  }
  if (versionIds.length > 0) found.push({ kind: 'source', key, versionIds, faults })
  return found
}

/**
 * A reading without what the message hub cannot hold: names too long for a key, lone surrogates. A
 * negative zero becomes zero, as a score's text has it.
 */
function storable({ validations, faults }: MetricReading): MetricReading {
  const refused: MetricReading['faults'] = []
  const kept = validations.map((validation) => ({
    steps: validation.steps,
    versionId: validation.versionId?.slice(0, MAX_VERSION_ID_LETTERS).toWellFormed(),
    metrics: validation.metrics.flatMap(([name, value]): typeof validation.metrics => {
      const sizeBytes = Buffer.byteLength(name)
      if (sizeBytes > 0 && sizeBytes <= MAX_METRIC_NAME_BYTES) {
        return [[name.toWellFormed(), value === 0 ? 0 : value]]
      }
      const reason = `expected a name of 1 to ${MAX_METRIC_NAME_BYTES} bytes, got ${sizeBytes}`
      refused.push({ field: `metrics.${name.slice(0, 40)}`, reason })
      return []
    }),
  }))
  const readable = [...faults, ...refused].map(({ field, reason }) => ({
    field: field.slice(0, MAX_FIELD_LETTERS).toWellFormed(),
    reason: reason.toWellFormed(),
  }))
  return { validations: kept, faults: readable }
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
