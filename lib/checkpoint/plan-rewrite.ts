import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { LAYOUT_VERSION, type Layout, layOut, type Piece } from './layout.ts'
import { type Allows, isAllowed } from './pickle/allow-list.ts'
import { type NamedGlobal, refuseForbidden } from './pickle/globals.ts'
import { badStorage, reachable, type StorageReference, storagesIn } from './pickle/storages.ts'
import { checkTensors } from './pickle/tensors.ts'
import { withEntries } from './pickle/top-level.ts'
import { refuseWayBack } from './pickle/way-back.ts'
import { writePickle } from './pickle/write-pickle.ts'
import type { Checkpoint } from './read-checkpoint.ts'
import type { TorchContainer } from './torch-container.ts'
import { ownEndOf } from './zip/entry-extent.ts'
import { beginsLikeFiller } from './zip/filler.ts'
import { LOCAL_HEADER_BYTES } from './zip/local-header.ts'
import { requireStored } from './zip/read-entry.ts'
import type { ZipEntry } from './zip/zip-entry.ts'

/** A rewritten file before any byte of it is moved. */
export interface RewritePlan {
  readonly layoutVersion: typeof LAYOUT_VERSION
  /** In order, without gaps: the whole output. Ranges to copy are as long as they can be. */
  readonly pieces: readonly Piece[]
  readonly sizeBytes: number
  readonly keptKeys: readonly string[]
  readonly removedKeys: readonly string[]
  /** Every global that the source names, those of removed values too. All of them are allowed. */
  readonly globals: readonly NamedGlobal[]
  /** Length of the source that the plan is for, in bytes. */
  readonly sourceSizeBytes: number
  /** What the ranges hold, for `checkLocalHeaders`. */
  readonly copiedEntries: readonly ZipEntry[]
  /** Ranges that are copied as fillers, for `checkLocalHeaders`. */
  readonly borrowed: Layout['borrowed']
  readonly alignmentBytes: number
}

/** What a plan of a file without zip entries says of them: nothing is to be checked before ranges are copied. */
export const WITHOUT_ENTRIES: Pick<RewritePlan, 'copiedEntries' | 'borrowed' | 'alignmentBytes'> = {
  copiedEntries: [],
  borrowed: [],
  alignmentBytes: 1,
}

/**
 * torch takes this entry as a promise that storages follow each other as it would have written them, and
 * may then compute where they lie instead of looking it up. A file without it makes no such promise.
 */
const ORDER_PROMISE = '.format_version'
/** torch may rely on the alignment that this entry names. */
const ALIGNMENT_PROMISE = '.storage_alignment'
/** An extra field's own header and a zip64 block, and a descriptor: what torch puts around padded data. */
const FRAMING_BYTES = 4 + 28 + 24

/**
 * Plans a file with only the wanted top-level keys. The same source and keys always give the same plan.
 *
 * Storages that only removed values name are gone from it; those that kept and removed ones share stay.
 *
 * @param wanted asked once for each top-level key; a key that the checkpoint does not have is not asked about
 * @throws {CheckpointFormatError} `forbidden-global`, `bad-storage` where a kept storage or tensor is not as
 *   long as the pickle says, `compressed-entry`, `not-expressible`, `too-deep`, `bad-zip`
 */
export function planRewrite(
  checkpoint: Checkpoint,
  wanted: (key: string) => boolean,
  allows: Allows = isAllowed,
): RewritePlan {
  refuseForbidden(checkpoint.globals)
  const { container, facts } = checkpoint
  const kept = checkpoint.entries.filter(({ key }) => wanted(key))
  const keptKeys = kept.map(({ key }) => key)
  const root = withEntries(checkpoint.pickle.root, kept)
  const nodes = reachable(root)
  refuseWayBack(nodes, checkpoint.pickle.root)
  checkTensors(nodes)
  const alignmentBytes = facts.storageAlignmentBytes
  const entries = [
    ...container.others.filter(({ name }) => name !== `${container.root}/${ORDER_PROMISE}`),
    ...keptStorages(container, storagesIn(nodes)),
  ]
  for (const entry of entries) refuseDeadBytes(entry, alignmentBytes)
  // Without the filler of an earlier rewrite, so that it does not matter how many came before.
  const copied = entries.map((entry) => ({ ...entry, endOffset: ownEndOf(entry, alignmentBytes) }))
  const layout = layOut({
    pickleName: container.pickle.name,
    pickle: writePickle(root, allows),
    copied,
    alignmentBytes,
    alignmentIsDeclared: container.others.some(
      ({ name }) => name === `${container.root}/${ALIGNMENT_PROMISE}`,
    ),
    borrowable: new Set(
      checkpoint.directory.entries.filter(beginsLikeFiller).map(({ headerOffset }) => headerOffset),
    ),
  })
  return {
    layoutVersion: LAYOUT_VERSION,
    ...layout,
    keptKeys,
    removedKeys: checkpoint.entries.map(({ key }) => key).filter((key) => !keptKeys.includes(key)),
    globals: checkpoint.globals,
    sourceSizeBytes: checkpoint.directory.fileSizeBytes,
    copiedEntries: copied,
    alignmentBytes,
  }
}

function keptStorages(
  container: TorchContainer,
  storages: ReadonlyMap<string, StorageReference>,
): ZipEntry[] {
  return [...storages.values()].map(({ key, sizeBytes }) => {
    const entry = container.storages.get(key)
    if (entry === undefined) {
      throw badStorage(`storage ${key}`, `an entry ${container.root}/data/${key}`, 'none')
    }
    requireStored(entry)
    if (entry.sizeBytes !== sizeBytes) {
      throw badStorage(`storage ${key}`, `${sizeBytes} bytes, by its count`, `${entry.sizeBytes}`)
    }
    return entry
  })
}

/** Bytes that no entry accounts for could be a tensor that someone else removed: not copied along. */
function refuseDeadBytes(entry: ZipEntry, alignmentBytes: number): void {
  const accounted =
    LOCAL_HEADER_BYTES + Buffer.byteLength(entry.name) + entry.compressedSizeBytes + FRAMING_BYTES
  const rest = entry.endOffset - entry.headerOffset - accounted
  if (rest <= 2 * alignmentBytes) return
  throw new CheckpointFormatError({
    code: 'bad-zip',
    field: `"${entry.name}": space to the next entry`,
    expected: `at most ${2 * alignmentBytes} bytes of padding`,
    found: `${rest}`,
    meaning: 'The file holds bytes that no entry accounts for; save it again with torch.',
  })
}
