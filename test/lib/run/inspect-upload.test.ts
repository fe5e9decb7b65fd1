import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { RESTORES } from '../../../lib/bucket/restore.ts'
import { inspectUpload } from '../../../lib/run/inspect-upload.ts'
import { put, remove } from '../bucket/objects.ts'
import { type StartedStore, startStore } from '../bucket/store.ts'
import { aroundCalls, callsOf, Unavailable } from '../bucket/wire.ts'
import { checkpoint } from './worker.ts'

const KEY = 'run/epoch_9.pth'
const RECORDED = new URL('../../../examples/recorded/uploads/', import.meta.url)
let store: StartedStore
let bucket: Bucket
let real: Uint8Array

beforeAll(async () => {
  store = await startStore()
  bucket = await store.newBucket()
  real = new Uint8Array(await readFile(new URL('epoch_9.pth', RECORDED)))
})
afterAll(() => store?.stop())

describe('a real checkpoint', () => {
  test('is whole, and known by its directory', async () => {
    const { metadata: _, ...version } = await put(bucket, KEY, real)
    expect(await inspectUpload(bucket, version)).toEqual({
      ...version,
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      fault: undefined,
      restores: undefined,
      gone: false,
    })
  })

  test('has the same fingerprint wherever it lies, and another has another', async () => {
    const one = await inspectUpload(bucket, await put(bucket, KEY, real))
    const again = await inspectUpload(bucket, await put(bucket, 'elsewhere/a.pth', real))
    const other = new Uint8Array(await readFile(new URL('epoch_8.pth', RECORDED)))
    const another = await inspectUpload(bucket, await put(bucket, KEY, other))
    expect(again?.fingerprint).toBe(one?.fingerprint)
    expect(another?.fingerprint).not.toBe(one?.fingerprint)
  })

  test('is read in a few ranges, of which none is the whole', async () => {
    const version = await put(bucket, KEY, checkpoint('x'))
    const calls = callsOf(bucket.s3)
    await inspectUpload(bucket, version)
    expect(calls.length).toBeLessThanOrEqual(3)
  })

  test('that the hub restored says of which version', async () => {
    const version = await put(bucket, KEY, real, { [RESTORES]: 'v-1' })
    expect(await inspectUpload(bucket, version)).toMatchObject({
      restores: 'v-1',
      fault: undefined,
    })
  })
})

describe('what is no whole checkpoint', () => {
  test.each([
    ['an empty file', () => '', /no bytes/],
    ['one byte', () => 'P', /PK/],
    ['garbage', () => Buffer.alloc(5000, 0xa7), /a7a7a7a7/],
    ['a text file', () => 'epoch: 9\nacc: 0.9\n', /not what torch\.save or safetensors writes/],
    ['a checkpoint without its end', () => real.subarray(0, -30), /./],
    ['the first half of a checkpoint', () => real.subarray(0, real.length / 2), /./],
    ['the first four bytes of a checkpoint', () => real.subarray(0, 4), /./],
    ['a checkpoint whose beginning is lost', () => real.subarray(1000), /./],
  ])('is %s: a fault that says why, and no error', async (_, bytes, reason) => {
    const { metadata: __, ...version } = await put(bucket, KEY, bytes())
    expect(await inspectUpload(bucket, version)).toMatchObject({
      ...version,
      fault: expect.stringMatching(reason),
    })
  })
})

test('a version that is gone meanwhile is nothing', async () => {
  const version = await put(bucket, KEY, real)
  await remove(bucket, KEY, version.versionId)
  expect(await inspectUpload(bucket, version)).toBeUndefined()
})

test('a fault of S3 is an error, and says nothing about the upload', async () => {
  const version = await put(bucket, KEY, real)
  const failing = { ...bucket, s3: store.newS3() }
  aroundCalls(failing.s3, async () => {
    throw new Unavailable()
  })
  await expect(inspectUpload(failing, version)).rejects.toThrow(Unavailable)
})
