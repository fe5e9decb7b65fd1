/**
 * Whether a bucket's version history is one that the hub may leave: nothing that a trainer uploaded is
 * gone, and nothing was deleted but what was to be. Pure: told the history, the uploads and the fates.
 */
import type { BucketHistory, Version } from './bucket-history.ts'

/** What a trainer uploaded, as S3 answered it. */
export interface Uploaded {
  key: string
  versionId: string
  /** Without quotes. */
  etag: string
}

/** A checkpoint's key, in the order of lives and steps, and whether it is to stay. */
export interface CheckpointFate {
  key: string
  stays: boolean
}

/** What the hub makes, and may take back once something else has its place. */
const MADE = /(^|\/)best_[^/]*\.pth$|-[0-9a-f]{8}\.pth$/

/**
 * Judges a history.
 *
 * @param uploads everything that the trainer uploaded, in its order
 * @param fates of every checkpoint of the run
 * @returns what is wrong, a sentence each; nothing where all is as it may be
 */
export function judgeHistory(
  history: BucketHistory,
  uploads: readonly Uploaded[],
  fates: readonly CheckpointFate[],
): string[] {
  const staying = new Map(fates.map(({ key, stays }) => [key, stays]))
  const own = new Map(uploads.map((each) => [each.key, each]))
  const wrong = uploads.flatMap((each) => missing(each, history))
  for (const [key, versions] of history) {
    const upload = own.get(key)
    const stays = staying.get(key)
    const markers = versions.filter(({ etag }) => etag === undefined)
    if (stays !== undefined && upload !== undefined)
      wrong.push(...misplaced(key, versions, upload, stays))
    else if (upload === undefined && MADE.test(key)) continue
    else if (markers.length > 0) wrong.push(`${key} was deleted, which nothing asks for`)
  }
  return [...wrong, ...deletedTooEarly(history, uploads, fates)]
}

function missing({ key, versionId, etag }: Uploaded, history: BucketHistory): string[] {
  const version = history.get(key)?.find((each) => each.versionId === versionId)
  if (version === undefined) return [`${key}: the version ${versionId} is gone`]
  return version.etag === etag ? [] : [`${key}: the version ${versionId} has other bytes`]
}

/** A checkpoint that is not where it is to be, or is not what was uploaded. */
function misplaced(
  key: string,
  versions: readonly Version[],
  upload: Uploaded,
  stays: boolean,
): string[] {
  const top = versions.at(-1)
  const isLive = top?.etag !== undefined
  const others = versions.filter(({ etag }) => etag !== undefined && etag !== upload.etag)
  const doubled = versions.filter(
    ({ etag }, at) => etag === undefined && versions[at - 1]?.etag === undefined,
  )
  return [
    ...(stays && !isLive ? [`${key} is to stay and is below a delete marker`] : []),
    ...(!stays && isLive ? [`${key} is to be evicted and is there`] : []),
    ...others.map(
      ({ versionId }) => `${key}: the version ${versionId} is no upload of the trainer`,
    ),
    ...doubled.map(({ versionId }) => `${key}: the marker ${versionId} deletes nothing`),
  ]
}

/**
 * Markers that were set before a later step was there. Whether the copy of a best was made first cannot be asked
 * here: a checkpoint may have been evicted before its metrics came, and is then copied from where it lies.
 */
function deletedTooEarly(
  history: BucketHistory,
  uploads: readonly Uploaded[],
  fates: readonly CheckpointFate[],
): string[] {
  const order = fates.map(({ key }) => key)
  const arrived = new Map(
    uploads.map(({ key, versionId }) => [
      key,
      history.get(key)?.find((each) => each.versionId === versionId)?.at ??
        Number.POSITIVE_INFINITY,
    ]),
  )
  const wrong: string[] = []
  for (const [at, key] of order.entries()) {
    const markers = (history.get(key) ?? []).filter(({ etag }) => etag === undefined)
    const successor = Math.min(
      ...order.slice(at + 1).map((each) => arrived.get(each) ?? Number.POSITIVE_INFINITY),
    )
    for (const marker of markers) {
      if (marker.at < successor) wrong.push(`${key} was deleted as the newest checkpoint`)
    }
  }
  return wrong
}
