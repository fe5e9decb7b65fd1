/** Invariant 7: whatever call a function dies at, the next one ends what it began, and nothing is left over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import {
  discardFile,
  MOVE_LIMITS,
  type MoveLimits,
  prepareFile,
} from '../../../lib/bucket/rewritten-file.ts'
import { type Written, writeIfAbsent } from '../../../lib/bucket/write.ts'
import { startMiniStack } from '../../../local/ministack.ts'
import { startMoto } from '../../../local/moto.ts'
import { largeCheckpoint, MIB } from '../../fixtures/large-checkpoint.ts'
import { bytesAt, liveKeys, put, type Uploaded } from './objects.ts'
import { callsTo, expectedFile, keyOf, rewriteOf, uploadsLeft } from './rewrites.ts'
import { type StartedStore, startStore } from './store.ts'
import { aroundCalls, type Call } from './wire.ts'

const KEY = 'run/epoch_1.pth'
const FINAL = 'run/best_acc_epoch_1.pth'
const checkpoint = largeCheckpoint({ weights: [11 * MIB], optimizer: [MIB] })
const expected = await expectedFile(checkpoint)
const STAGED = { ...MOVE_LIMITS, wholeBytes: MIB }
/** Hashed by the function, and assembled of the source. */
const NOT_STAGED = { ...STAGED, storeHashBytes: MIB }

/** Where a function dies: before the call, or after it was applied. */
interface Death {
  at: string
  when: 'before' | 'after'
}

/** moto is slow; it is there for what the store's own hash changes. */
const HASHING = /^(CopyObject|CompleteMultipartUpload|DeleteObject) of/
const ANY = /./

describe.each([
  { name: 'staged, hashed by S3 (moto)', start: startMoto, limits: STAGED, at: HASHING },
  { name: 'staged, hashed by the function', start: startMiniStack, limits: STAGED, at: ANY },
  { name: 'not staged', start: startMiniStack, limits: NOT_STAGED, at: ANY },
])('a file that is $name', ({ start, limits, at }) => {
  let store: StartedStore
  let undisturbed: Call[]

  beforeAll(async () => {
    store = await startStore(start)
    const { bucket, upload } = await newBucket()
    undisturbed = callsTo(bucket)
    await make(bucket, upload)
  })
  afterAll(() => store?.stop())

  test.each(['before', 'after'] as const)(
    'is ended by the next function where one dies %s any single call, with what is there by then',
    async (when) => {
      await atOnce(deaths(when), async (death) => {
        const { bucket, upload } = await newBucket()
        const first: Call[] = []
        const dying = { ...bucket, s3: store.newS3() }
        dieAt(dying, death, first)
        await expect(make(dying, upload), death.at).rejects.toThrow('dead')
        const calls = callsTo(bucket)
        expect(await make(bucket, upload), death.at).toMatchObject({ kind: 'written' })
        await expectDone(bucket, death)
        // No part is copied or sent twice.
        const parts = [...first, ...calls].filter(isPart).map(label)
        if (!isForgotten(death))
          expect(parts.toSorted(), death.at).toEqual([...new Set(parts)].toSorted())
      })
    },
  )

  test('that is given up leaves nothing, and its source as it was', async () => {
    await atOnce(deaths('before'), async (death) => {
      const { bucket, upload } = await newBucket()
      const dying = { ...bucket, s3: store.newS3() }
      dieAt(dying, death, [])
      await expect(make(dying, upload)).rejects.toThrow('dead')
      await discardFile(await rewriteOf(bucket, upload))
      expect(await uploadsLeft(bucket), death.at).toEqual(lostUploads(death))
      expect((await liveKeys(bucket)).filter((key) => key !== FINAL)).toEqual([KEY])
      const source = (await bytesAt(bucket, KEY)) ?? new Uint8Array()
      expect(Buffer.compare(source, checkpoint)).toBe(0)
    })
  })

  async function newBucket(): Promise<{ bucket: Bucket; upload: Uploaded }> {
    const bucket = await store.newBucket()
    return { bucket, upload: await put(bucket, KEY, checkpoint) }
  }

  async function make(bucket: Bucket, upload: Uploaded): Promise<Written> {
    return makeWithin(bucket, upload, limits)
  }

  function deaths(when: Death['when']): Death[] {
    return undisturbed
      .filter(({ name }) => !/^(Get|Head|List)/.test(name))
      .map((call) => ({ at: label(call), when }))
      .filter((death) => at.test(death.at))
  }

  async function expectDone(bucket: Bucket, death: Death): Promise<void> {
    const bytes = (await bytesAt(bucket, FINAL)) ?? new Uint8Array()
    expect(Buffer.compare(bytes, expected.bytes), death.at).toBe(0)
    expect(await liveKeys(bucket), death.at).toEqual([FINAL, KEY])
    expect(await uploadsLeft(bucket), death.at).toEqual(lostUploads(death))
  }
})

async function makeWithin(bucket: Bucket, upload: Uploaded, limits: MoveLimits): Promise<Written> {
  const file = await prepareFile(await rewriteOf(bucket, upload), limits)
  const written = await writeIfAbsent(bucket, FINAL, file, undefined)
  await file.drop()
  return written
}

/** Lets a function die at one call; the dead make no calls. */
function dieAt({ s3 }: Bucket, { at, when }: Death, made: Call[]): void {
  let dead = false
  aroundCalls(s3, async (call) => {
    const isIt = label(call) === at
    dead ||= isIt && when === 'before'
    if (!dead) {
      made.push(call)
      await call.go()
    }
    dead ||= isIt
    // No status that would be tried again: that would only take time.
    if (dead) throw Object.assign(new Error('dead'), { $metadata: { httpStatusCode: 400 } })
  })
}

/** What a call does, in words that are the same whichever upload or version it names. */
function label({ name, input }: Call): string {
  const number = 'PartNumber' in input ? ` ${input.PartNumber}` : ''
  const key = keyOf(input)
  return `${name}${number} of ${key.replace(/[0-9a-f]{64}/, 'PLAN')}`
}

function isPart({ name }: Call): boolean {
  return name === 'UploadPart' || name === 'UploadPartCopy'
}

/**
 * Under the file's own name an upload that was not written down could be a trainer's, so that nobody touches
 * it. It has no parts, and the bucket's lifecycle ends it.
 */
function lostUploads({ at, when }: Death): string[] {
  const isBegun = when === 'after' && at === `CreateMultipartUpload of ${FINAL}`
  const isUnwritten = when === 'before' && /^PutObject of .*\.json$/.test(at)
  return isBegun || isUnwritten ? [FINAL] : []
}

/** What was begun is not known any more, or all was done but for saying so: then it is done again. */
function isForgotten(death: Death): boolean {
  return lostUploads(death).length > 0 || (death.when === 'after' && death.at.startsWith('Delete'))
}

async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all([worker(), worker(), worker()])
}
