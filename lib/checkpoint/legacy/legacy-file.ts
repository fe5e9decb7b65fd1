/**
 * The file format of torch before 1.6, which `_use_new_zipfile_serialization=False` still writes: five pickles
 * (a magic number, a version, facts of the machine, the object, the storages' keys), then each storage's
 * number of elements in 8 bytes and its bytes, in the order of the keys.
 */
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { allowing, type GlobalName } from '../pickle/allow-list.ts'
import { globalsIn, type NamedGlobal } from '../pickle/globals.ts'
import { MAX_PICKLE_BYTES } from '../pickle/limits.ts'
import { integerOf, type PickleGraph, type PickleNode, textOf } from '../pickle/node.ts'
import { reachable, storagesIn } from '../pickle/storages.ts'
import type { RangeReader } from '../range-reader.ts'
import { PickleRow } from './pickle-row.ts'

/** Where a storage lies. */
export interface LegacyStorage {
  readonly key: string
  /** What the 8 bytes before its data say: elements of its class. */
  readonly count: number
  /** Where those 8 bytes begin, in bytes from the start of the file. */
  readonly offset: number
  readonly sizeBytes: number
}

/** A legacy file whose storages were not read. */
export interface LegacyFile {
  readonly pickle: PickleGraph
  readonly systemInfo: PickleNode
  /** By key, in the order of the file. */
  readonly storages: ReadonlyMap<string, LegacyStorage>
  readonly globals: readonly NamedGlobal[]
  readonly fileSizeBytes: number
}

/** `torch/serialization.py`, `MAGIC_NUMBER` (0x1950a86a20f9469cfc6c) as a pickle holds it. */
const MAGIC = Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19)
/** `PROTOCOL_VERSION`, the only one there ever was. */
const VERSION = 1001
/** Bytes of the number before each storage's data. */
export const COUNT_BYTES = 8

/** Whether a number is the one that legacy files begin with. */
export function isMagic(node: PickleNode): boolean {
  return node.kind === 'long' && Buffer.from(MAGIC).equals(node.littleEndian)
}

/**
 * Reads the pickles of a legacy file, and tells from them where each storage lies. That the file is as long
 * as they say is the sign that its upload is whole; the storages are not read, so their counts are not checked
 * (`readCounts` does).
 *
 * @param permitted globals that are allowed beside the list
 * @param maxPickleBytes refuses larger pickles: all of a pickle is held in memory
 * @throws {CheckpointFormatError} `truncated` where it is shorter than its storages, `bad-legacy` where it is
 *   longer or its parts contradict each other, `bad-storage`, and what the pickle machine throws
 */
export async function readLegacyFile(
  reader: RangeReader,
  permitted: readonly GlobalName[] = [],
  maxPickleBytes: number = MAX_PICKLE_BYTES,
): Promise<LegacyFile> {
  const row = new PickleRow(reader, maxPickleBytes)
  const magic = await plain(row)
  if (!isMagic(magic)) throw contradiction('magic number', '0x1950a86a20f9469cfc6c', magic.kind)
  const version = integerOf(await plain(row))
  if (version !== VERSION) throw contradiction('protocol version', `${VERSION}`, `${version}`)
  const systemInfo = await plain(row)
  if (systemInfo.kind !== 'dict') {
    throw contradiction('facts of the machine', 'a dict', systemInfo.kind)
  }
  const pickle = await row.next(allowing(permitted))
  const keys = keysIn(await plain(row))
  const storages = placed(pickle.root, keys, row.offset)
  requireLength(reader.sizeBytes, storages, row.offset)
  return {
    pickle,
    systemInfo,
    storages,
    globals: globalsIn(pickle, permitted),
    fileSizeBytes: reader.sizeBytes,
  }
}

/** One of the pickles around the object; torch writes no names in them, and would import any. */
async function plain(row: PickleRow): Promise<PickleNode> {
  const { root, globals } = await row.next()
  if (globals.length === 0) return root
  throw contradiction(
    'pickles around the object',
    'numbers, texts and lists',
    globals
      .map(({ module, name }) => `${module}.${name}`.slice(0, 80))
      .slice(0, 5)
      .join(', '),
  )
}

function keysIn(node: PickleNode): string[] {
  if (node.kind !== 'list') throw contradiction("storages' keys", 'a list', node.kind)
  const keys = node.items.map((item) => textOf(item))
  if (keys.every((key) => key !== undefined) && new Set(keys).size === keys.length) return keys
  throw contradiction("storages' keys", 'texts, each once', 'something else')
}

/** One storage after the other; torch would leave one that is not listed as the memory happens to be. */
function placed(
  root: PickleNode,
  keys: readonly string[],
  start: number,
): Map<string, LegacyStorage> {
  const named = storagesIn(reachable(root), 'legacy')
  if (named.size !== keys.length) {
    throw contradiction("storages' keys", `${named.size}, as the object names`, `${keys.length}`)
  }
  const storages = new Map<string, LegacyStorage>()
  let offset = start
  for (const key of keys) {
    const storage = named.get(key)
    if (storage === undefined) throw contradiction("storages' keys", 'those of the object', key)
    storages.set(key, { key, count: storage.count, offset, sizeBytes: storage.sizeBytes })
    offset += COUNT_BYTES + storage.sizeBytes
  }
  return storages
}

function requireLength(
  fileSizeBytes: number,
  storages: ReadonlyMap<string, LegacyStorage>,
  start: number,
): void {
  const last = [...storages.values()].at(-1)
  const end = last === undefined ? start : last.offset + COUNT_BYTES + last.sizeBytes
  if (end === fileSizeBytes) return
  if (end < fileSizeBytes) throw contradiction('size', `${end} bytes`, `${fileSizeBytes}`)
  throw new CheckpointFormatError({
    code: 'truncated',
    field: 'legacy file: size',
    expected: `${end} bytes, by its storages`,
    found: `${fileSizeBytes}`,
    meaning: 'The upload is not finished, or the file was cut.',
  })
}

/** The error of a legacy file that torch did not write so. */
export function contradiction(
  field: string,
  expected: string,
  found: string,
): CheckpointFormatError {
  const meaning = 'The file is damaged, or made to deceive: torch writes none like it.'
  return new CheckpointFormatError({
    code: 'bad-legacy',
    field: `legacy file: ${field}`,
    expected,
    found,
    meaning,
  })
}
