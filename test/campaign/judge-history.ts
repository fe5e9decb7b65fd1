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

/** A checkpoint's key, and whether it is to stay. */
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
  const own = Map.groupBy(uploads, ({ key }) => key)
  const wrong = uploads.flatMap((each) => missing(each, history))
  for (const [key, versions] of history) {
    const ofKey = own.get(key)
    const stays = staying.get(key)
    if (ofKey === undefined && MADE.test(key)) continue
    if (stays !== undefined && ofKey !== undefined) {
      wrong.push(...misplaced(key, versions, ofKey, stays))
    } else if (versions.some(({ etag }) => etag === undefined)) {
      wrong.push(`${key} was deleted, which nothing asks for`)
    }
  }
  const checkpoints = uploads.filter(({ key }) => staying.has(key))
  return [...wrong, ...deletedAsNewest(history, checkpoints)]
}

function missing({ key, versionId, etag }: Uploaded, history: BucketHistory): string[] {
  const version = history.get(key)?.find((each) => each.versionId === versionId)
  if (version === undefined) return [`${key}: the version ${versionId} is gone`]
  return version.etag === etag ? [] : [`${key}: the version ${versionId} has other bytes`]
}

/** A checkpoint that is not where it is to be, or is not what was uploaded last. */
function misplaced(
  key: string,
  versions: readonly Version[],
  uploads: readonly Uploaded[],
  stays: boolean,
): string[] {
  const top = versions.at(-1)?.etag
  const known = new Set<string | undefined>([undefined, ...uploads.map(({ etag }) => etag)])
  const strange = versions.filter(({ etag }) => !known.has(etag))
  const doubled = versions.filter(
    ({ etag }, at) => etag === undefined && versions[at - 1]?.etag === undefined,
  )
  return [
    ...(stays && top === undefined ? [`${key} is to stay and is below a delete marker`] : []),
    ...(stays && top !== undefined && top !== uploads.at(-1)?.etag
      ? [`${key} is not what was uploaded last`]
      : []),
    ...(!stays && top !== undefined ? [`${key} is to be evicted and is there`] : []),
    ...strange.map(
      ({ versionId }) => `${key}: the version ${versionId} is no upload of the trainer`,
    ),
    ...doubled.map(({ versionId }) => `${key}: the marker ${versionId} deletes nothing`),
  ]
}

/**
 * Markers that were set before the trainer had uploaded another checkpoint after the one below. Whether the copy
 * of a best was made first cannot be asked here: a checkpoint may have been evicted before its metrics came, and
 * is then copied from where it lies.
 */
function deletedAsNewest(history: BucketHistory, checkpoints: readonly Uploaded[]): string[] {
  const arrivals = checkpoints.map(
    ({ key, versionId }) =>
      history.get(key)?.find((each) => each.versionId === versionId)?.at ??
      Number.POSITIVE_INFINITY,
  )
  const wrong: string[] = []
  for (const key of new Set(checkpoints.map((each) => each.key))) {
    const versions = history.get(key) ?? []
    for (const [at, marker] of versions.entries()) {
      const below = versions[at - 1]?.etag
      if (marker.etag !== undefined || below === undefined) continue
      const deleted = checkpoints.findLastIndex((each) => each.key === key && each.etag === below)
      const isFollowed = checkpoints.some(
        (each, place) => place > deleted && each.key !== key && (arrivals[place] ?? 0) <= marker.at,
      )
      if (!isFollowed) wrong.push(`${key} was deleted as the newest checkpoint`)
    }
  }
  return wrong
}
