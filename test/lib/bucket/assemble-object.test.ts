import { UploadPartCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Assembly, assembleObject } from '../../../lib/bucket/assemble-object.ts'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { ALL_TIME } from '../../../lib/bucket/deadline.ts'
import { findUpload, type MultipartUpload } from '../../../lib/bucket/multipart.ts'
import { objectReader } from '../../../lib/bucket/object-reader.ts'
import { versionsOf } from '../../../lib/bucket/versions.ts'
import type { Part } from '../../../lib/checkpoint/rewrite.ts'
import { AWKWARD_KEYS, bytesAt, head, put, remove, textAt, type Uploaded } from './objects.ts'
import { startProxy } from './proxy.ts'
import { uploadsLeft } from './rewrites.ts'
import { storeOfFile } from './store.ts'
import { aroundCalls, callsOf, loseFirstAnswer, Unavailable } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const FINAL = 'run/best_acc_epoch_1.pth'
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'
/** Smaller than S3 takes them, which the local store does not mind. */
const PARTS: readonly Part[] = [
  sent({ kind: 'bytes', bytes: Buffer.from('[') }, { kind: 'copy', offset: 24, lengthBytes: 2 }),
  { kind: 'copy', offset: 3, lengthBytes: 5 },
  { kind: 'copy', offset: 10, lengthBytes: 4 },
  sent({ kind: 'copy', offset: 0, lengthBytes: 1 }, { kind: 'bytes', bytes: Buffer.from(']') }),
]
const RESULT = '[yzdefghklmna]'
const store = storeOfFile()
let bucket: Bucket
let upload: Uploaded

beforeEach(async () => {
  bucket = await store.newBucket()
  upload = await put(bucket, KEY, ALPHABET)
})

describe('an object', () => {
  test('is put together of its parts in order, and known by its metadata', async () => {
    const assembled = await assembleObject(assembly())
    const { versionId, etag, metadata } = await head(bucket, FINAL)
    expect(assembled).toEqual({ kind: 'written', versionId, etag })
    expect(metadata).toEqual({ 'checkpoint-hub-token': 'ours' })
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })

  test('is made of the very version that is named, though others are newer', async () => {
    await put(bucket, KEY, ALPHABET.toUpperCase())
    await assembleObject(assembly())
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })

  test.each(AWKWARD_KEYS)('is made from the key %j', async (key) => {
    upload = await put(bucket, key, ALPHABET)
    await assembleObject(assembly())
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })

  test('can go to another bucket', async () => {
    const other = await store.newBucket()
    await assembleObject(assembly({ to: { bucket: other } }))
    expect(await textAt(other, FINAL)).toBe(RESULT)
  })
})

describe('a condition', () => {
  test('that the name is free does not hold where something is', async () => {
    await put(bucket, FINAL, "a trainer's")
    expect(await assembleObject(assembly())).toEqual({ kind: 'refused' })
    expect(await textAt(bucket, FINAL)).toBe("a trainer's")
    expect(await uploadsLeft(bucket)).toEqual([])
  })

  test('that names an ETag holds for that object alone', async () => {
    const { etag } = await put(bucket, FINAL, 'older')
    const condition = { IfMatch: `"${etag}"` }
    await put(bucket, FINAL, 'newer')
    expect(await assembleObject(assembly({ to: { condition } }))).toEqual({ kind: 'refused' })
    await put(bucket, FINAL, 'older')
    expect(await assembleObject(assembly({ to: { condition } }))).toMatchObject({ kind: 'written' })
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })

  test('that names an ETag makes nothing where the object is gone', async () => {
    const { etag } = await put(bucket, FINAL, 'older')
    await remove(bucket, FINAL)
    const condition = { IfMatch: `"${etag}"` }
    expect(await assembleObject(assembly({ to: { condition } }))).toEqual({ kind: 'refused' })
    expect(await bytesAt(bucket, FINAL)).toBeUndefined()
    expect(await uploadsLeft(bucket)).toEqual([])
  })
})

describe('a source', () => {
  test('that is gone is said to be, and no upload is left', async () => {
    await put(bucket, KEY, 'another')
    await remove(bucket, KEY, upload.versionId)
    await expect(assembleObject(assembly())).rejects.toMatchObject({ code: 'gone', key: KEY })
    expect(await uploadsLeft(bucket)).toEqual([])
  })

  test('that has another ETag than the plan was made for is refused, and no upload is left', async () => {
    upload = { ...upload, etag: '0123456789abcdef0123456789abcdef' }
    await expect(assembleObject(assembly())).rejects.toMatchObject({ code: 'changed', key: KEY })
    expect(await bytesAt(bucket, FINAL)).toBeUndefined()
    expect(await uploadsLeft(bucket)).toEqual([])
  })
})

