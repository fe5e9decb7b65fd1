import { createHash } from 'node:crypto'
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { versionsOf } from '../../../lib/bucket/versions.ts'
import {
  type Content,
  isOwn,
  PART_BYTES,
  SHA256,
  writeIfAbsent,
  writeText,
} from '../../../lib/bucket/write.ts'
import { AWKWARD_KEYS, bytesAt, head, put, remove, textAt } from './objects.ts'
import { type Store, startStore } from './store.ts'
import { aroundCalls, callsOf, loseFirstAnswer, Unavailable } from './wire.ts'

const KEY = 'run/best_acc_epoch_1.pth'
let store: Store
let bucket: Bucket

beforeAll(async () => {
  store = await startStore()
})
afterAll(() => store?.stop())
beforeEach(async () => {
  bucket = await store.newBucket()
})

describe('a text', () => {
  test('overwrites what is there', async () => {
    await put(bucket, 'run/last_checkpoint', "a trainer's")
    await writeText(bucket, 'run/last_checkpoint', 's3://b/run/epoch_2.pth')
    expect(await textAt(bucket, 'run/last_checkpoint')).toBe('s3://b/run/epoch_2.pth')
  })
})

describe('a free name', () => {
  test('takes the object, which is known as ours by its hash', async () => {
    const content = contentOf('weights')
    const written = await writeIfAbsent(bucket, KEY, content, undefined)
    const { versionId, etag, metadata } = await head(bucket, KEY)
    expect(written).toEqual({ kind: 'written', versionId, etag })
    expect(metadata).toEqual({ [SHA256]: content.sha256 })
    expect(await textAt(bucket, KEY)).toBe('weights')
    expect(await isOwn(bucket, KEY, versionId)).toBe(true)
  })

  test('takes an object of no bytes', async () => {
    expect(await writeIfAbsent(bucket, KEY, contentOf(''), undefined)).toMatchObject({
      kind: 'written',
    })
    expect(await textAt(bucket, KEY)).toBe('')
  })

  test('is also one whose object was deleted', async () => {
    await put(bucket, KEY, 'deleted')
    await remove(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)).toMatchObject({
      kind: 'written',
    })
  })

  test.each(AWKWARD_KEYS)('%j takes the object', async (key) => {
    const written = await writeIfAbsent(bucket, key, contentOf('weights'), undefined)
    expect(written).toMatchObject({ kind: 'written' })
    expect(await textAt(bucket, key)).toBe('weights')
  })
})

describe('a name that is taken', () => {
  test('by our own same bytes is written already, once', async () => {
    const first = await writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)
    expect(await writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)).toEqual(first)
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(1)
  })

  test('by our own write whose answer was lost is written, once', async () => {
    loseFirstAnswer(bucket.s3, 'PutObject')
    const written = await writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)
    const { versionId } = await head(bucket, KEY)
    expect(written).toMatchObject({ kind: 'written', versionId })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(1)
  })

  test('by other bytes of ours is left, and said to be ours', async () => {
    await writeIfAbsent(bucket, KEY, contentOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, contentOf('newer'), undefined)).toEqual({
      kind: 'own',
      etag,
    })
    expect(await textAt(bucket, KEY)).toBe('older')
  })

  test("by a trainer's object is left, and said to be foreign since when", async () => {
    const { seconds, versionId } = await put(bucket, KEY, "a trainer's best")
    expect(await writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)).toEqual({
      kind: 'foreign',
      seconds,
    })
    expect(await textAt(bucket, KEY)).toBe("a trainer's best")
    expect(await isOwn(bucket, KEY, versionId)).toBe(false)
  })

  test('by a foreign object that has the very same bytes is foreign too', async () => {
    await put(bucket, KEY, 'weights')
    expect(await writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)).toMatchObject({
      kind: 'foreign',
    })
  })
})

describe('a replacement', () => {
  test('takes the place of the object that it was decided for', async () => {
    await writeIfAbsent(bucket, KEY, contentOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, contentOf('newer'), etag)).toMatchObject({
      kind: 'written',
    })
    expect(await textAt(bucket, KEY)).toBe('newer')
  })

  test('whose answer was lost is written, once', async () => {
    await writeIfAbsent(bucket, KEY, contentOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    loseFirstAnswer(bucket.s3, 'PutObject')
    expect(await writeIfAbsent(bucket, KEY, contentOf('newer'), etag)).toMatchObject({
      kind: 'written',
    })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(2)
  })

  test('of an object that is gone takes the free name', async () => {
    const { etag } = await put(bucket, KEY, 'older')
    await remove(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, contentOf('newer'), etag)).toMatchObject({
      kind: 'written',
    })
    expect(await textAt(bucket, KEY)).toBe('newer')
  })

  test('leaves what somebody uploaded in its place meanwhile', async () => {
    await writeIfAbsent(bucket, KEY, contentOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    await put(bucket, KEY, "a trainer's")
    expect(await writeIfAbsent(bucket, KEY, contentOf('newer'), etag)).toMatchObject({
      kind: 'foreign',
    })
    expect(await textAt(bucket, KEY)).toBe("a trainer's")
  })
})

