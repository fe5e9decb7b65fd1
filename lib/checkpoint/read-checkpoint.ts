import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { type FileFormat, firstBytesOf, formatOf } from './file-format.ts'
import { allowing, type GlobalName } from './pickle/allow-list.ts'
import { globalsIn, type NamedGlobal, refuseForbidden } from './pickle/globals.ts'
import { MAX_PICKLE_BYTES } from './pickle/limits.ts'
import type { PickleGraph } from './pickle/node.ts'
import { readPickle } from './pickle/read-pickle.ts'
import { type TopLevelEntry, topLevelEntries } from './pickle/top-level.ts'
import type { RangeReader } from './range-reader.ts'
import { type TorchContainer, torchContainerIn } from './torch-container.ts'
import { readEntry } from './zip/read-entry.ts'
import { readZipDirectory, type ZipDirectory } from './zip-directory.ts'

/** A zip file of torch whose tensors were not read; whatever its pickle holds. */
export interface TorchFile {
  readonly directory: ZipDirectory
  readonly container: TorchContainer
  readonly pickle: PickleGraph
  /** Every global that its pickle names; `planRewrite` refuses where one is not allowed. */
  readonly globals: readonly NamedGlobal[]
  readonly facts: FormatFacts
}

/** A checkpoint whose tensors were not read. */
export interface Checkpoint extends TorchFile {
  /** Its top-level dict, in order. */
  readonly entries: readonly TopLevelEntry[]
}

/** How the file was written. */
export interface FormatFacts {
  readonly pickleProtocol: number
  /** torch's file format version; undefined where an odd file has no number there. */
  readonly formatVersion: number | undefined
  /** Undefined before torch 2.1: little. */
  readonly byteOrder: 'little' | 'big' | undefined
  /** Storages begin at multiples of this; 64 unless the file declares another. */
  readonly storageAlignmentBytes: number
  /** What newer torch writes to tell files apart; undefined before. */
  readonly serializationId: string | undefined
}

/** Numbers and words; torch's longest is `serialization_id` with 40 characters. */
const MAX_FACT_BYTES = 64
const DEFAULT_ALIGNMENT_BYTES = 64
/** The padding has to fit an extra field, whose length takes 16 bits. */
const MAX_ALIGNMENT_BYTES = 32_768

/**
 * Reads what a zip file of torch is: its directory, its pickle, its small entries. A handful of range reads,
 * however large the file. `openCheckpoint` reads files of any format.
 *
 * @param permitted globals that are allowed beside the list
 * @throws {CheckpointFormatError} where the file is torn, of another format, damaged, or no dict
 */
export async function readCheckpoint(
  reader: RangeReader,
  permitted: readonly GlobalName[] = [],
): Promise<Checkpoint> {
  const format = formatOf(await firstBytesOf(reader), reader.sizeBytes)
  if (format !== 'zip') throw otherFormat(format)
  const file = await readTorchFile(reader, permitted)
  return { ...file, entries: entriesOf(file.pickle, file.globals) }
}

/**
 * As `readCheckpoint`, whatever the pickle holds, of a file that is known to be a zip file.
 *
 * @throws {CheckpointFormatError} where the file is torn or damaged
 */
export async function readTorchFile(
  reader: RangeReader,
  permitted: readonly GlobalName[] = [],
): Promise<TorchFile> {
  const directory = await readZipDirectory(reader)
  const container = torchContainerIn(directory)
  const [pickleBytes, version, byteOrder, alignment, serializationId] = await Promise.all([
    readEntry(reader, container.pickle, MAX_PICKLE_BYTES),
    readFact(reader, container, 'version'),
    readFact(reader, container, 'byteorder'),
    readFact(reader, container, '.storage_alignment'),
    readFact(reader, container, '.data/serialization_id'),
  ])
  const pickle = readPickle(pickleBytes, allowing(permitted))
  return {
    directory,
    container,
    pickle,
    globals: globalsIn(pickle, permitted),
    facts: {
      pickleProtocol: pickle.protocol,
      formatVersion: numberOf(version),
      byteOrder: byteOrderOf(byteOrder),
      storageAlignmentBytes: alignmentOf(alignment),
      serializationId,
    },
  }
}

function otherFormat(found: FileFormat): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'legacy-format',
    field: 'first bytes of the file',
    expected: 'a zip file of torch',
    found,
    meaning: 'The file is read in another way.',
  })
}

/**
 * The top-level dict of a pickle. A hostile pickle is rarely one; what it names is then the more important
 * finding.
 *
 * @throws {CheckpointFormatError} `forbidden-global`, `no-top-level-dict`
 */
export function entriesOf(pickle: PickleGraph, globals: readonly NamedGlobal[]): TopLevelEntry[] {
  try {
    return topLevelEntries(pickle.root)
  } catch (error) {
    refuseForbidden(globals)
    throw error
  }
}

async function readFact(
  reader: RangeReader,
  container: TorchContainer,
  name: string,
): Promise<string | undefined> {
  const entry = container.others.find((other) => other.name === `${container.root}/${name}`)
  if (entry === undefined) return undefined
  const bytes = await readEntry(reader, entry, MAX_FACT_BYTES)
  return Buffer.from(bytes).toString('latin1').trim()
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

function byteOrderOf(text: string | undefined): 'little' | 'big' | undefined {
  if (text === undefined || text === 'little' || text === 'big') return text
  throw badFact('byteorder', 'little or big', text)
}

function alignmentOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_ALIGNMENT_BYTES
  const declared = numberOf(text)
  const isPowerOf2 = declared !== undefined && declared > 0 && (declared & (declared - 1)) === 0
  if (!isPowerOf2 || declared > MAX_ALIGNMENT_BYTES) {
    throw badFact('.storage_alignment', `a power of 2 up to ${MAX_ALIGNMENT_BYTES}`, text)
  }
  return Math.max(declared, DEFAULT_ALIGNMENT_BYTES)
}

function badFact(field: string, expected: string, found: string): CheckpointFormatError {
  const meaning = 'torch would refuse or misread the file.'
  return new CheckpointFormatError({ code: 'bad-zip', field, expected, found, meaning })
}
