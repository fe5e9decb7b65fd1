/** What two runs with the same facts have to have in common: invariant 6, with its exceptions. */
import type { Entry, Run } from './deployed.ts'

/** Numbers of attempts and of effects, and what slow workers may still do. */
const BOOKKEEPING = new Set([
  'version',
  'commit',
  'recent_commits',
  'next_effect',
  'retired_copies',
  'evicted_version',
  'withdrawn_versions',
])
/** Ids and times that S3 gave to each run's own uploads. */
const OF_THE_UPLOAD = new Set([
  'version_id',
  'source_version_id',
  'version_ids',
  'seconds',
  'newest_seconds',
])
const TIMES = new Set(['first_upload', 'last_upload', 'restorable_until'])

/** The live objects and the hub of a run, without what differs between two runs by their nature. */
export async function comparableState(run: Run): Promise<unknown> {
  const entries = [...(await run.entries())].map(([entry, attributes]): [string, unknown] => [
    withoutTime(entry).replaceAll(run.name, '<run>'),
    comparable(attributes, run.name),
  ])
  const { last_checkpoint: _, ...listing } = await run.listing()
  return { listing, entries: entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) }
}

function comparable(value: unknown, run: string): unknown {
  if (typeof value === 'string') return value.replaceAll(run, '<run>')
  if (Array.isArray(value))
    return inOrder(value.filter(isUpload)).map((each) => comparable(each, run))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !BOOKKEEPING.has(name) && !OF_THE_UPLOAD.has(name) && !TIMES.has(name))
      .map(([name, each]) => [name, comparable(each, run)]),
  )
}

/** Metrics of one second stand in the order of their keys, and seconds differ between runs. */
function inOrder(values: unknown[]): unknown[] {
  const place = (value: unknown) => {
    const { key, metric } = (value ?? {}) as Entry
    return metric === undefined ? '' : `${key} ${metric}`
  }
  return values.toSorted((a, b) => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0))
}

/** What the hub restored is the same upload once more. */
function isUpload(value: unknown): boolean {
  return (value as Entry | null)?.['restores'] === undefined
}

function withoutTime(entry: string): string {
  return entry.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, '<time>')
}