describe('bytes that are not those of the hash', () => {
  const wrong = { ...contentOf('expected'), chunks: contentOf('received').chunks }

  test('are refused by S3, and nothing is there', async () => {
    await expect(writeIfAbsent(bucket, KEY, wrong, undefined)).rejects.toThrow(/checksum|digest/i)
    expect(await bytesAt(bucket, KEY)).toBeUndefined()
  })
})

test('an error that leaves the outcome open is thrown', async () => {
  aroundCalls(bucket.s3, async ({ name, go }) => {
    await go()
    if (name === 'PutObject') throw new Unavailable()
  })
  await expect(writeIfAbsent(bucket, KEY, contentOf('weights'), undefined)).rejects.toThrow(
    Unavailable,
  )
})

describe('a content of more than one part', () => {
  const large = largeContent(PART_BYTES + 1024 * 1024)

  test('is written in parts, under its name only when all of it is there', async () => {
    const calls = callsOf(bucket.s3)
    const written = await writeIfAbsent(bucket, KEY, large, undefined)
    expect(calls).toEqual([
      'CreateMultipartUpload',
      'UploadPart',
      'UploadPart',
      'CompleteMultipartUpload',
      'HeadObject',
    ])
    const { versionId, metadata } = await head(bucket, KEY)
    expect(written).toMatchObject({ kind: 'written', versionId })
    expect(metadata).toEqual({ [SHA256]: large.sha256 })
    const bytes = (await bytesAt(bucket, KEY)) ?? new Uint8Array()
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(large.sha256)
  })

  test('leaves a taken name and no parts behind', async () => {
    await put(bucket, KEY, "a trainer's")
    expect(await writeIfAbsent(bucket, KEY, large, undefined)).toMatchObject({ kind: 'foreign' })
    expect(await textAt(bucket, KEY)).toBe("a trainer's")
    expect(await partsLeft()).toBe(0)
  })

  test('whose bytes are not those of the hash is refused, and leaves no parts behind', async () => {
    const wrong = { ...large, sha256: contentOf('expected').sha256 }
    await expect(writeIfAbsent(bucket, KEY, wrong, undefined)).rejects.toMatchObject({
      name: 'BucketError',
      code: 'changed',
      key: KEY,
    })
    expect(await bytesAt(bucket, KEY)).toBeUndefined()
    expect(await partsLeft()).toBe(0)
  })

  test('whose completion ends in a 503 is not cleaned up: it may be complete', async () => {
    const calls = callsOf(bucket.s3)
    aroundCalls(bucket.s3, async ({ name, go }) => {
      await go()
      if (name === 'CompleteMultipartUpload') throw new Unavailable()
    })
    await expect(writeIfAbsent(bucket, KEY, large, undefined)).rejects.toThrow(Unavailable)
    expect(calls).not.toContain('AbortMultipartUpload')
    const again = { ...bucket, s3: store.newS3() }
    expect(await writeIfAbsent(again, KEY, large, undefined)).toMatchObject({ kind: 'written' })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(1)
  })

  async function partsLeft(): Promise<number> {
    const { Uploads = [] } = await bucket.s3.send(
      new ListMultipartUploadsCommand({ Bucket: bucket.name }),
    )
    return Uploads.length
  }
})

function contentOf(text: string): Content {
  const bytes = new TextEncoder().encode(text)
  return {
    sizeBytes: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    chunks: async function* () {
      yield bytes.subarray(0, 3)
      yield bytes.subarray(3)
    },
  }
}

/** Bytes that differ from chunk to chunk, so that parts in the wrong order would show. */
function largeContent(sizeBytes: number): Content {
  const chunkBytes = 1024 * 1024
  const chunks = async function* () {
    for (let at = 0; at < sizeBytes; at += chunkBytes) {
      yield Buffer.alloc(Math.min(chunkBytes, sizeBytes - at), `chunk ${at}`)
    }
  }
  const hash = createHash('sha256')
  for (let at = 0; at < sizeBytes; at += chunkBytes) {
    hash.update(Buffer.alloc(Math.min(chunkBytes, sizeBytes - at), `chunk ${at}`))
  }
  return { sizeBytes, sha256: hash.digest('hex'), chunks }
}
