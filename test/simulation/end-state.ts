/** How a schedule ended: the live objects and the hub, without what invariant 6 excepts. */
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { DIRECTORY_MARKER } from './contents.ts'
import type { Services } from './reference.ts'
import { md5Of } from './s3/versions.ts'

export interface EndState {
  /** The MD5 of what lies under each key. */
  readonly objects: Record<string, string>
  /** What the hub says of the run, by entry. */
  readonly hub: Record<string, unknown>
}

/** Entries that tell of what was done, not of what is. */
const APART = /^effect#/
/** Attributes that tell when and how often, or by which version. */
const ATTRIBUTES_APART = new Set([
  'run',
  'entry',
  'version',
  'commit',
  'recent_commits',
  'next_effect',
  'retired_copies',
  'withdrawn_versions',
  'evicted_version',
  'unstripped',
  'first_upload',
  'last_upload',
  'hashed_by',
  // It counts from when the hub deleted.
  'restorable_until',
])

export function endStateOf({ s3, dynamodb }: Services, run: string): EndState {
  const objects: Record<string, string> = {}
  for (const key of s3.versions.keys()) {
    const current = s3.versions.current(key)
    if (current === undefined || key.startsWith('.checkpoint-hub/')) continue
    objects[key] = md5Of(current.object.bytes)
  }
  const isTrainers = (key: string, versionId: string) =>
    s3.versions.find(key, versionId)?.by === 'trainer'
  const hub: Record<string, unknown> = {}
  for (const [entry, item] of [...dynamodb.partition(run)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    if (!APART.test(entry)) hub[entry] = shown(entry, unmarshall(item), isTrainers)
  }
  return { objects, hub }
}

interface ShownUpload {
  readonly key: string
  readonly version_id: string
  readonly gone?: boolean
  readonly directory?: { readonly marker?: string; readonly newest_seconds?: number }
}

type IsTrainers = (key: string, versionId: string) => boolean

function shown(entry: string, item: Record<string, unknown>, isTrainers: IsTrainers): unknown {
  const kept = Object.fromEntries(
    Object.entries(item).filter(([name]) => !ATTRIBUTES_APART.has(name)),
  )
  if (entry.startsWith('step#')) {
    const uploads = (kept['uploads'] ?? []) as ShownUpload[]
    const removed = kept['removed'] as { key: string } | undefined
    return {
      ...kept,
      // Of markers on markers the hub knows the time of that which it saw first.
      removed: removed?.key,
      uploads: uploads
        .filter(
          ({ key, version_id, directory }) =>
            directory?.marker === undefined || isTrainers(`${key}${directory.marker}`, version_id),
        )
        .filter(({ key, version_id, directory }) => directory || isTrainers(key, version_id))
        .map(({ gone: _, directory, ...upload }) => {
          // It depends on when the hub looked.
          const { newest_seconds: __, ...mark } = directory ?? {}
          return directory ? { ...upload, directory: mark } : upload
        }),
    }
  }
  if (entry.startsWith('artifact#')) {
    const { version_id: _, etag: __, source, ...artifact } = kept
    // Of uploads of the same bytes any will do.
    const { version_id: ___, ...bytes } = (source ?? {}) as { version_id?: string }
    return { ...artifact, source: bytes }
  }
  if (entry === 'runtime_info') {
    const { key } = (kept['oldest_kept'] ?? {}) as { key?: string }
    return { ...kept, oldest_kept: key }
  }
  return kept
}

/**
 * Copies that a job wrote once more when it was handed out twice, and died before it could say so. The hub does not
 * know of them, and never deletes what it does not know: docs/decisions/0026.
 */
export function straysIn({ s3, dynamodb }: Services, run: string): string[] {
  const entries = dynamodb.partition(run)
  return s3.versions.keys().filter((key) => {
    const isCopy = /\/(best_[^/]*|[^/]*-[0-9a-f]{8}(\.hub)?\.\w+)$/.test(key)
    const isOwn = s3.versions.current(key)?.by === 'hub'
    return isCopy && isOwn && !entries.has(`artifact#${key}`)
  })
}

/**
 * Files of a directory whose marker came first, was the same bytes as the one before, and so looked like that save, with
 * which it was evicted. The hub cannot tell them from those of yet another save, and deletes none: docs/decisions/0026.
 */
export function leftBelowEvicted({ s3: { versions } }: Services): string[] {
  return versions.keys().filter((key) => {
    const file = versions.current(key)
    const ofMarker = versions.of(key.replace(/[^/]*$/, DIRECTORY_MARKER))
    const top = ofMarker.at(-1)
    if (file?.by !== 'trainer' || top?.by !== 'hub' || top.object !== undefined) return false
    const [marker, before] = ofMarker.filter(({ by }) => by === 'trainer').toReversed()
    const isLikeBefore = marker?.object !== undefined && marker.object.etag === before?.object?.etag
    return isLikeBefore && file.createdMs > marker.createdMs
  })
}

/** What differs, in words; nothing where the two are the same. */
export function differences(found: EndState, expected: EndState): string[] {
  const [is, should] = [found, expected].map(withoutLastOfNothing) as [EndState, EndState]
  return differencesIn(is, should)
}

/** Where no checkpoint is left `last_checkpoint` stays as it is: whichever was written last. */
function withoutLastOfNothing({ objects, hub }: EndState): EndState {
  const info = hub['runtime_info']
  if (!isMap(info) || info['last_ckpt'] !== undefined) return { objects, hub }
  const { last_checkpoint_text: _, ...kept } = info
  return {
    objects: Object.fromEntries(
      Object.entries(objects).filter(([key]) => !/(^|\/)last_checkpoint$/.test(key)),
    ),
    hub: { ...hub, runtime_info: kept },
  }
}

function differencesIn(found: EndState, expected: EndState): string[] {
  return [
    ...differing('object', found.objects, expected.objects),
    ...differing('hub', found.hub, expected.hub),
  ]
}

function differing(what: string, found: unknown, expected: unknown): string[] {
  if (isMap(found) && isMap(expected)) {
    const names = new Set([...Object.keys(found), ...Object.keys(expected)])
    return [...names]
      .toSorted()
      .flatMap((name) => differing(`${what} ${name}`, found[name], expected[name]))
  }
  const [is, should] = [found, expected].map(canonical)
  return is === should ? [] : [`${what}: is ${is}, should be ${should}`]
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text that is the same for maps that are equal. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, each: unknown) =>
      isMap(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    ) ?? 'nothing'
  )
}
