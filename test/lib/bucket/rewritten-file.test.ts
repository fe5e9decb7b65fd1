import { createHash } from 'node:crypto'
import type {
  CompleteMultipartUploadCommandInput,
  UploadPartCommandInput,
  UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Bucket, statusOf } from '../../../lib/bucket/bucket.ts'
import { MOVE_LIMITS, prepareFile, type RewrittenFile } from '../../../lib/bucket/rewritten-file.ts'
import { TRANSFER_PARTS } from '../../../lib/bucket/transfer-parts.ts'
import { SHA256, type Written, writeIfAbsent } from '../../../lib/bucket/write.ts'
import { publishedName } from '../../../lib/hook/names.ts'
import { startMiniStack } from '../../../local/ministack.ts'
import { startMoto } from '../../../local/moto.ts'
import { largeCheckpoint, MIB } from '../../fixtures/large-checkpoint.ts'
import { bytesAt, head, liveKeys, put, remove, textAt, type Uploaded } from './objects.ts'
import { callsTo, expectedFile, keyOf, rewriteOf, uploadsLeft } from './rewrites.ts'
import { type StartedStore, startStore } from './store.ts'
import { aroundCalls, type Call } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const FINAL = 'run/best_acc_epoch_1.pth'
const checkpoint = largeCheckpoint({ weights: [20 * MIB, 4 * MIB], optimizer: [3 * MIB] })
const smaller = largeCheckpoint({ weights: [11 * MIB, MIB], optimizer: [MIB] })
const expected = await expectedFile(checkpoint)

describe.each([
  // Computes the SHA-256 of a copy, as AWS does.
  { name: 'moto', start: startMoto, hashedBy: 's3' },
  // Computes none.
  { name: 'MiniStack', start: startMiniStack, hashedBy: 'function' },
] as const)('with $name', ({ start, hashedBy }) => {
  let store: StartedStore
  let bucket: Bucket
  let upload: Uploaded

  beforeAll(async () => {
    store = await startStore(start)
  })
  afterAll(() => store?.stop())
  beforeEach(async () => {
    bucket = await store.newBucket()
    upload = await put(bucket, KEY, checkpoint)
  })

  test(`a large file has the planned bytes, and its hash is computed by ${hashedBy}`, async () => {
    const calls = callsTo(bucket)
    const { written, file } = await make(bucket)
    expect(written).toMatchObject({ kind: 'written' })
    expect(file).toMatchObject({ sha256: expected.sha256, hashedBy })
    await expectDone()
    expect((await head(bucket, FINAL)).metadata).toEqual({ [SHA256]: expected.sha256 })
    expectPartsByTheRules(calls)
    // Most of it S3 copies by itself: only what joins the ranges is sent.
    expect(sumOf(calls.filter(({ name }) => name === 'UploadPart').map(bytesOf))).toBeLessThan(
      11 * MIB,
    )
    expect(calls.filter(({ name }) => name === 'CopyObject')).toHaveLength(1)
  })

  test('a second file is made in the way that the first one showed', async () => {
    await make(bucket)
    const calls = callsTo(bucket)
    const second = `${FINAL}.second`
    const file = await prepareFile(await rewriteOf(bucket, upload))
    expect(await writeIfAbsent(bucket, second, file, undefined)).toMatchObject({ kind: 'written' })
    await file.drop()
    expect(file).toMatchObject({ sha256: expected.sha256, hashedBy })
    expect((await head(bucket, second)).sizeBytes).toBe(expected.bytes.byteLength)
    expectPartsByTheRules(calls)
    expect(calls.some(({ name }) => name === 'CopyObject')).toBe(hashedBy === 's3')
    expect(await uploadsLeft(bucket)).toEqual([])
    expect(await liveKeys(bucket, '.checkpoint-hub/')).toEqual([])
  })

  test('a file that is too large for S3 to hash is read once, and never staged', async () => {
    const calls = callsTo(bucket)
    const limits = { ...MOVE_LIMITS, storeHashBytes: expected.bytes.byteLength - 1 }
    const file = await prepareFile(await rewriteOf(bucket, upload), limits)
    await writeIfAbsent(bucket, FINAL, file, undefined)
    await file.drop()
    expect(file).toMatchObject({ sha256: expected.sha256, hashedBy: 'function' })
    expect(calls.map(({ name }) => name)).not.toContain('CopyObject')
    expect(
      new Set(calls.flatMap(({ input }) => ('UploadId' in input ? keyOf(input) : []))),
    ).toEqual(new Set([FINAL]))
    await expectDone()
  })

  test('three runs in each of two part sizes make the same bytes, hash and name (12)', async () => {
    const source = await put(bucket, KEY, smaller)
    const made = []
    const cuts = []
    for (const longestParts of [TRANSFER_PARTS, { copyBytes: 10 * MIB, sendBytes: 10 * MIB }]) {
      for (let run = 0; run < 3; run += 1) {
        const own = { ...bucket, s3: store.newS3() }
        const calls = callsTo(own)
        const limits = { ...MOVE_LIMITS, wholeBytes: MIB, longestParts }
        const file = await prepareFile(await rewriteOf(own, source), limits)
        const name = publishedName(KEY, file.sha256)
        expect(await writeIfAbsent(own, name, file, undefined)).toMatchObject({ kind: 'written' })
        await file.drop()
        const bytes = (await bytesAt(own, name)) ?? new Uint8Array()
        made.push([name, file.sha256, createHash('sha256').update(bytes).digest('hex')])
        const parts = calls.filter(({ name }) => name.startsWith('UploadPart')).map(bytesOf)
        expect(Math.max(...parts)).toBeLessThanOrEqual(longestParts.copyBytes)
        cuts.push(parts.toSorted().join())
        // So that the next run makes it again.
        await remove(bucket, name)
      }
    }
    const { sha256 } = await expectedFile(smaller)
    const once = [`run/epoch_1-${sha256.slice(0, 8)}.pth`, sha256, sha256]
    expect(made).toEqual(Array(6).fill(once))
    expect(new Set(cuts).size).toBe(2)
  })

  test('a small file is one PUT', async () => {
    const calls = callsTo(bucket)
    const limits = { ...MOVE_LIMITS, wholeBytes: expected.bytes.byteLength }
    const file = await prepareFile(await rewriteOf(bucket, upload), limits)
    await writeIfAbsent(bucket, FINAL, file, undefined)
    await file.drop()
    const names = calls.map(({ name }) => name)
    expect(names.filter((name) => name !== 'GetObject' && name !== 'HeadObject')).toEqual([
      'PutObject',
    ])
    await expectDone()
  })

  test("a trainer's object under the name is left, and found so before the file is", async () => {
    await put(bucket, FINAL, "a trainer's")
    const { written } = await make(bucket)
    expect(written).toMatchObject({ kind: 'foreign' })
    expect(await textAt(bucket, FINAL)).toBe("a trainer's")
    expect(await uploadsLeft(bucket)).toEqual([])
    expect(await liveKeys(bucket, '.checkpoint-hub/')).toEqual([])
  })

  test("a trainer's object that takes the name meanwhile is left", async () => {
    aroundCalls(bucket.s3, async ({ name, input, go }) => {
      const ends = name === 'CompleteMultipartUpload' && keyOf(input) === FINAL
      if (ends) await put({ ...bucket, s3: store.newS3() }, FINAL, "a trainer's")
      await go()
    })
    const { written } = await make(bucket)
    expect(written).toMatchObject({ kind: 'foreign' })
    expect(await textAt(bucket, FINAL)).toBe("a trainer's")
    expect(await uploadsLeft(bucket)).toEqual([])
  })

  test('two workers at once make one file', async () => {
    const other = { ...bucket, s3: store.newS3() }
    const outcomes = await Promise.allSettled([make(bucket), make(other)])
    // One may meet what the other took away; its job comes again, and finds the file. So does one that met the 500
    // with which moto answers now and then where two write at once.
    const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    const are500 = failures.every((error) => (statusOf(error) ?? 0) >= 500)
    expect(failures.length < 2 || are500, String(failures)).toBe(true)
    expect((await make({ ...bucket, s3: store.newS3() })).written).toMatchObject({
      kind: 'written',
    })
    await expectDone()
  })

  async function make(from: Bucket): Promise<{ written: Written; file: RewrittenFile }> {
    const file = await prepareFile(await rewriteOf(from, upload))
    const written = await writeIfAbsent(from, FINAL, file, undefined)
    await file.drop()
    return { written, file }
  }

  async function expectDone(): Promise<void> {
    const bytes = (await bytesAt(bucket, FINAL)) ?? new Uint8Array()
    expect(Buffer.compare(bytes, expected.bytes)).toBe(0)
    expect(await liveKeys(bucket)).toEqual([FINAL, KEY])
    expect(await uploadsLeft(bucket)).toEqual([])
  }
})

