/** Invariants 2 and 5 at the end of a schedule, told from what was uploaded alone. */
import { bytesOf, type Content, DIRECTORY_MARKER, type Shape } from './contents.ts'
import type { Version } from './s3/versions.ts'
import type { World } from './world.ts'

/** The newest whole upload is there, unless a person removed it, and no torn one is last or best. */
export function checkLast({ schedule, s3, dynamodb, watch }: World): void {
  const { versions, bucketName } = s3
  const contents = schedule.acts.flatMap((act) => (act.kind === 'put' ? [act.content] : []))
  // What came of a directory that was removed is not told from its marker.
  const isTold = !schedule.acts.some(
    (act) => act.kind === 'delete' && act.key.endsWith(`/${DIRECTORY_MARKER}`),
  )
  const those = isTold ? newest(s3.versions, setOf(contents, 'whole', 'bare')) : []
  if (those.length > 0 && !those.some(({ key }) => versions.current(key) !== undefined)) {
    watch.violated(`${those.map(({ key }) => key).join(', ')} is the newest, and is gone (2)`)
  }
  const torn = setOf(contents, 'torn')
  for (const [entry, item] of dynamodb.partition(schedule.run)) {
    const uri = item['last_ckpt']?.S ?? (entry.startsWith('best#') ? item['source']?.S : undefined)
    if (uri === undefined) continue
    const key = uri.slice(`s3://${bucketName}/`.length)
    const versionId = item['source_version_id']?.S
    const version = versionId === undefined ? versions.top(key) : versions.find(key, versionId)
    if (version?.object !== undefined && torn.has(version.object.bytes)) {
      watch.violated(`${entry} names ${key}, which is torn (5)`)
    }
  }
}

/** Markers are uploaded whole. */
function setOf(contents: readonly Content[], ...shapes: Shape[]): Set<Uint8Array> {
  const those = contents.filter((each) => {
    return each.kind !== 'text' && shapes.includes(each.kind === 'marker' ? 'whole' : each.shape)
  })
  return new Set(those.map(bytesOf))
}

/**
 * The whole uploads of the latest second; none where a person removed one of them: what was evicted before is not
 * brought back in its stead.
 */
function newest(versions: World['s3']['versions'], whole: ReadonlySet<Uint8Array>): Version[] {
  const tops = versions.keys().flatMap((key) => {
    const own = versions.of(key).filter(({ by }) => by === 'trainer')
    const top = own.findLast(({ object }) => object !== undefined)
    if (top?.object === undefined || !whole.has(top.object.bytes)) return []
    return [{ top, seconds: secondsOf(own, top.object.bytes), isRemoved: own.at(-1) !== top }]
  })
  const latest = Math.max(...tops.map(({ seconds }) => seconds))
  const those = tops.filter(({ seconds }) => seconds === latest)
  return those.some(({ isRemoved }) => isRemoved) ? [] : those.map(({ top }) => top)
}

/** An upload of the same bytes as the one before under its key is no new fact, and keeps its time. */
function secondsOf(own: readonly Version[], bytes: Uint8Array): number {
  const uploads = own.filter(({ object }) => object !== undefined)
  const before = uploads.findLastIndex(({ object }) => object?.bytes !== bytes)
  return Math.floor((uploads[before + 1]?.createdMs ?? 0) / 1000)
}
