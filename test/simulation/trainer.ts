/** What a trainer does, at its time. */
import { bytesOf } from './contents.ts'
import { etagOfParts } from './s3/multipart.ts'
import { md5Of } from './s3/versions.ts'
import type { Act } from './schedule.ts'
import type { World } from './world.ts'

/** Puts all acts of a schedule on its timeline. */
export function letTrain(world: World): void {
  for (const act of world.schedule.acts) {
    world.timeline.after(act.atMs, () => {
      world.tally.acted(act.what)
      world.tell(`the trainer: ${act.what} ${act.key}`)
      perform(world, act)
    })
  }
}

function perform({ s3: { versions }, timeline }: World, act: Act): void {
  if (act.kind === 'delete') {
    versions.add(act.key, timeline.nowMs, 'trainer', undefined)
    return
  }
  const bytes = bytesOf(act.content)
  const isInParts = act.begunMsBefore !== undefined
  const etag = isInParts ? etagOfParts([md5Of(bytes)]) : md5Of(bytes)
  const object = { bytes, etag, metadata: {}, contentType: undefined, sha256: undefined }
  // An upload over another one counts from its end: docs/decisions/0026 says what is not mended yet.
  const isFirst = versions.of(act.key).length === 0
  const tookMs = isFirst ? (act.begunMsBefore ?? 0) : 0
  versions.add(act.key, timeline.nowMs - tookMs, 'trainer', object)
}