describe('a completion', () => {
  test('whose answer was lost is written, once', async () => {
    loseFirstAnswer(bucket.s3, 'CompleteMultipartUpload')
    expect(await assembleObject(assembly())).toMatchObject({ kind: 'written' })
    expect((await versionsOf(bucket, FINAL)).uploads).toHaveLength(1)
  })

  test('that was applied and answers 503 is found', async () => {
    aroundCalls(bucket.s3, async ({ name, go }) => {
      await go()
      if (name === 'CompleteMultipartUpload') throw new Unavailable()
    })
    expect(await assembleObject(assembly())).toMatchObject({ kind: 'written' })
  })

  test('that was not applied and answers 503 keeps its upload, and the next one adds what is missing', async () => {
    let begun: MultipartUpload | undefined
    const broken = { ...bucket, s3: store.newS3() }
    const calls = callsOf(broken.s3)
    aroundCalls(broken.s3, async ({ name, go }) => {
      if (name === 'CompleteMultipartUpload') throw new Unavailable()
      await go()
    })
    const onBegun = async (each: MultipartUpload) => {
      begun = each
    }
    const first = assembly({ to: { bucket: broken } })
    await expect(assembleObject({ ...first, onBegun })).rejects.toThrow(Unavailable)
    expect(calls).not.toContain('AbortMultipartUpload')
    const later = callsOf(bucket.s3)
    const found = begun && (await findUpload({ ...begun, bucket }))
    expect(await assembleObject({ ...assembly(), begun: found })).toMatchObject({ kind: 'written' })
    expect(later).toEqual(['ListParts', 'CompleteMultipartUpload', 'HeadObject'])
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })

  test('that meets another write at the same moment is uploaded again', async () => {
    let conflicts = 0
    aroundCalls(bucket.s3, async ({ name, go }) => {
      if (name === 'CompleteMultipartUpload' && conflicts++ === 0) throw new Conflict()
      await go()
    })
    const calls = callsOf(bucket.s3)
    expect(await assembleObject(assembly())).toMatchObject({ kind: 'written' })
    expect(calls.filter((name) => name === 'CreateMultipartUpload')).toHaveLength(2)
    expect(await uploadsLeft(bucket)).toEqual([])
  })

  test('of an upload that another worker ended is that worker’s', async () => {
    let begun: MultipartUpload | undefined
    aroundCalls(bucket.s3, async ({ name, go }) => {
      if (name === 'CompleteMultipartUpload') {
        const other = { ...bucket, s3: store.newS3() }
        const same = begun && (await findUpload({ ...begun, bucket: other }))
        await assembleObject({ ...assembly({ to: { bucket: other } }), begun: same })
      }
      await go()
    })
    const onBegun = async (each: MultipartUpload) => {
      begun = each
    }
    expect(await assembleObject({ ...assembly(), onBegun })).toMatchObject({ kind: 'written' })
    expect((await versionsOf(bucket, FINAL)).uploads).toHaveLength(1)
  })
})

describe('an upload that was begun', () => {
  test('and is no longer there is begun anew', async () => {
    const begun = await findUpload({ bucket, key: FINAL, uploadId: 'expired' })
    expect(begun).toBeUndefined()
    expect(await assembleObject({ ...assembly(), begun })).toMatchObject({ kind: 'written' })
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })

  test('has parts of another size replaced', async () => {
    let begun: MultipartUpload | undefined
    const onBegun = async (each: MultipartUpload) => {
      begun = each
      throw new Error('dead')
    }
    const kept = { ...bucket, s3: store.newS3() }
    aroundCalls(kept.s3, async ({ name, go }) => {
      if (name !== 'AbortMultipartUpload') await go()
    })
    await assembleObject({ ...assembly({ to: { bucket: kept } }), onBegun }).catch(() => {})
    if (begun === undefined) throw new Error('nothing was begun')
    const where = { Bucket: bucket.name, Key: FINAL, UploadId: begun.uploadId }
    const torn = { ...where, PartNumber: 2, Body: 'torn' }
    await bucket.s3.send(new UploadPartCommand(torn))
    await assembleObject({ ...assembly(), begun: await findUpload({ ...begun, bucket }) })
    expect(await textAt(bucket, FINAL)).toBe(RESULT)
  })
})

