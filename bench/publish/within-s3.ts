/** Publishes with the hub's own engine: `within-s3.ts ENDPOINT BUCKET KEY OUT_KEY`. Prints what it cost as JSON. */
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { bareEtag } from '../../lib/bucket/bucket.ts'
import { ALL_TIME } from '../../lib/bucket/deadline.ts'
import { rememberEnds } from '../../lib/bucket/ends-reader.ts'
import { keepYoungSpaceSmall } from '../../lib/bucket/garbage.ts'
import { objectReader } from '../../lib/bucket/object-reader.ts'
import { prepareFile } from '../../lib/bucket/rewritten-file.ts'
import { SHA256 } from '../../lib/bucket/write.ts'
import type { RangeReader } from '../../lib/checkpoint/range-reader.ts'
import { planRewrite, type RewritePlan, readCheckpoint } from '../../lib/checkpoint/rewrite.ts'
import { counted } from './counted.ts'
import { clientOf, isPublished, printFigures } from './engine.ts'

const [endpoint = '', name = '', key = '', outKey = ''] = process.argv.slice(2)
keepYoungSpaceSmall()
const bucket = { s3: clientOf(endpoint), name }
const count = counted(bucket.s3)
const started = performance.now()

const head = await bucket.s3.send(new HeadObjectCommand({ Bucket: name, Key: key }))
const source = {
  bucket,
  key,
  versionId: head.VersionId ?? 'null',
  etag: bareEtag(head.ETag),
  sizeBytes: head.ContentLength ?? 0,
}
const reader = rememberEnds(objectReader(bucket, source))
const opened = performance.now()
const plan = await planOf(reader)
// A few small reads are in it.
const processorSeconds = (performance.now() - opened) / 1000
const file = await prepareFile({ source, reader, plan, timeLeft: ALL_TIME })
await file.put({
  bucket,
  key: outKey,
  condition: { IfNoneMatch: '*' },
  properties: {
    ContentType: 'application/octet-stream',
    Metadata: { [SHA256]: file.sha256 },
  },
})
await file.drop()

// Of these sizes a file is staged, and read there whole.
const hashedBytes = file.hashedBy === 'function' ? plan.sizeBytes : 0
printFigures({ started, count, hashedBytes, processorSeconds, spent: count.spent() })

/** As the function does: what is read to plan is not held while bytes are moved. */
async function planOf(reader: RangeReader): Promise<RewritePlan> {
  return planRewrite(await readCheckpoint(reader), isPublished)
}
