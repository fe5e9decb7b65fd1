import { beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { versionsOf } from '../../../lib/bucket/versions.ts'
import { contentOf, SHA256, writeIfAbsent, writerOf, writeText } from '../../../lib/bucket/write.ts'
import { AWKWARD_KEYS, bytesAt, head, put, remove, textAt } from './objects.ts'
import { storeOfFile } from './store.ts'
import { aroundCalls, callsOf, loseFirstAnswer, Unavailable } from './wire.ts'

const KEY = 'run/best_acc_epoch_1.pth'
const store = storeOfFile()
let bucket: Bucket

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
    const content = textOf('weights')
    const written = await writeIfAbsent(bucket, KEY, content, undefined)
    const { versionId, etag, metadata } = await head(bucket, KEY)
    expect(written).toEqual({ kind: 'written', versionId, etag })
    expect(metadata).toEqual({ [SHA256]: content.sha256 })
    expect(await textAt(bucket, KEY)).toBe('weights')
    expect(await writerOf(bucket, KEY, versionId)).toEqual({ kind: 'hub', sha256: content.sha256 })
  })

  test('is told by the version that was written, whatever another job puts over it at once', async () => {
    const other = { ...bucket, s3: store.newS3() }
    let own = ''
    aroundCalls(bucket.s3, async ({ name, go }) => {
      await go()
      if (name !== 'PutObject') return
      const { etag, versionId } = await head(other, KEY)
      own = versionId
      await writeIfAbsent(other, KEY, textOf('of another upload'), etag)
    })
    const content = textOf('weights')
    const written = await writeIfAbsent(bucket, KEY, content, undefined)
    expect(written).toMatchObject({ kind: 'written', versionId: own })
    expect((await head(bucket, KEY)).versionId).not.toBe(own)
  })

  test('takes an object of no bytes', async () => {
    expect(await writeIfAbsent(bucket, KEY, textOf(''), undefined)).toMatchObject({
      kind: 'written',
    })
    expect(await textAt(bucket, KEY)).toBe('')
  })

  test('is also one whose object was deleted', async () => {
    await put(bucket, KEY, 'deleted')
    await remove(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)).toMatchObject({
      kind: 'written',
    })
  })

  test.each(AWKWARD_KEYS)('%j takes the object', async (key) => {
    const written = await writeIfAbsent(bucket, key, textOf('weights'), undefined)
    expect(written).toMatchObject({ kind: 'written' })
    expect(await textAt(bucket, key)).toBe('weights')
  })
})

describe('a name that is taken', () => {
  test('by our own same bytes is written already, once', async () => {
    const first = await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)
    expect(await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)).toEqual(first)
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(1)
  })

  test('by our own write whose answer was lost is written, once', async () => {
    loseFirstAnswer(bucket.s3, 'PutObject')
    const written = await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)
    const { versionId } = await head(bucket, KEY)
    expect(written).toMatchObject({ kind: 'written', versionId })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(1)
  })

  test('by other bytes of ours is left, and said to be ours', async () => {
    await writeIfAbsent(bucket, KEY, textOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, textOf('newer'), undefined)).toEqual({
      kind: 'own',
      etag,
    })
    expect(await textAt(bucket, KEY)).toBe('older')
  })

  test("by a trainer's object is left, and said to be foreign since when", async () => {
    const { seconds, versionId } = await put(bucket, KEY, "a trainer's best")
    expect(await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)).toEqual({
      kind: 'foreign',
      seconds,
    })
    expect(await textAt(bucket, KEY)).toBe("a trainer's best")
    expect(await writerOf(bucket, KEY, versionId)).toEqual({ kind: 'somebody' })
  })

  test('by a foreign object that has the very same bytes is foreign too', async () => {
    await put(bucket, KEY, 'weights')
    expect(await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)).toMatchObject({
      kind: 'foreign',
    })
  })
})

describe('a replacement', () => {
  test('takes the place of the object that it was decided for', async () => {
    await writeIfAbsent(bucket, KEY, textOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, textOf('newer'), etag)).toMatchObject({
      kind: 'written',
    })
    expect(await textAt(bucket, KEY)).toBe('newer')
  })

  test('whose answer was lost is written, once', async () => {
    await writeIfAbsent(bucket, KEY, textOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    loseFirstAnswer(bucket.s3, 'PutObject')
    expect(await writeIfAbsent(bucket, KEY, textOf('newer'), etag)).toMatchObject({
      kind: 'written',
    })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(2)
  })

  test('of an object that is gone takes the free name', async () => {
    const { etag } = await put(bucket, KEY, 'older')
    await remove(bucket, KEY)
    expect(await writeIfAbsent(bucket, KEY, textOf('newer'), etag)).toMatchObject({
      kind: 'written',
    })
    expect(await textAt(bucket, KEY)).toBe('newer')
  })

  test('leaves what somebody uploaded in its place meanwhile', async () => {
    await writeIfAbsent(bucket, KEY, textOf('older'), undefined)
    const { etag } = await head(bucket, KEY)
    await put(bucket, KEY, "a trainer's")
    expect(await writeIfAbsent(bucket, KEY, textOf('newer'), etag)).toMatchObject({
      kind: 'foreign',
    })
    expect(await textAt(bucket, KEY)).toBe("a trainer's")
  })
})

describe('bytes that were changed on their way', () => {
  test('are refused by S3, and nothing is there', async () => {
    aroundCalls(bucket.s3, async ({ input, go }) => {
      if ('Body' in input) input.Body = 'wights'
      await go()
    })
    await expect(writeIfAbsent(bucket, KEY, textOf('weights'), undefined)).rejects.toThrow(
      /checksum|digest/i,
    )
    expect(await bytesAt(bucket, KEY)).toBeUndefined()
  })
})

test('a name that is taken is found so before anything is moved', async () => {
  await put(bucket, KEY, "a trainer's")
  const calls = callsOf(bucket.s3)
  await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)
  expect(calls).toEqual(['HeadObject'])
})

test('a name that is taken between the look and the write is left', async () => {
  aroundCalls(bucket.s3, async ({ name, go }) => {
    if (name === 'PutObject') await put({ ...bucket, s3: store.newS3() }, KEY, "a trainer's")
    await go()
  })
  const written = await writeIfAbsent(bucket, KEY, textOf('weights'), undefined)
  expect(written).toMatchObject({ kind: 'foreign' })
  expect(await textAt(bucket, KEY)).toBe("a trainer's")
})

test('an error that leaves the outcome open is thrown', async () => {
  aroundCalls(bucket.s3, async ({ name, go }) => {
    await go()
    if (name === 'PutObject') throw new Unavailable()
  })
  await expect(writeIfAbsent(bucket, KEY, textOf('weights'), undefined)).rejects.toThrow(
    Unavailable,
  )
})

function textOf(text: string) {
  return contentOf(new TextEncoder().encode(text))
}