describe('an answer', () => {
  test.each(['UploadPart', 'UploadPartCopy'])(
    'of 503 and of 409 to %s is met with another try',
    async (command) => {
      const errors = [new Unavailable(), new Conflict()]
      aroundCalls(bucket.s3, async ({ name, go }) => {
        const error = name === command ? errors.shift() : undefined
        if (error !== undefined) throw error
        await go()
      })
      expect(await assembleObject(assembly())).toMatchObject({ kind: 'written' })
      expect(errors).toEqual([])
    },
  )

  test.each([
    ['UploadPartCopy', 'x-amz-copy-source'],
    ['CompleteMultipartUpload', 'uploadId'],
  ])('of 200 to %s that holds an error is none', async (name, mark) => {
    let failures = 0
    const proxy = await startProxy(store.endpoint, ({ method, url, headers }) => {
      const isIt = mark in headers || (method === 'POST' && url.includes(mark))
      if (!isIt || failures === 4) return undefined
      failures += 1
      return '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Try again</Message></Error>'
    })
    try {
      const through = { ...bucket, s3: proxy.newS3() }
      await assembleObject(assembly({ to: { bucket: through } })).catch(() => {})
      // What was tried too often is gone on with by the next.
      expect(await assembleObject(assembly({ to: { bucket: through } }))).toMatchObject({
        kind: 'written',
      })
      expect(failures, name).toBe(4)
      expect(await textAt(bucket, FINAL)).toBe(RESULT)
    } finally {
      await proxy.stop()
    }
  })
})

test('few parts are sent at once, however many there are', async () => {
  let underWay = 0
  let most = 0
  aroundCalls(bucket.s3, async ({ name, go }) => {
    if (name !== 'UploadPart') return go()
    underWay += 1
    most = Math.max(most, underWay)
    await go()
    underWay -= 1
  })
  const parts = Array.from({ length: 30 }, (_, at) =>
    sent({ kind: 'copy', offset: at % 26, lengthBytes: 1 }),
  )
  await assembleObject({ ...assembly(), parts })
  expect(await textAt(bucket, FINAL)).toBe(`${ALPHABET}abcd`)
  expect(most).toBe(2)
})

test('out of time, nothing more is begun, and what is there stays for the next', async () => {
  let begun: MultipartUpload | undefined
  let calls = 0
  aroundCalls(bucket.s3, async ({ name, go }) => {
    if (name.startsWith('UploadPart')) calls += 1
    await go()
  })
  const timeLeft = () => (calls < 2 ? 60_000 : 14_999)
  const onBegun = async (each: MultipartUpload) => {
    begun = each
  }
  const parts = Array.from({ length: 30 }, (_, at) =>
    sent({ kind: 'copy', offset: at % 26, lengthBytes: 1 }),
  )
  const first = { ...assembly(), parts, onBegun, timeLeft }
  await expect(assembleObject(first)).rejects.toMatchObject({ name: 'OutOfTime' })
  expect(calls).toBeLessThan(30)
  expect(await uploadsLeft(bucket)).toEqual([FINAL])
  const before = calls
  const found = begun && (await findUpload(begun))
  await assembleObject({ ...assembly(), parts, begun: found })
  expect(calls).toBe(30)
  expect(before).toBeGreaterThan(0)
  expect(await textAt(bucket, FINAL)).toBe(`${ALPHABET}abcd`)
})

/** An answer of 409, which the SDK does not repeat. */
class Conflict extends Error {
  override readonly name = 'ConditionalRequestConflict'
  readonly $metadata = { httpStatusCode: 409 }
}

function sent(...pieces: Extract<Part, { kind: 'send' }>['pieces'][number][]): Part {
  const sizes = pieces.map((each) => (each.kind === 'copy' ? each.lengthBytes : each.bytes.length))
  return { kind: 'send', lengthBytes: sizes.reduce((sum, size) => sum + size, 0), pieces }
}

function assembly({ to = {} }: { to?: Partial<Assembly['destination']> } = {}): Assembly {
  return {
    source: { bucket, ...upload },
    reader: objectReader(bucket, upload),
    parts: PARTS,
    destination: {
      bucket,
      key: FINAL,
      condition: { IfNoneMatch: '*' },
      properties: { Metadata: { 'checkpoint-hub-token': 'ours' } },
      ...to,
    },
    timeLeft: ALL_TIME,
  }
}
