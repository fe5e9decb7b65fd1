/**
 * Observing a directory checkpoint: whichever of its files an event names, the directory is looked at.
 */
import type { Bucket } from '../bucket/bucket.ts'
import { isAnyRestored } from '../bucket/change-directory.ts'
import {
  contentOf,
  type DirectoryListing,
  type DirectoryVersion,
  markersOf,
  readDirectory,
} from '../bucket/directory.ts'
import { isAnythingBelow } from '../bucket/present.ts'
import { firstBelow, type KeyVersions } from '../bucket/versions.ts'
import { directoryFingerprint, faultOf, totalBytes } from '../checkpoint/directory-content.ts'
import { stepId, type Upload } from '../hook/history.ts'
import type { NamedArguments } from '../hook/hook-arguments.ts'
import { type Ledger, UNTOUCHED } from '../hook/ledger.ts'
import { meaningOf, pathOf } from '../hook/names.ts'
import type { Observation } from '../hook/record.ts'
import { UNMARKED } from '../hook/record-directory.ts'
import { type CheckpointPlace, markerNames, policiesOf } from './places.ts'

/**
 * What is in a directory, as far as the ledger may not have it.
 *
 * @param policies arguments whose `directory_marker` counts; those that the ledger has, if not given
 */
export async function observeDirectory(
  bucket: Bucket,
  ledger: Ledger,
  place: CheckpointPlace,
  policies: readonly NamedArguments[] = policiesOf(ledger),
): Promise<Observation[]> {
  const facts = ledger.history.steps.get(stepId(place.series, place.step))
  const known = (facts?.uploads ?? []).filter(
    ({ key, versionId }) => key === place.key && versionId !== UNMARKED,
  )
  const names = markerNames(policies)
  const markers = await markersOf(bucket, place.key, names)
  // One that was there once counts on: without it, what is left would look like another directory.
  const former = names.find((name) => known.some(({ directory }) => directory?.marker === name))
  const marker = names.find(
    (name) => name === former || markers.some((each) => each.marker === name),
  )
  if (marker === undefined) return observeUnmarked(bucket, place, names)
  const { listed } = markers.find((each) => each.marker === marker) ?? {
    listed: { uploads: [], marker: undefined },
  }
  if (isDeletionKnown(ledger, place, listed) && (await isSettled(bucket, place, known, listed))) {
    return [observation(place, listed, [])]
  }
  const directory = await readDirectory(bucket, place.key, marker, ownNames(place.key))
  const uploads = uploadsIn(directory, place.key).filter(
    (upload) => !isDoubtful(directory, known, upload),
  )
  const seen = observation(place, directory.listed, uploads)
  return [
    (await isUndone(bucket, ledger, place, known, directory)) ? { ...seen, undone: true } : seen,
  ]
}

/**
 * Whether files of an evicted directory are there again that a slow worker restored. While an effect is under way they may
 * be on their way back, or about to go.
 */
async function isUndone(
  bucket: Bucket,
  { checkpoints, effects }: Ledger,
  { key, series, step }: CheckpointPlace,
  known: readonly Upload[],
  directory: DirectoryListing,
): Promise<boolean> {
  const id = stepId(series, step)
  const { evicted } = checkpoints.get(id) ?? UNTOUCHED
  if (evicted === undefined || directory.listed.marker?.above !== evicted.versionId) return false
  if (effects.some(({ action }) => 'id' in action && action.id === id)) return false
  const fingerprint = known.find(({ versionId }) => versionId === evicted.versionId)?.fingerprint
  if (fingerprint === undefined) return false
  const content = contentOf(directory, evicted.versionId, fingerprint)
  return content !== undefined && isAnyRestored(bucket, key, content, directory)
}

/**
 * Whether a directory that was whole, and is not the current one, has other files now which may be of a later save. Those
 * that it had may have expired, or there was an attempt before whose marker counts on one of them. Only where its marker
 * came first it looked like the save before, whose files are listed too, until all of its own were there.
 */
function isDoubtful(
  { listed, histories, versions }: DirectoryListing,
  known: readonly Upload[],
  { versionId, fingerprint }: Upload,
): boolean {
  const isCurrent = listed.marker === undefined && listed.uploads.at(-1)?.versionId === versionId
  const before = known.find((upload) => upload.versionId === versionId)?.fingerprint
  const now = versions.find(({ version }) => version.versionId === versionId)
  const isAnother = before !== undefined && before !== fingerprint
  if (isCurrent || !isAnother || now === undefined || !('content' in now)) return false
  const { version, content } = now
  const cameFirst = [...content].every(
    ([name, file]) =>
      file.seconds > version.seconds &&
      histories.get(name)?.uploads.some(({ seconds }) => seconds <= version.seconds),
  )
  return !cameFirst
}

