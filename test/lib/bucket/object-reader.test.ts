import { createServer, type RequestListener, type Server } from 'node:http'
import { S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { objectReader, readText } from '../../../lib/bucket/object-reader.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { AWKWARD_KEYS, put, remove } from './objects.ts'
import { storeOfFile } from './store.ts'
import { callsOf } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'
const store = storeOfFile()
let bucket: Bucket

beforeEach(async () => {
  bucket = await store.newBucket()
})

describe('a reader over one version', () => {
  test.each([
    [0, 1, 'a'],
    [0, 26, ALPHABET],
    [1, 1, 'b'],
    [10, 5, 'klmno'],
    [25, 1, 'z'],
    [12, 0, ''],
    [26, 0, ''],
  ])('reads exactly the bytes from %i, %i of them', async (offset, length, expected) => {
    const reader = objectReader(bucket, await put(bucket, KEY, ALPHABET))
    expect(text(await reader.read(offset, length))).toBe(expected)
  })

  test('reads a large version in the middle, across many chunks of the body', async () => {
    const bytes = new Uint8Array(1_000_003).map((_, at) => at % 251)
    const reader = objectReader(bucket, await put(bucket, KEY, bytes))
    expect(await reader.read(499_999, 300_001)).toEqual(bytes.slice(499_999, 800_000))
  })

  test('reads its own version after others were uploaded and the key was deleted', async () => {
    const first = await put(bucket, KEY, 'the first')
    await put(bucket, KEY, 'the second')
    await remove(bucket, KEY)
    expect(text(await objectReader(bucket, first).read(4, 5))).toBe('first')
  })

  test('knows the user metadata from its first read on', async () => {
    const reader = objectReader(bucket, await put(bucket, KEY, ALPHABET, { token: 'v-1' }))
    expect(reader.metadata()).toEqual({})
    await reader.read(3, 4)
    expect(reader.metadata()).toEqual({ token: 'v-1' })
  })

  test('says so where the version is no longer there', async () => {
    const version = await put(bucket, KEY, ALPHABET)
    await put(bucket, KEY, 'another')
    await remove(bucket, KEY, version.versionId)
    await expect(objectReader(bucket, version).read(0, 5)).rejects.toMatchObject({
      name: 'BucketError',
      code: 'gone',
      key: KEY,
      message: `"${KEY}": version ${version.versionId} is no longer in the bucket`,
    })
  })

  test('says so where fewer bytes come than were asked for', async () => {
    const version = await put(bucket, KEY, ALPHABET)
    const reader = objectReader(bucket, { ...version, sizeBytes: 40 })
    await expect(reader.read(20, 20)).rejects.toMatchObject({
      code: 'cut short',
      message: `"${KEY}": 6 bytes came of 20 that were asked for; try again`,
    })
  })

  test.each(AWKWARD_KEYS)('reads the key %j', async (key) => {
    expect(text(await objectReader(bucket, await put(bucket, key, ALPHABET)).read(2, 3))).toBe(
      'cde',
    )
  })
})

describe('a text', () => {
  test('is read as UTF-8, without its byte order mark', async () => {
    const version = await put(bucket, KEY, '\uFEFF{"größe": "模型 🙂"}')
    expect(await readText(bucket, version, 100)).toBe('{"größe": "模型 🙂"}')
  })

  test('of exactly the limit is read', async () => {
    expect(await readText(bucket, await put(bucket, KEY, ALPHABET), 26)).toBe(ALPHABET)
  })

  test('that is empty is read without asking', async () => {
    const version = await put(bucket, KEY, '')
    const calls = callsOf(bucket.s3)
    expect(await readText(bucket, version, 0)).toBe('')
    expect(calls).toEqual([])
  })

  test('above the limit is refused without being read', async () => {
    const version = await put(bucket, KEY, ALPHABET)
    const calls = callsOf(bucket.s3)
    await expect(readText(bucket, version, 25)).rejects.toMatchObject({
      code: 'too large',
      message: `"${KEY}": has 26 bytes, more than the 25 that are read`,
    })
    expect(calls).toEqual([])
  })
})

describe('a server', () => {
  const version = { key: KEY, versionId: 'v-1', sizeBytes: ALPHABET.length }
  let server: Server | undefined

  afterEach(async () => {
    vi.useRealTimers()
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined))
  })

  test('that answers a range is not asked for more', async () => {
    const ranges: (string | undefined)[] = []
    const reader = objectReader(
      await bucketOf((request, response) => {
        ranges.push(request.headers.range)
        response.writeHead(206, { 'content-range': 'bytes 3-5/26', 'content-length': 3 }).end('def')
      }),
      version,
    )
    expect(text(await reader.read(3, 3))).toBe('def')
    expect(ranges).toEqual(['bytes=3-5'])
  })

  test('that ignores the range and sends everything is understood', async () => {
    const reader = objectReader(
      await bucketOf((_, response) => {
        response.writeHead(200, { 'content-length': 26 })
        response.write(ALPHABET.slice(0, 5))
        setTimeout(() => response.write(ALPHABET.slice(5, 7)), 5)
        setTimeout(() => response.end(ALPHABET.slice(7)), 10)
      }),
      version,
    )
    expect(text(await reader.read(4, 3))).toBe('efg')
    expect(text(await reader.read(0, 26))).toBe(ALPHABET)
  })

  test('whose body comes in chunks has each given on, with its place in the range', async () => {
    const reader = objectReader(
      await bucketOf((_, response) => {
        response.writeHead(200, { 'content-length': 26 })
        response.write(ALPHABET.slice(0, 5))
        setTimeout(() => response.write(ALPHABET.slice(5, 7)), 5)
        setTimeout(() => response.end(ALPHABET.slice(7)), 10)
      }),
      version,
    )
    const taken: [number, string][] = []
    await reader.readChunks(2, 10, (chunk, at) => taken.push([at, text(chunk)]))
    expect(taken.map(([, chunk]) => chunk).join('')).toBe(ALPHABET.slice(2, 12))
    for (const [at, chunk] of taken) expect(ALPHABET.slice(2 + at)).toMatch(new RegExp(`^${chunk}`))
  })

  test('that ends a body early is asked for the rest', async () => {
    const asked: (string | undefined)[] = []
    const reader = objectReader(
      await bucketOf(({ headers: { range } }, response) => {
        asked.push(range)
        const from = Number(/=(\d+)-/.exec(range ?? '')?.[1])
        const length = 21 - from
        response.writeHead(206, {
          'content-range': `bytes ${from}-20/26`,
          'content-length': length,
        })
        response.write(ALPHABET.slice(from, from + 7))
        setTimeout(() => (length > 7 ? response.destroy() : response.end()), 5)
      }),
      version,
    )
    expect(text(await reader.read(2, 19))).toBe(ALPHABET.slice(2, 21))
    expect(asked).toEqual(['bytes=2-20', 'bytes=9-20', 'bytes=16-20'])
  })

  test('that ends a body early again and again is an error, never fewer bytes', async () => {
    const reader = objectReader(
      await bucketOf((_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-25/26', 'content-length': 26 })
        response.write('abc')
        setTimeout(() => response.destroy(), 5)
      }),
      version,
    )
    await expect(reader.read(0, 26)).rejects.toThrow()
  })

  test('that sends an empty body for a range is an error', async () => {
    const reader = objectReader(
      await bucketOf((_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-25/26', 'content-length': 0 }).end()
      }),
      version,
    )
    await expect(reader.read(0, 26)).rejects.toMatchObject({ code: 'cut short' })
  })

  test('that stalls in the middle of a body is asked for the rest after half a minute, and at last given up', async () => {
    const slow = await bucketOf((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-25/26', 'content-length': 26 })
      response.write('abc')
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const read = expect(objectReader(slow, version).read(0, 26)).rejects.toMatchObject({
      code: 'cut short',
      message: `"${KEY}": nothing came for 30000 ms; try again`,
    })
    // The body's first bytes have to be there before time passes.
    for (let at = 0; at < 50; at++) await new Promise((resolve) => setImmediate(resolve))
    for (let at = 0; at < 160; at++) {
      await vi.advanceTimersByTimeAsync(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await read
  })

  test('whose error is not that the version is missing has its error passed on', async () => {
    const reader = objectReader(
      await bucketOf((_, response) => {
        response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
      }),
      version,
    )
    await expect(reader.read(0, 1)).rejects.toMatchObject({ name: 'AccessDenied' })
  })

  async function bucketOf(answer: RequestListener): Promise<Bucket> {
    const listening = createServer(answer)
    server = listening
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    const address = listening.address()
    const port = typeof address === 'object' ? address?.port : 0
    const s3 = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: REGION,
      credentials: CREDENTIALS,
      forcePathStyle: true,
      maxAttempts: 1,
    })
    return { s3, name: 'bucket' }
  }
})

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
