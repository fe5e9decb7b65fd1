import { beforeEach, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { deleteIfMatch } from '../../../lib/bucket/delete.ts'
import { versionsOf } from '../../../lib/bucket/versions.ts'
import { AWKWARD_KEYS, bytesAt, put, remove, textAt } from './objects.ts'
import { storeOfFile } from './store.ts'
import { aroundCalls, loseFirstAnswer, Unavailable } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const store = storeOfFile()
let bucket: Bucket

beforeEach(async () => {
  bucket = await store.newBucket()
})

test('deletes the object that was decided on, and its version stays for a restore', async () => {
  const { etag, versionId } = await put(bucket, KEY, 'decided on')
  expect(await deleteIfMatch(bucket, KEY, etag)).toBe('deleted')
  expect(await bytesAt(bucket, KEY)).toBeUndefined()
  const { uploads, marker } = await versionsOf(bucket, KEY)
  expect(uploads).toMatchObject([{ versionId }])
  expect(marker?.above).toBe(versionId)
})

test('never deletes another upload under the same key', async () => {
  const { etag } = await put(bucket, KEY, 'decided on')
  await put(bucket, KEY, 'uploaded since')
  expect(await deleteIfMatch(bucket, KEY, etag)).toBe('other')
  expect(await textAt(bucket, KEY)).toBe('uploaded since')
})

test('says so where nothing is there, and lays no second marker on a deleted key', async () => {
  expect(await deleteIfMatch(bucket, KEY, 'f'.repeat(32))).toBe('other')
  const { etag } = await put(bucket, KEY, 'x')
  await remove(bucket, KEY)
  const before = await versionsOf(bucket, KEY)
  expect(await deleteIfMatch(bucket, KEY, etag)).toBe('other')
  expect(await versionsOf(bucket, KEY)).toEqual(before)
})

test('takes its own success, whose answer was lost, for something to look at', async () => {
  const { etag } = await put(bucket, KEY, 'decided on')
  loseFirstAnswer(bucket.s3, 'DeleteObject')
  expect(await deleteIfMatch(bucket, KEY, etag)).toBe('other')
  expect(await bytesAt(bucket, KEY)).toBeUndefined()
})

test('throws where it does not know', async () => {
  aroundCalls(bucket.s3, async ({ name, go }) => {
    if (name === 'DeleteObject') throw new Unavailable()
    await go()
  })
  const { etag } = await put(bucket, KEY, 'decided on')
  await expect(deleteIfMatch(bucket, KEY, etag)).rejects.toThrow(Unavailable)
})

test.each(AWKWARD_KEYS)('deletes %j and no other key', async (key) => {
  await put(bucket, 'a b/epoch_1.pth', 'neighbour')
  await put(bucket, 'what', 'neighbour')
  const { etag } = await put(bucket, key, 'decided on')
  expect(await deleteIfMatch(bucket, key, etag)).toBe('deleted')
  expect(await bytesAt(bucket, key)).toBeUndefined()
  expect(await textAt(bucket, 'a b/epoch_1.pth')).toBe('neighbour')
  expect(await textAt(bucket, 'what')).toBe('neighbour')
})