/** Until then a save whose marker came first may be taken for the one before it. */
function isDeletionKnown(
  { history, checkpoints }: Ledger,
  { key, series, step }: CheckpointPlace,
  { uploads }: KeyVersions,
): boolean {
  const id = stepId(series, step)
  const top = uploads.at(-1)?.versionId
  const isRemoved = history.steps.get(id)?.removal?.key === key
  return top === undefined || isRemoved || checkpoints.get(id)?.evicted?.versionId === top
}

/** Where nothing is left below a marker that is deleted, nothing makes another checkpoint of it. */
async function isSettled(
  bucket: Bucket,
  { key }: CheckpointPlace,
  known: readonly Upload[],
  listed: KeyVersions,
): Promise<boolean> {
  if (listed.uploads.length > 0 && listed.marker === undefined) return false
  const isKnown = listed.uploads.every(({ versionId }) =>
    known.some((upload) => upload.versionId === versionId && upload.fault === undefined),
  )
  return isKnown && !(await isAnythingBelow(bucket, key))
}

function observation(
  { key, series, step }: CheckpointPlace,
  { uploads: listed, marker }: KeyVersions,
  uploads: Upload[],
): Extract<Observation, { kind: 'checkpoint' }> {
  const versionIds = listed.map(({ versionId }) => versionId)
  return { kind: 'checkpoint', series, step, key, uploads, listed: versionIds, marker }
}

/** Every version of a directory as an upload, from the oldest. */
export function uploadsIn(directory: DirectoryListing, key: string): Upload[] {
  const { uploads, marker } = directory.listed
  const current = marker === undefined ? uploads.at(-1)?.versionId : undefined
  return directory.versions.map((each) =>
    uploadOf(directory, key, each, each.version.versionId === current),
  )
}

function uploadOf(
  { marker, histories }: DirectoryListing,
  key: string,
  each: DirectoryVersion,
  isCurrent: boolean,
): Upload {
  const { versionId, etag, seconds, sizeBytes } = each.version
  const common = { key, versionId, etag, seconds, restores: each.restores, gone: false }
  if ('fault' in each) {
    const directory = { marker, files: 0, removed: 0 }
    return { ...common, sizeBytes, fingerprint: undefined, fault: each.fault, directory }
  }
  const { reading, content } = each
  const fault = faultOf(reading, content, histories, isCurrent)
  return {
    ...common,
    sizeBytes: totalBytes(reading, content),
    fingerprint: fault ? undefined : directoryFingerprint(marker, reading, content),
    fault: fault && `${marker}: ${fault.reason}`,
    directory: {
      marker,
      files: reading.files.length,
      removed: fault?.removed ?? 0,
      ...(isCurrent && { newestSeconds: newestSecondsIn(histories) }),
    },
  }
}

function newestSecondsIn(histories: DirectoryListing['histories']): number {
  const newest = [...histories.values()].map(({ uploads }) => uploads.at(-1)?.seconds ?? 0)
  return newest.reduce((latest, seconds) => Math.max(latest, seconds), 0)
}

/** Files without a marker: nobody can tell whether they are all. */
async function observeUnmarked(
  bucket: Bucket,
  place: CheckpointPlace,
  markers: readonly string[],
): Promise<Observation[]> {
  const first = await firstBelow(bucket, place.key)
  const fault = `has neither ${markers.join(' nor ')}, which would say that all of its files are there`
  const upload: Upload = {
    key: place.key,
    versionId: UNMARKED,
    etag: '',
    sizeBytes: 0,
    seconds: first?.seconds ?? 0,
    fingerprint: undefined,
    fault,
    restores: undefined,
    gone: false,
    directory: { marker: undefined, files: 0, removed: 0 },
  }
  const uploads = first === undefined ? [] : [upload]
  const listed = uploads.map(({ key, versionId, etag, sizeBytes, seconds }) => ({
    key,
    versionId,
    etag,
    sizeBytes,
    seconds,
  }))
  return [observation(place, { uploads: listed, marker: undefined }, uploads)]
}

/**
 * Which names in a directory are of its files. Its prefix may hold a run too, whose control files, metrics
 * and checkpoints are nobody else's.
 */
function ownNames(directory: string): (name: string) => boolean {
  return (name) => {
    const meaning = meaningOf(`${directory}${name}`)
    // By a run's own template nothing is said of what lies deeper.
    if (meaning.kind === 'other') return meaningOf(`${directory}x`).kind === 'other'
    return meaning.kind === 'directory' && meaning.directory === pathOf(directory)
  }
}

/** Reads one directory for an effect; nothing where its marker was never there. */
export async function directoryOf(
  bucket: Bucket,
  { key, marker }: { key: string; marker: string },
): Promise<DirectoryListing> {
  return readDirectory(bucket, key, marker, ownNames(key))
}
