/** The checkpoints that are published, and the buckets that they lie in. */
import { execFile } from 'node:child_process'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { clientOf } from './engine.ts'

/** Kinds of models, as `make_checkpoint.py` knows them. */
export const SHAPES = ['language-model', 'resnet', 'language-model-float32'] as const
/** Those that are compared where nobody names others. */
export const COMPARED: readonly (typeof SHAPES)[number][] = ['language-model', 'resnet']
const SCRIPT = fileURLToPath(new URL('./make_checkpoint.py', import.meta.url))
/** The emulator takes larger ones far more slowly. */
const PART_BYTES = 8 * 1024 ** 2
const UNITS: Record<string, number> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

export interface Case {
  shape: string
  order: string
  /** In bytes, about. */
  size: number
}

export interface BenchBucket {
  name: string
  s3: S3Client
  /** Of an object, in bytes. */
  size(key: string): Promise<number>
}

/** @throws {TypeError} for a text like `1 GB` */
export function sizeOf(text: string): number {
  const [, count, unit] = /^(\d+)(KiB|MiB|GiB)$/.exec(text) ?? []
  const factor = UNITS[unit ?? '']
  if (count === undefined || factor === undefined) {
    throw new TypeError(`expected a size such as 256MiB or 4GiB, got ${text}`)
  }
  return Number(count) * factor
}

let buckets = 0

/** With versions, as the stack's own. */
export async function newBucket(endpoint: string): Promise<BenchBucket> {
  const s3 = clientOf(endpoint)
  buckets += 1
  const name = `bench-${buckets}`
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }))
  const size = async (Key: string) => {
    const head = await s3.send(new HeadObjectCommand({ Bucket: name, Key }))
    return head.ContentLength ?? 0
  }
  return { name, s3, size }
}

/** Lets torch write a checkpoint, and tells where. */
export async function makeSource(
  python: string,
  folder: string,
  { shape, order, size }: Case,
): Promise<string> {
  const path = join(folder, 'checkpoint.pth')
  console.error(`${shape}, ${order} storage order, about ${size / 1024 ** 2} MiB`)
  await promisify(execFile)(python, [SCRIPT, shape, order, String(size), path])
  return path
}

/** Uploads a checkpoint. */
export async function uploadSource(
  bucket: BenchBucket,
  path: string,
): Promise<{ key: string; sizeBytes: number }> {
  const { size: sizeBytes } = await stat(path)
  const key = 'run/epoch_12.pth'
  await upload(bucket, key, path, sizeBytes)
  return { key, sizeBytes }
}

async function upload({ s3, name }: BenchBucket, Key: string, path: string, sizeBytes: number) {
  const object = { Bucket: name, Key }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object))
  const file = await open(path)
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (let offset = 0; offset < sizeBytes; offset += PART_BYTES) {
    const length = Math.min(PART_BYTES, sizeBytes - offset)
    const { buffer: Body } = await file.read(new Uint8Array(length), 0, length, offset)
    const PartNumber = offset / PART_BYTES + 1
    const part = new UploadPartCommand({ ...object, UploadId, PartNumber, Body })
    Parts.push({ PartNumber, ETag: (await s3.send(part)).ETag })
  }
  await file.close()
  const MultipartUpload = { Parts }
  await s3.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }))
}
