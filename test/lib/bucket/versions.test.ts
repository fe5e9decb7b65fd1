import { beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { keysBelow, versionsOf } from '../../../lib/bucket/versions.ts'
import { AWKWARD_KEYS, put, remove } from './objects.ts'
import { storeOfFile } from './store.ts'
import { aroundCalls } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const store = storeOfFile()
let bucket: Bucket

beforeEach(async () => {
  bucket = await store.newBucket()
})

describe('the versions of a key', () => {
  test('of a key that never was are none, without a marker', async () => {
    expect(await versionsOf(bucket, KEY)).toEqual({ uploads: [], marker: undefined })
  })

  test('stand from the oldest to the newest, each as it was uploaded', async () => {
    const uploaded = [
      await put(bucket, KEY, 'one'),
      await put(bucket, KEY, 'three'),
      await put(bucket, KEY, 'two'),
    ]
    const { uploads, marker } = await versionsOf(bucket, KEY)
    expect(marker).toBeUndefined()
    expect(uploads).toEqual(uploaded.map(({ metadata: _, ...version }) => version))
    expect(uploads.map(({ sizeBytes }) => sizeBytes)).toEqual([3, 5, 3])
  })

  test('have a marker with the version right below it, where the key was deleted', async () => {
    await put(bucket, KEY, 'one')
    const newest = await put(bucket, KEY, 'two')
    await remove(bucket, KEY)
    const { uploads, marker } = await versionsOf(bucket, KEY)
    expect(uploads).toHaveLength(2)
    expect(marker).toEqual({ seconds: expect.any(Number), above: newest.versionId })
    expect(marker?.seconds).toBeGreaterThanOrEqual(newest.seconds)
  })

  test('have no marker where somebody uploaded after the deletion', async () => {
    await put(bucket, KEY, 'one')
    await remove(bucket, KEY)
    const again = await put(bucket, KEY, 'two')
    const { uploads, marker } = await versionsOf(bucket, KEY)
    expect(marker).toBeUndefined()
    expect(uploads.at(-1)?.versionId).toBe(again.versionId)
  })

  test('have a marker over nothing, where the versions below it expired', async () => {
    const { versionId } = await put(bucket, KEY, 'one')
    await remove(bucket, KEY)
    await remove(bucket, KEY, versionId)
    const { uploads, marker } = await versionsOf(bucket, KEY)
    expect(uploads).toEqual([])
    expect(marker).toEqual({ seconds: expect.any(Number), above: undefined })
  })

  test('are those of this key alone, though others begin with it', async () => {
    const mine = await put(bucket, 'run/epoch_1', 'mine')
    for (const key of ['run/epoch_1.pth', 'run/epoch_10', 'run/epoch_1/a', 'run/epoch_1 '])
      await put(bucket, key, 'other')
    await remove(bucket, 'run/epoch_1.pth')
    const { uploads, marker } = await versionsOf(bucket, 'run/epoch_1')
    expect(uploads.map(({ versionId }) => versionId)).toEqual([mine.versionId])
    expect(marker).toBeUndefined()
    expect(await versionsOf(bucket, 'run/epoch')).toEqual({ uploads: [], marker: undefined })
  })

  test('are read page by page, a marker on the first page and uploads on the last', async () => {
    aroundCalls(bucket.s3, async ({ input, name, go }) => {
      if (name === 'ListObjectVersions') Object.assign(input, { MaxKeys: 3 })
      await go()
    })
    const expected: string[] = []
    for (let at = 0; at < 8; at++) {
      expected.push((await put(bucket, KEY, `${at}`)).versionId)
      if (at % 3 === 0) await remove(bucket, KEY)
    }
    await put(bucket, `${KEY}.other`, 'x')
    await remove(bucket, KEY)
    const { uploads, marker } = await versionsOf(bucket, KEY)
    expect(uploads.map(({ versionId }) => versionId)).toEqual(expected)
    expect(marker?.above).toBe(expected.at(-1))
  })

  test.each(AWKWARD_KEYS)('are found for the key %j', async (key) => {
    const { versionId } = await put(bucket, key, 'x')
    expect((await versionsOf(bucket, key)).uploads).toMatchObject([{ key, versionId }])
    expect(await keysBelow(bucket, key.slice(0, key.lastIndexOf('/') + 1))).toEqual([key])
  })
})

describe('the keys right below a prefix', () => {
  test('are in the order of their bytes, deleted ones too, none of a deeper folder', async () => {
    const keys = ['run/Z', 'run/a', 'run/a-1', 'run/é', 'run/模', 'run/🙂']
    for (const key of keys.toReversed()) await put(bucket, key, 'x')
    await put(bucket, 'run/a', 'once more')
    await remove(bucket, 'run/Z')
    for (const key of ['run', 'run2/a', 'run/deep/a', 'other/a']) await put(bucket, key, 'x')
    expect(await keysBelow(bucket, 'run/')).toEqual(keys)
  })

  test('of the bucket itself are those without a slash', async () => {
    for (const key of ['epoch_1.pth', 'run/epoch_1.pth']) await put(bucket, key, 'x')
    expect(await keysBelow(bucket, '')).toEqual(['epoch_1.pth'])
  })
})
