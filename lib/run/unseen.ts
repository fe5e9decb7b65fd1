/**
 * What a listing of the bucket shows and the ledger does not have: uploads and removals whose events were lost, or
 * have not come yet. Reads nothing, and decides nothing: to look there is always safe.
 */
import { createHash } from 'node:crypto'
import type { ListedRow } from '../bucket/versions.ts'
import { checkpointFacts, type StepFacts, stepId } from '../hook/history.ts'
import { isEvicted, type Ledger, UNTOUCHED } from '../hook/ledger.ts'
import { isDirectory, meaningOf, type Series } from '../hook/names.ts'
import { UNMARKED } from '../hook/record-directory.ts'
import { markerNames, placeByTemplate, policiesOf } from './places.ts'

/**
 * The keys of a run that are to be looked at, each once.
 *
 * @param ledger empty where the hub does not know the run
 * @param rows of the listing, in any order, as far as they are keys of this run
 */
export function unseenKeys(ledger: Ledger, rows: readonly ListedRow[]): string[] {
  return [...new Set(rows.filter((row) => isUnseen(ledger, row)).map(({ key }) => key))]
}

function isUnseen(ledger: Ledger, row: ListedRow): boolean {
  const { history, sources } = ledger
  const meaning = meaningOf(row.key)
  switch (meaning.kind) {
    case 'checkpoint':
      return isUnseenAt(ledger, row, meaning.series, meaning.step, row.key)
    case 'directory':
      return isUnseenIn(ledger, row, meaning.series, meaning.step, `${meaning.directory}/`)
    case 'options':
      return isUnknownFact(history.options, row)
    case 'begin':
      return isUnknownFact(history.begins, row)
    case 'end':
      return isUnknownFact(history.ends, row)
    case 'pin':
      return isUnknownFact(history.pins, row)
    case 'consent':
      return isUnknownFact(history.consents, row)
    case 'metrics':
    case 'log':
      // Versions older than one that was read count as read.
      return (
        row.isLatest && !row.isMarker && !sources.get(row.key)?.versionIds.includes(row.versionId)
      )
    case 'other':
      return isUnseenByTemplate(ledger, row) || isUnseenArtifact(ledger, row)
    case 'last_checkpoint':
      return isUnseenText(ledger.lastCheckpoint, row)
    case 'outside':
      return false
  }
}

function isUnknownFact(
  known: readonly { key: string; versionId: string }[],
  { key, versionId, isMarker }: ListedRow,
): boolean {
  return !isMarker && !known.some((fact) => fact.key === key && fact.versionId === versionId)
}

function isUnseenAt(
  { history, checkpoints }: Ledger,
  { versionId, isMarker, isLatest }: ListedRow,
  series: Series,
  step: number,
  key: string,
): boolean {
  const id = stepId(series, step)
  const facts = history.steps.get(id)
  if (!isMarker) return !isRecorded(facts, key, versionId)
  // A marker that nobody accounts for was put there by a person. An eviction accounts for what it was decided for:
  // not for one above what was uploaded since.
  const newest = facts && checkpointFacts(facts, key).at(-1)
  if (!isLatest || newest === undefined) return false
  return facts?.removal?.key !== key && !isEvicted(checkpoints.get(id) ?? UNTOUCHED, newest)
}

function isRecorded(facts: StepFacts | undefined, key: string, versionId: string): boolean {
  return facts?.uploads.some((each) => each.key === key && each.versionId === versionId) ?? false
}

/**
 * Of a directory its marker tells; before there is one, that there are files. What it waits for comes after its marker:
 * all that is older was there when that was looked at. What comes after it was evicted, or after all that was seen of it,
 * may belong to its marker, if that came first of its save.
 */
function isUnseenIn(
  ledger: Ledger,
  row: ListedRow,
  series: Series,
  step: number,
  key: string,
): boolean {
  const facts = ledger.history.steps.get(stepId(series, step))
  const live = facts?.uploads.findLast((upload) => upload.key === key)
  const isMarkerFile = markerNames(policiesOf(ledger)).includes(row.key.slice(key.length))
  if (isMarkerFile) return isUnseenAt(ledger, row, series, step, key)
  if (row.isMarker || !row.isLatest) return false
  if (live === undefined) return true
  const { evicted } = ledger.checkpoints.get(stepId(series, step)) ?? UNTOUCHED
  if (evicted?.versionId === live.versionId) return row.seconds >= (evicted.seconds ?? 0)
  if (live.versionId === UNMARKED || facts?.removal?.key === key) return false
  if (live.fault !== undefined) return row.seconds >= live.seconds
  return row.seconds > (live.directory?.newestSeconds ?? live.seconds)
}

function isUnseenByTemplate(ledger: Ledger, row: ListedRow): boolean {
  return policiesOf(ledger).some((policy) => {
    const place = placeByTemplate(policy, ledger.run, row.key)
    if (place === undefined) return false
    const { series, step, key } = place
    return isDirectory(key)
      ? isUnseenIn(ledger, row, series, step, key)
      : isUnseenAt(ledger, row, series, step, key)
  })
}

/** A file of the hub's that is no longer there, or no longer its own. */
function isUnseenArtifact({ artifacts }: Ledger, row: ListedRow): boolean {
  const artifact = artifacts.get(row.key)
  if (!row.isLatest || artifact?.state !== 'current') return false
  return row.isMarker || row.versionId !== artifact.object.versionId
}

/** A trainer's own, or what a slow worker wrote over what was newer. With a key of KMS no ETag tells: a look does. */
function isUnseenText(known: string | undefined, row: ListedRow): boolean {
  if (known === undefined || !row.isLatest || row.isMarker) return false
  return row.etag !== createHash('md5').update(known).digest('hex')
}
