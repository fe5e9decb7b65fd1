/** Sees that a file that was fetched has the bytes of its object. */
import { createHash } from 'node:crypto'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import type { Bucket } from '../../lib/bucket/bucket.ts'
import type { FoundObject } from '../../lib/bucket/look-up.ts'
import { openFile } from '../../lib/files/file-reader.ts'

/** What a file is held against. */
export type Expected =
  | { readonly by: 'sha256'; readonly sha256: string }
  /** The ETag of an upload in one part is its MD5; of one in parts the MD5 of their MD5s. */
  | { readonly by: 'etag'; readonly etag: string; readonly partBytes: number }
  /** Encrypted by a key of KMS, or put together of unequal parts: the ETag says nothing about the bytes. */
  | { readonly by: 'size' }

const READ_BYTES = 8 * 1024 * 1024

/**
 * Finds out what there is to hold a file against.
 *
 * @param sha256 of the object, in hexadecimal, where the hub knows it
 */
export async function expectedOf(
  bucket: Bucket,
  { key, versionId, etag, sizeBytes }: FoundObject,
  sha256: string | undefined,
): Promise<Expected> {
  if (sha256 !== undefined) return { by: 'sha256', sha256 }
  const [, md5, count] = /^([0-9a-f]{32})(?:-(\d+))?$/.exec(etag) ?? []
  if (md5 === undefined) return { by: 'size' }
  const version = versionId === 'null' ? {} : { VersionId: versionId }
  const partSize = async (PartNumber: number) => {
    const asked = { Bucket: bucket.name, Key: key, ...version, PartNumber }
    return bucket.s3.send(new HeadObjectCommand(asked))
  }
  if (count === undefined) {
    const { ServerSideEncryption: kind = 'AES256' } = await partSize(1)
    return kind === 'AES256'
      ? { by: 'etag', etag, partBytes: Math.max(1, sizeBytes) }
      : { by: 'size' }
  }
  const parts = Number(count)
  const first = await partSize(1)
  const partBytes = first.ContentLength ?? 0
  const isEven = partBytes > 0 && Math.ceil(sizeBytes / partBytes) === parts
  const isPlain = (first.ServerSideEncryption ?? 'AES256') === 'AES256'
  if (!isEven || !isPlain || first.PartsCount !== parts) return { by: 'size' }
  const beforeLast = parts > 2 ? await partSize(parts - 1) : first
  return beforeLast.ContentLength === partBytes ? { by: 'etag', etag, partBytes } : { by: 'size' }
}

/** Whether a file holds what is expected; its size is right. */
export async function isAsExpected(path: string, expected: Expected): Promise<boolean> {
  if (expected.by === 'size') return true
  const file = await openFile(path)
  try {
    if (expected.by === 'sha256') {
      const all = { offset: 0, lengthBytes: file.sizeBytes }
      return (await hashOf(file, 'sha256', all)).toString('hex') === expected.sha256
    }
    const { etag, partBytes } = expected
    const hashes: Buffer[] = []
    for (let offset = 0; offset === 0 || offset < file.sizeBytes; offset += partBytes) {
      const lengthBytes = Math.min(partBytes, file.sizeBytes - offset)
      hashes.push(await hashOf(file, 'md5', { offset, lengthBytes }))
    }
    return etagOf(hashes, etag.includes('-')) === etag
  } finally {
    await file.close()
  }
}

function etagOf(hashes: readonly Buffer[], isInParts: boolean): string {
  const [only = Buffer.of()] = hashes
  if (!isInParts) return only.toString('hex')
  const md5 = createHash('md5').update(Buffer.concat(hashes)).digest('hex')
  return `${md5}-${hashes.length}`
}

async function hashOf(
  file: Awaited<ReturnType<typeof openFile>>,
  algorithm: 'sha256' | 'md5',
  { offset, lengthBytes }: { offset: number; lengthBytes: number },
): Promise<Buffer> {
  const hash = createHash(algorithm)
  for (let at = 0; at < lengthBytes; at += READ_BYTES) {
    hash.update(await file.read(offset + at, Math.min(READ_BYTES, lengthBytes - at)))
  }
  return hash.digest()
}
