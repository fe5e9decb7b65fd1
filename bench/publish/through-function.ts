/**
 * Publishes the plain way: `through-function.ts ENDPOINT BUCKET KEY OUT_KEY WORK_FOLDER`. Downloads the
 * checkpoint by parallel ranges, filters it on disk, uploads it by parallel parts. The filter is the hub's
 * own, so that nothing but the moving is compared. Prints what it cost as JSON.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { assemble, planRewrite, readCheckpoint } from '../../lib/checkpoint/rewrite.ts'
import { counted } from './counted.ts'
import { clientOf, isPublished, printFigures } from './engine.ts'

const RANGE_BYTES = 8 * 1024 ** 2
const AT_ONCE = 8

const [endpoint = '', bucket = '', key = '', outKey = '', folder = ''] = process.argv.slice(2)
const s3 = clientOf(endpoint)
const count = counted(s3)
const started = performance.now()

const source = join(folder, 'source.pth')
const target = join(folder, 'published.pth')
const file = await open(source, 'w+')
const sizeBytes = await download(s3, file)
const downloaded = performance.now()
const reader = {
  sizeBytes,
  read: async (offset: number, lengthBytes: number) => {
    const { buffer } = await file.read(new Uint8Array(lengthBytes), 0, lengthBytes, offset)
    return buffer
  },
}
const plan = planRewrite(await readCheckpoint(reader), isPublished)
const out = await open(target, 'w+')
const hash = createHash('sha256')
for await (const chunk of assemble(reader, plan, RANGE_BYTES)) {
  hash.update(chunk)
  await out.write(chunk)
}
const sha256 = hash.digest('hex')
const filtered = performance.now()
await upload(s3, out, plan.sizeBytes, sha256)
const uploaded = performance.now()
await Promise.all([file.close(), out.close(), unlink(source), unlink(target)])
const processorSeconds = (filtered - downloaded) / 1000
const spent = {
  download: (downloaded - started) / 1000,
  processor: processorSeconds,
  upload: (uploaded - filtered) / 1000,
}
printFigures({ started, count, hashedBytes: 0, processorSeconds, spent })

async function download(client: S3Client, to: FileHandle): Promise<number> {
  const object = { Bucket: bucket, Key: key }
  const { ContentLength = 0 } = await client.send(new HeadObjectCommand(object))
  await inParallel(ContentLength, async (offset, lengthBytes) => {
    const Range = `bytes=${offset}-${offset + lengthBytes - 1}`
    const { Body } = await client.send(new GetObjectCommand({ ...object, Range }))
    const bytes = await Body?.transformToByteArray()
    if (bytes !== undefined) await to.write(bytes, 0, bytes.byteLength, offset)
  })
  return ContentLength
}

async function upload(client: S3Client, from: FileHandle, sizeBytes: number, sha256: string) {
  const object = { Bucket: bucket, Key: outKey }
  const begun = new CreateMultipartUploadCommand({ ...object, Metadata: { sha256 } })
  const { UploadId } = await client.send(begun)
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  await inParallel(sizeBytes, async (offset, lengthBytes) => {
    const { buffer: Body } = await from.read(new Uint8Array(lengthBytes), 0, lengthBytes, offset)
    const PartNumber = offset / RANGE_BYTES + 1
    const part = new UploadPartCommand({ ...object, UploadId, PartNumber, Body })
    Parts.push({ PartNumber, ETag: (await client.send(part)).ETag })
  })
  const MultipartUpload = { Parts: Parts.toSorted((a, b) => a.PartNumber - b.PartNumber) }
  await client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }))
}

/** Ranges of a file, several at once. */
async function inParallel(
  sizeBytes: number,
  move: (offset: number, lengthBytes: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const work = async () => {
    for (let offset = next; offset < sizeBytes; offset = next) {
      next += RANGE_BYTES
      await move(offset, Math.min(RANGE_BYTES, sizeBytes - offset))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
