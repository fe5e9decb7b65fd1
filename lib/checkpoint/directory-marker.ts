/**
 * The markers of a directory checkpoint: the file in it that names the others, so that one can tell
 * whether all of them are there.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { filesInDcpMetadata } from './dcp-metadata.ts'

/** What torch's own `torch.distributed.checkpoint` writes. */
const DCP_MARKER = '.metadata'
/**
 * Names of markers, the one that counts first. `.complete.json` is what our clients write last, and a run
 * may name another for it. DeepSpeed's `latest` names no files.
 */
export const MARKERS: readonly string[] = ['.complete.json', DCP_MARKER]

/** A file that a marker names, by its path within the directory. */
export interface ListedFile {
  name: string
  /** DCP tells how far it wrote, which what comes behind may exceed. */
  size: { exactBytes: number } | { leastBytes: number }
}

/** Largest marker that is read: the `.metadata` of a model in 200,000 pieces has about 40 MB. */
export const MAX_MARKER_BYTES = 64 * 1024 * 1024
/** Files of one directory; the largest jobs write one a rank. */
const MAX_FILES = 100_000

/**
 * The files that a marker names, each once, in order of their names.
 *
 * @param marker its name: DCP's own is a pickle, any other one is JSON
 * @param bytes the marker's whole content
 * @throws {CheckpointFormatError} where it is not what its name says, or names what no file can be
 */
export function filesIn(marker: string, bytes: Uint8Array): ListedFile[] {
  const files = isPartOfCheckpoint(marker)
    ? filesInDcpMetadata(bytes)
    : filesInComplete(marker, bytes)
  if (files.length === 0 || files.length > MAX_FILES) {
    throw complaint(`${marker}: files`, `1 to ${MAX_FILES} files`, `${files.length}`)
  }
  const names = new Set<string>()
  for (const [at, { name }] of files.entries()) {
    const field = `${marker}: files[${at}].name`
    if (!isPath(name)) throw complaint(field, 'a path within the directory', JSON.stringify(name))
    if (name === marker) throw complaint(field, 'a file beside the marker', 'the marker itself')
    if (names.has(name)) throw complaint(field, 'each file once', `${JSON.stringify(name)} twice`)
    names.add(name)
  }
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Whether a marker holds more than names: without DCP's own nobody could load the directory. */
export function isPartOfCheckpoint(marker: string): boolean {
  return marker === DCP_MARKER
}

/** `{"files": [{"name": "rank_0.bin", "size": 1024}, …]}`, sizes in bytes. */
function filesInComplete(marker: string, bytes: Uint8Array): ListedFile[] {
  const value = jsonOf(marker, bytes)
  const files = isMap(value) ? value['files'] : undefined
  if (!Array.isArray(files)) {
    throw complaint(marker, '{"files": [{"name": …, "size": …}, …]}', 'something else')
  }
  return files.map((file: unknown, at) => {
    const { name, size } = isMap(file) ? file : {}
    if (typeof name !== 'string') {
      throw complaint(`${marker}: files[${at}].name`, 'a text', typeof name)
    }
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw complaint(`${marker}: files[${at}].size`, 'a number of bytes', String(size))
    }
    return { name, size: { exactBytes: size } }
  })
}

function jsonOf(marker: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw complaint(marker, 'JSON in UTF-8', 'other bytes')
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** S3 would take `..` as a name like any other, clients that download the directory would not. */
function isPath(name: string): boolean {
  const parts = name.split('/')
  return name.isWellFormed() && parts.every((part) => !['', '.', '..'].includes(part))
}

function complaint(field: string, expected: string, found: string): CheckpointFormatError {
  const meaning = 'The marker is damaged, or is none: upload the directory again, its marker last.'
  return new CheckpointFormatError({ code: 'bad-marker', field, expected, found, meaning })
}
