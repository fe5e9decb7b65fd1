import { beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { encodeKey } from '../../../lib/bucket/copy-source.ts'
import { RESTORES, restoreVersion } from '../../../lib/bucket/restore.ts'
import { versionsOf } from '../../../lib/bucket/versions.ts'
import { AWKWARD_KEYS, bytesAt, head, put, remove, textAt } from './objects.ts'
import { uploadsLeft } from './rewrites.ts'
import { storeOfFile } from './store.ts'
import { aroundCalls, callsOf, loseFirstAnswer, Unavailable } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const store = storeOfFile()
let bucket: Bucket

beforeEach(async () => {
  bucket = await store.newBucket()
})

describe('an evicted version', () => {
  test('comes back under its key, and carries which version it brings back', async () => {
    const source = await put(bucket, KEY, 'weights', { 'trained-by': 'Ada' })
    await remove(bucket, KEY)
    const restored = await restoreVersion(bucket, source)
    const { metadata, ...current } = await head(bucket, KEY)
    expect(restored).toEqual({ kind: 'restored', version: current })
    expect(current.versionId).not.toBe(source.versionId)
    expect(metadata).toEqual({ 'trained-by': 'Ada', [RESTORES]: source.versionId })
    expect(await textAt(bucket, KEY)).toBe('weights')
  })

  test('that is not the newest one comes back just as it was', async () => {
    const source = await put(bucket, KEY, 'older')
    await put(bucket, KEY, 'newer')
    await remove(bucket, KEY)
    expect(await restoreVersion(bucket, source)).toMatchObject({ kind: 'restored' })
    expect(await textAt(bucket, KEY)).toBe('older')
  })

  test('that expired is gone, and nothing is written', async () => {
    const source = await put(bucket, KEY, 'weights')
    await remove(bucket, KEY)
    await remove(bucket, KEY, source.versionId)
    expect(await restoreVersion(bucket, source)).toEqual({ kind: 'gone' })
    expect(await bytesAt(bucket, KEY)).toBeUndefined()
  })

  test('that is larger than one copy may be comes back in parts', async () => {
    const source = await put(bucket, KEY, 'weights', { 'trained-by': 'Ada' })
    await remove(bucket, KEY)
    const restored = await restoreVersion(bucket, source, 3)
    expect(restored).toMatchObject({ kind: 'restored' })
    const { metadata } = await head(bucket, KEY)
    expect(metadata).toEqual({ 'trained-by': 'Ada', [RESTORES]: source.versionId })
    expect(await textAt(bucket, KEY)).toBe('weights')
  })

  test('that expired before it could come back in parts is gone', async () => {
    const source = await put(bucket, KEY, 'weights')
    await remove(bucket, KEY)
    await remove(bucket, KEY, source.versionId)
    expect(await restoreVersion(bucket, source, 3)).toEqual({ kind: 'gone' })
  })

  test('that expires while it comes back in parts is gone, and nothing of it is left', async () => {
    const source = await put(bucket, KEY, 'weights')
    await remove(bucket, KEY)
    const other = { ...bucket, s3: store.newS3() }
    aroundCalls(bucket.s3, async ({ name, go }) => {
      if (name === 'UploadPartCopy') await remove(other, KEY, source.versionId)
      await go()
    })
    expect(await restoreVersion(bucket, source, 3)).toEqual({ kind: 'gone' })
    expect(await uploadsLeft(bucket)).toEqual([])
    expect(await bytesAt(bucket, KEY)).toBeUndefined()
  })

  test('whose parts are refused for what was uploaded meanwhile leaves that, and none of them', async () => {
    const source = await put(bucket, KEY, 'weights')
    await remove(bucket, KEY)
    const other = { ...bucket, s3: store.newS3() }
    aroundCalls(bucket.s3, async ({ name, go }) => {
      if (name === 'CompleteMultipartUpload') await put(other, KEY, 'uploaded since')
      await go()
    })
    expect(await restoreVersion(bucket, source, 3)).toEqual({ kind: 'present' })
    expect(await textAt(bucket, KEY)).toBe('uploaded since')
    expect(await uploadsLeft(bucket)).toEqual([])
  })

  test('whose parts replace one object does not come where that is gone', async () => {
    const source = await put(bucket, KEY, 'weights')
    const over = await put(bucket, KEY, 'stripped')
    const other = { ...bucket, s3: store.newS3() }
    aroundCalls(bucket.s3, async ({ name, go }) => {
      if (name === 'CompleteMultipartUpload') await remove(other, KEY)
      await go()
    })
    const request = { ...source, over: over.etag }
    expect(await restoreVersion(bucket, request, 3)).toEqual({ kind: 'present' })
    expect(await bytesAt(bucket, KEY)).toBeUndefined()
  })

  test('in parts whose last answer is lost counts as restored, once', async () => {
    const source = await put(bucket, KEY, 'weights')
    await remove(bucket, KEY)
    loseFirstAnswer(bucket.s3, 'CompleteMultipartUpload')
    expect(await restoreVersion(bucket, source, 3)).toMatchObject({ kind: 'restored' })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(2)
    expect(await textAt(bucket, KEY)).toBe('weights')
  })

  test.each(AWKWARD_KEYS)('comes back under the key %j', async (key) => {
    const source = await put(bucket, key, 'weights')
    await remove(bucket, key)
    expect(await restoreVersion(bucket, source)).toMatchObject({ kind: 'restored' })
    expect(await textAt(bucket, key)).toBe('weights')
  })
})

describe('an upload under the key', () => {
  test('is left as it is', async () => {
    const source = await put(bucket, KEY, 'evicted')
    await remove(bucket, KEY)
    const since = await put(bucket, KEY, 'uploaded since')
    const calls = callsOf(bucket.s3)
    expect(await restoreVersion(bucket, source)).toEqual({ kind: 'present' })
    expect(calls).toEqual(['ListObjectVersions'])
    expect((await head(bucket, KEY)).versionId).toBe(since.versionId)
  })

  test('that comes while the restore is on its way is not overwritten', async () => {
    const source = await put(bucket, KEY, 'evicted')
    await remove(bucket, KEY)
    refuseCopiesWith412(bucket, async () => {
      await put(bucket, KEY, 'uploaded since')
    })
    expect(await restoreVersion(bucket, source)).toEqual({ kind: 'present' })
    expect(await textAt(bucket, KEY)).toBe('uploaded since')
  })

  test("that is the restore's own, whose answer was lost, counts as restored", async () => {
    const source = await put(bucket, KEY, 'evicted')
    await remove(bucket, KEY)
    const other = { ...bucket, s3: store.newS3() }
    refuseCopiesWith412(bucket, async () => {
      await restoreVersion(other, source)
    })
    const restored = await restoreVersion(bucket, source)
    const current = await head(bucket, KEY)
    expect(restored).toMatchObject({ kind: 'restored', version: { versionId: current.versionId } })
    expect((await versionsOf(bucket, KEY)).uploads).toHaveLength(2)
  })
})

test('asks S3 for the copy only of what was decided on, and only onto nothing', async () => {
  const source = await put(bucket, KEY, 'evicted')
  await remove(bucket, KEY)
  let input = {}
  aroundCalls(bucket.s3, async (call) => {
    if (call.name === 'CopyObject') input = call.input
    await call.go()
  })
  await restoreVersion(bucket, source)
  expect(input).toMatchObject({ IfNoneMatch: '*', CopySourceIfMatch: `"${source.etag}"` })
})

test('an answer that is lost on the wire ends in one object with the bytes', async () => {
  const source = await put(bucket, KEY, 'evicted')
  await remove(bucket, KEY)
  loseFirstAnswer(bucket.s3, 'CopyObject')
  expect(await restoreVersion(bucket, source)).toMatchObject({ kind: 'restored' })
  expect(await textAt(bucket, KEY)).toBe('evicted')
})

test('throws where it does not know', async () => {
  const source = await put(bucket, KEY, 'evicted')
  await remove(bucket, KEY)
  aroundCalls(bucket.s3, async ({ name, go }) => {
    if (name === 'CopyObject') throw new Unavailable()
    await go()
  })
  await expect(restoreVersion(bucket, source)).rejects.toThrow(Unavailable)
})

test('a copy source is encoded part by part', () => {
  expect(encodeKey('a b/50%+?#/é')).toBe('a%20b/50%25%2B%3F%23/%C3%A9')
})

/** S3 refuses a copy onto what is there; the emulator ignores that condition. */
function refuseCopiesWith412({ s3 }: Bucket, meanwhile: () => Promise<void>): void {
  aroundCalls(s3, async ({ name, go }) => {
    if (name !== 'CopyObject') return go()
    await meanwhile()
    throw Object.assign(new Error('At least one of the pre-conditions did not hold'), {
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    })
  })
}
