import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HeadObjectCommand, HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectedOf, isAsExpected } from '../../../cli/download/verify.ts'

const md5 = (...texts: string[]) => createHash('md5').update(texts.join('')).digest()
/** Of three parts, of which the last is short. */
const IN_PARTS = `${createHash('md5')
  .update(Buffer.concat([md5('aaaa'), md5('bbbb'), md5('cc')]))
  .digest('hex')}-3`

/** A store that tells these of an object's parts; the emulators tell nothing of them. */
function storeOf(parts: readonly number[], more: Partial<HeadObjectCommandOutput> = {}) {
  const send = async ({ input: { PartNumber = 1 } }: HeadObjectCommand) => ({
    ContentLength: parts[PartNumber - 1],
    ...(parts.length > 1 && { PartsCount: parts.length }),
    ...more,
  })
  return { name: 'bucket', s3: { send } as unknown as S3Client }
}

function object(etag: string, sizeBytes = 10) {
  return { key: 'a.pth', versionId: 'v', etag, sizeBytes, metadata: {} }
}

describe('what a file is held against', () => {
  const plain = md5('aaaabbbbcc').toString('hex')
  test.each([
    [
      'the SHA-256 that the hub knows',
      storeOf([10]),
      object(plain),
      'ab',
      { by: 'sha256', sha256: 'ab' },
    ],
    [
      'the ETag of an upload in one part',
      storeOf([10]),
      object(plain),
      undefined,
      { by: 'etag', etag: plain, partBytes: 10 },
    ],
    [
      'the ETag of equal parts',
      storeOf([4, 4, 2]),
      object(IN_PARTS),
      undefined,
      { by: 'etag', etag: IN_PARTS, partBytes: 4 },
    ],
    [
      'nothing, where parts are unequal',
      storeOf([4, 3, 3]),
      object(IN_PARTS),
      undefined,
      { by: 'size' },
    ],
    [
      'nothing, where the store tells no parts',
      storeOf([10]),
      object(IN_PARTS),
      undefined,
      { by: 'size' },
    ],
    [
      'nothing, where a key of KMS encrypts',
      storeOf([10], { ServerSideEncryption: 'aws:kms' }),
      object(plain),
      undefined,
      { by: 'size' },
    ],
    [
      'nothing, where the ETag is of another kind',
      storeOf([10]),
      object('opaque'),
      undefined,
      { by: 'size' },
    ],
  ])('is %s', async (_, bucket, found, sha256, expected) => {
    expect(await expectedOf(bucket, found, sha256)).toEqual(expected)
  })
})

describe('a file', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verify-'))
    await writeFile(join(folder, 'right'), 'aaaabbbbcc')
    await writeFile(join(folder, 'wrong'), 'aaaabbbbcd')
    await writeFile(join(folder, 'empty'), '')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each([
    [
      'its SHA-256',
      { by: 'sha256', sha256: createHash('sha256').update('aaaabbbbcc').digest('hex') },
    ],
    ['the MD5 of one part', { by: 'etag', etag: md5('aaaabbbbcc').toString('hex'), partBytes: 10 }],
    ['the MD5 of the MD5s of its parts', { by: 'etag', etag: IN_PARTS, partBytes: 4 }],
  ] as const)('is as expected by %s, and no other is', async (_, expected) => {
    expect(await isAsExpected(join(folder, 'right'), expected)).toBe(true)
    expect(await isAsExpected(join(folder, 'wrong'), expected)).toBe(false)
  })

  test('may be empty', async () => {
    const expected = { by: 'etag', etag: md5('').toString('hex'), partBytes: 1 } as const
    expect(await isAsExpected(join(folder, 'empty'), expected)).toBe(true)
  })
})
