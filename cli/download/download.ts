/** `ckpt download`: a checkpoint, a best copy or a published file comes to this machine, whole and verified. */
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { paginateListObjectsV2 } from '@aws-sdk/client-s3'
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { type FoundObject, lookUp } from '../../lib/bucket/look-up.ts'
import { openPartialFile, type PartialFile } from '../../lib/files/partial-file.ts'
import { nameOf, uriOf } from '../../lib/hook/names.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import { printable } from '../output/printable.ts'
import { readableSize } from '../output/sizes.ts'
import type { Terminal } from '../output/terminal.ts'
import { fetchObject } from './fetch-object.ts'
import { type Expected, expectedOf, isAsExpected } from './verify.ts'
import type { Wanted } from './wanted.ts'

/** What came of one file. */
interface Fetched {
  readonly path: string
  readonly sizeBytes: number
  /** By what its bytes were held to be right. */
  readonly verified: Expected['by']
  /** `same`: it was there already. */
  readonly kind: 'written' | 'same'
}

/**
 * Downloads an object, or all files of a directory.
 *
 * It goes on where a download of the same version was stopped. A file gets its name once it is verified.
 *
 * @param output a path, or a folder that is there
 * @throws {Failure} `not-found`, `taken`, `damaged`, `interrupted`
 */
export async function download(
  wanted: Wanted,
  terminal: Terminal,
  signal: AbortSignal,
  output: string,
): Promise<void> {
  const files = await filesOf(wanted)
  const sizeBytes = files.reduce((sum, { object }) => sum + object.sizeBytes, 0)
  const top = wanted.directory ?? wanted.object.key
  const path = await targetOf(output, nameOf(top))
  const progress = terminal.progress('downloading', sizeBytes)
  const fetched: Fetched[] = []
  try {
    for (const { object, sha256 } of files) {
      const place = wanted.directory === undefined ? path : join(path, within(top, object.key))
      await mkdir(dirname(place), { recursive: true })
      fetched.push(await fetchFile(wanted.bucket, object, sha256, place, { signal, progress }))
    }
  } finally {
    progress.end()
  }
  const source = uriOf(wanted.bucket.name, top)
  const kinds = new Set(fetched.map(({ kind }) => kind))
  const verified = [...new Set(fetched.map((file) => file.verified))]
  const json = {
    source,
    path,
    size_bytes: sizeBytes,
    files: fetched.length,
    verified_by: verified,
    result: kinds.has('written') ? 'written' : 'same',
  }
  terminal.answer(json, () => {
    const size = terminal.isForPeople ? readableSize(sizeBytes) : `${sizeBytes}`
    return `${printable(path)}\t${size}\t${textOf(verified)}`
  })
}

const HOW: Record<Expected['by'], string> = {
  sha256: 'verified by its SHA-256',
  etag: 'verified by its ETag',
  size: 'not verified: its ETag says nothing about its bytes',
}

function textOf(verified: readonly Expected['by'][]): string {
  return verified.map((by) => HOW[by]).join('; ')
}

interface FileToFetch {
  readonly object: FoundObject
  readonly sha256: string | undefined
}

async function filesOf({ bucket, object, directory }: Wanted): Promise<FileToFetch[]> {
  const { key, version_id, sha256 } = object
  const found = await lookUp(bucket, key, version_id === 'null' ? undefined : version_id)
  if (found === undefined) {
    throw new Failure('not-found', `${uriOf(bucket.name, key)}: is not there any more`)
  }
  if (directory === undefined) return [{ object: found, sha256 }]
  const current = await lookUp(bucket, key)
  if (current?.versionId !== found.versionId) {
    throw new Failure('not-found', `${uriOf(bucket.name, directory)}: is not there`, {
      advice: 'Its files are noncurrent versions: bring it back with `ckpt restore`.',
    })
  }
  const files: FileToFetch[] = []
  const Prefix = `${directory}/`
  const pages = paginateListObjectsV2({ client: bucket.s3 }, { Bucket: bucket.name, Prefix })
  for await (const { Contents = [] } of pages) {
    for (const { Key = '' } of Contents) {
      const file = await lookUp(bucket, Key)
      if (file !== undefined) files.push({ object: file, sha256: undefined })
    }
  }
  return files
}

/** A key is no path: what would lead out of the folder is refused. */
function within(directory: string, key: string): string {
  const name = key.slice(directory.length + 1)
  if (name.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw new Failure('refused', `${key}: is no path of a file in a folder`)
  }
  return name
}

async function targetOf(output: string, name: string): Promise<string> {
  const found = await stat(output).catch(() => undefined)
  if (found?.isDirectory()) return join(output, name)
  return output.endsWith('/') ? join(output, name) : output
}

async function fetchFile(
  bucket: Bucket,
  object: FoundObject,
  sha256: string | undefined,
  path: string,
  how: Parameters<typeof fetchObject>[3],
): Promise<Fetched> {
  const { sizeBytes } = object
  const expected = await expectedOf(bucket, object, sha256)
  const done = { path, sizeBytes, verified: expected.by }
  if (await isThere(path, sizeBytes, expected)) return { ...done, kind: 'same' }
  const identity = `${object.versionId} ${object.etag}`
  const file = await openPartialFile(path, { identity, sizeBytes })
  try {
    how.progress.advance(sizeBytes - missingBytes(file))
    await fetchObject(bucket, object, file, how)
    await file.sync()
    if (!(await isAsExpected(file.partPath, expected))) {
      await file.discard()
      throw new Failure(
        'failed',
        `${path}: other bytes came than ${uriOf(bucket.name, object.key)} has`,
        {
          code: 'damaged',
          advice: 'Nothing of them is left. Try again.',
        },
      )
    }
    if (!(await file.rename())) throw taken(path)
    return { ...done, kind: 'written' }
  } catch (error) {
    if (how.signal.aborted) throw how.signal.reason
    throw failureOf(error, path)
  } finally {
    await file.close()
  }
}

/** A file of the name is never written over; whether it is the wanted one is seen where that can be. */
async function isThere(path: string, sizeBytes: number, expected: Expected): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return false
  const isSame = found.isFile() && found.size === sizeBytes && expected.by !== 'size'
  if (isSame && (await isAsExpected(path, expected))) return true
  throw taken(path)
}

function taken(path: string): Failure {
  return new Failure('taken', `${path}: is there already, with other bytes`, {
    advice: 'Move it away, or name another --output.',
  })
}

function missingBytes({ missing }: PartialFile): number {
  return missing.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
}
