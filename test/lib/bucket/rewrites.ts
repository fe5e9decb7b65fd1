/** Rewrites of checkpoints in a bucket, and what is left of them. */
import { createHash } from 'node:crypto'
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { ALL_TIME, type TimeLeft } from '../../../lib/bucket/deadline.ts'
import { rememberEnds } from '../../../lib/bucket/ends-reader.ts'
import { objectReader } from '../../../lib/bucket/object-reader.ts'
import type { Rewrite } from '../../../lib/bucket/rewritten-file.ts'
import { type RangeReader, readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { assemble, planRewrite, readCheckpoint } from '../../../lib/checkpoint/rewrite.ts'
import type { Uploaded } from './objects.ts'
import { aroundCalls, type Call } from './wire.ts'

/** The rewrite of an upload to a file without its optimizer. */
export async function rewriteOf(
  bucket: Bucket,
  upload: Uploaded,
  timeLeft: TimeLeft = ALL_TIME,
): Promise<Rewrite> {
  const reader = rememberEnds(objectReader(bucket, upload))
  return { source: { bucket, ...upload }, reader, plan: await planOf(reader), timeLeft }
}

async function planOf(reader: RangeReader) {
  return planRewrite(await readCheckpoint(reader), (key) => key !== 'optimizer')
}

/** What the file must be: put together in memory, by no part of what is tested. */
export async function expectedFile(
  checkpoint: Uint8Array,
): Promise<{ bytes: Uint8Array; sha256: string }> {
  const reader = readerOver(checkpoint)
  const chunks = await Array.fromAsync(assemble(reader, await planOf(reader)))
  const bytes = Buffer.concat(chunks)
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** The keys of uploads that nobody ended. */
export async function uploadsLeft(bucket: Bucket): Promise<string[]> {
  const list = new ListMultipartUploadsCommand({ Bucket: bucket.name })
  return ((await bucket.s3.send(list)).Uploads ?? []).map(({ Key = '' }) => Key)
}

/** Notes the calls of a client from now on. */
export function callsTo({ s3 }: Bucket): Call[] {
  const calls: Call[] = []
  aroundCalls(s3, async (call) => {
    calls.push(call)
    await call.go()
  })
  return calls
}

/** The key that a call is about. */
export function keyOf(input: object): string {
  return (input as { Key?: string }).Key ?? ''
}
