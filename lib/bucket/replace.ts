/** Replacing what a trainer uploaded by a rewritten form of it, under its own key. */
import type { Bucket } from './bucket.ts'
import { headOf, versionIn } from './head.ts'
import { objectProperties } from './properties.ts'
import { RESTORES } from './restore.ts'
import type { ListedVersion } from './versions.ts'
import type { Put } from './write.ts'

/** User metadata of a stripped object: the version that it was made from, its ETag, and the keys that went. */
const STRIPS = 'checkpoint-hub-strips'
const OVER = 'checkpoint-hub-over'
const DROPPED = 'checkpoint-hub-dropped'

/** What is under the key afterwards. */
export type Replaced =
  | { kind: 'replaced'; version: ListedVersion }
  /** Another object, or none: the one to replace had gone. */
  | { kind: 'other' }

/** What an object's user metadata says of a strip; nothing where it says nothing. */
export function stripIn(
  metadata: Record<string, string>,
): { versionId: string; etag: string; droppedKeys: string[] } | undefined {
  const { [STRIPS]: versionId, [OVER]: etag, [DROPPED]: dropped } = metadata
  if (versionId === undefined || etag === undefined || dropped === undefined) return undefined
  return { versionId, etag, droppedKeys: dropped.split(',') }
}

/**
 * Writes a stripped checkpoint over the version that it was made from, and over no other. Where nothing is
 * under the key any more, nothing is written.
 *
 * @param source the version to replace
 * @throws the S3 error where the outcome is not known; replacing again is safe
 */
export async function replaceVersion(
  bucket: Bucket,
  source: Pick<ListedVersion, 'key' | 'versionId' | 'etag'>,
  { put }: { put: Put },
  droppedKeys: readonly string[],
): Promise<Replaced> {
  const { key, versionId, etag } = source
  const properties = await objectProperties(bucket, source)
  if (properties === undefined) return { kind: 'other' }
  const { [RESTORES]: _, ...Metadata } = properties.Metadata
  const tokens = { [STRIPS]: versionId, [OVER]: etag, [DROPPED]: droppedKeys.join(',') }
  const stripped = { ...properties, Metadata: { ...Metadata, ...tokens } }
  // Refused by another object, by none, or by our own success whose answer was lost.
  await put({ bucket, key, properties: stripped, condition: { IfMatch: `"${etag}"` } })
  return whatReplaced(bucket, source, tokens)
}

async function whatReplaced(
  bucket: Bucket,
  { key }: Pick<ListedVersion, 'key'>,
  tokens: Record<string, string>,
): Promise<Replaced> {
  const head = await headOf(bucket, key)
  const isOurs = Object.entries(tokens).every(([name, value]) => head?.Metadata?.[name] === value)
  if (head === undefined || !isOurs) return { kind: 'other' }
  return { kind: 'replaced', version: versionIn(head, key) }
}