/** Of a part that is sent or copied. */
function bytesOf({ name, input }: Call): number {
  if (name === 'UploadPart')
    return ((input as UploadPartCommandInput).Body as Uint8Array).byteLength
  const range = (input as UploadPartCopyCommandInput).CopySourceRange ?? ''
  const [first = 0, last = -1] = range.replace('bytes=', '').split('-').map(Number)
  return last - first + 1
}

/** The stores do not refuse parts that are too small, as S3 does: every part but the last has 5 MiB. */
function expectPartsByTheRules(calls: readonly Call[]): void {
  const uploads = calls.filter(({ name }) => name === 'CompleteMultipartUpload')
  expect(uploads.length).toBeGreaterThan(0)
  for (const { input } of uploads) {
    const { UploadId, MultipartUpload } = input as CompleteMultipartUploadCommandInput
    const sizes = new Map<number, number>()
    for (const call of calls.filter(({ name }) => name.startsWith('UploadPart'))) {
      const part = call.input as UploadPartCommandInput
      if (part.UploadId === UploadId) sizes.set(part.PartNumber ?? 0, bytesOf(call))
    }
    const numbers = (MultipartUpload?.Parts ?? []).map(({ PartNumber = 0 }) => PartNumber)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    for (const number of numbers.slice(0, -1)) {
      expect(sizes.get(number), `part ${number} of ${numbers.length}`).toBeGreaterThanOrEqual(
        5 * MIB,
      )
    }
    expect(sumOf([...sizes.values()])).toBe(expected.bytes.byteLength)
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
