/** Where the published file goes, and what it is called there. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { publishedName, stemOf } from '../../lib/hook/names.ts'
import { Failure } from '../failure.ts'
import { type Place, parsePlace } from '../place.ts'
import type { Source } from '../source.ts'

export interface FileTarget {
  readonly kind: 'file'
  /** The folder that the file is written in. */
  readonly folder: string
  pathOf(sha256: string): string
}

export interface ObjectTarget {
  readonly kind: 'object'
  readonly bucket: string
  keyOf(sha256: string): string
}

export type Target = FileTarget | ObjectTarget

/** How published files end. */
export type Extension = '.pth' | '.safetensors'

/** Stands for the digits of a hash that is not known yet. */
const UNKNOWN_DIGITS = '????????'

/**
 * Reads `--output`. A folder (or a prefix, which ends in `/`) takes the file under its published name, the
 * source's stem and the first 8 digits of its hash; any other text is the whole path or key.
 *
 * @param output beside the source where it is not given
 * @param extension of the published name
 * @throws {Failure} `not-found` where the folder is not there
 */
export async function targetOf(
  source: Source,
  output: string | undefined,
  extension: Extension,
): Promise<Target> {
  const nameOf = (sha256: string) => stemOf(publishedName(source.fileName, sha256)) + extension
  const place = output === undefined ? folderOf(source.place) : parsePlace(output)
  if (place.kind === 'object') {
    const { bucket, key } = place
    const isPrefix = key === '' || key.endsWith('/')
    return { kind: 'object', bucket, keyOf: (sha256) => (isPrefix ? key + nameOf(sha256) : key) }
  }
  const isFolder = place.path.endsWith('/') || (await isFolderAt(place.path))
  const folder = isFolder ? place.path : dirname(place.path)
  if (!(await isFolderAt(folder))) {
    throw new Failure('not-found', `${folder}: no such folder; make it first`)
  }
  return {
    kind: 'file',
    folder,
    pathOf: (sha256) => (isFolder ? join(folder, nameOf(sha256)) : place.path),
  }
}

/** A target as people see it; the hash may be missing yet. */
export function textOfTarget(target: Target, sha256: string | undefined): string {
  const digits = sha256 ?? UNKNOWN_DIGITS
  return target.kind === 'file'
    ? target.pathOf(digits)
    : `s3://${target.bucket}/${target.keyOf(digits)}`
}

function folderOf(place: Place): Place {
  if (place.kind === 'file') return { kind: 'file', path: `${dirname(place.path)}/` }
  return { ...place, key: place.key.slice(0, place.key.lastIndexOf('/') + 1) }
}

async function isFolderAt(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
