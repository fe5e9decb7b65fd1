/**
 * What kind of file an upload is, and whether a zip file is a whole torch checkpoint.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import type { ZipDirectory, ZipEntry } from './zip-directory.ts'

/** How many first bytes `refuseOtherFormats` needs: a tar file's mark is the last, at 257. */
export const FIRST_BYTES = 262
/** `PK\3\4`, a local header: torch chooses its reader by these four bytes alone. */
const LOCAL_HEADER = [0x50, 0x4b, 0x03, 0x04]
/** Protocol 2, then the magic number 0x1950a86a20f9469cfc6c as LONG1, then STOP: torch before 1.6. */
const LEGACY_MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]

/** Whether torch would read a file with these first bytes as a zip file. */
function looksLikeZip(firstBytes: Uint8Array): boolean {
  return LOCAL_HEADER.every((byte, index) => firstBytes[index] === byte)
}

/**
 * Refuses what is no zip file, with the reason.
 *
 * @param firstBytes the file's first `FIRST_BYTES` bytes, or all that it has
 * @throws {CheckpointFormatError} `legacy-format` or `not-a-checkpoint`
 */
export function refuseOtherFormats(firstBytes: Uint8Array): void {
  if (looksLikeZip(firstBytes)) return
  const hex = Buffer.from(firstBytes.subarray(0, 4)).toString('hex')
  const isLegacy = LEGACY_MAGIC.every((byte, index) => firstBytes[index] === byte)
  const isTar = Buffer.from(firstBytes.subarray(257, 262)).toString('latin1') === 'ustar'
  throw new CheckpointFormatError({
    code: isLegacy || isTar ? 'legacy-format' : 'not-a-checkpoint',
    field: 'first bytes of the file',
    expected: 'PK\\3\\4, a zip file as torch 1.6 and newer write it',
    found: isLegacy
      ? "torch's magic number of before 1.6"
      : isTar
        ? 'a tar file'
        : hex || 'no bytes',
    meaning: isLegacy
      ? 'Saved by a torch before 1.6, or with _use_new_zipfile_serialization=False. Load it and save it again.'
      : isTar
        ? 'Saved by a torch before 0.1.10, or a tar archive. Load it and save it again.'
        : 'The file is not what torch.save writes.',
  })
}

/** The parts of a torch checkpoint, found in its zip directory. */
export interface TorchContainer {
  /** The folder in which everything lies: that of the directory's first entry, as torch decides. */
  readonly root: string
  readonly pickle: ZipEntry
  /** `<root>/data/<key>`, by key. */
  readonly storages: ReadonlyMap<string, ZipEntry>
  /** Everything else: `version`, `byteorder`, `.data/serialization_id` and what newer torch may add. */
  readonly others: readonly ZipEntry[]
}

/**
 * Answers whether a zip file is a whole torch checkpoint, by its directory alone.
 *
 * @throws {CheckpointFormatError} `torchscript`, or `no-pickle` where `<root>/data.pkl` or `<root>/version`
 *   is missing
 */
export function torchContainerIn(directory: ZipDirectory): TorchContainer {
  const root = directory.entries[0]?.name.split('/')[0] ?? ''
  const inRoot = new Map(
    directory.entries
      .filter((entry) => entry.name.startsWith(`${root}/`))
      .map((entry) => [entry.name.slice(root.length + 1), entry]),
  )
  // Lookups follow torch in ignoring case; the directory holds no name twice in that sense.
  const byFoldedName = new Map([...inRoot].map(([name, entry]) => [name.toLowerCase(), entry]))
  if (
    byFoldedName.has('constants.pkl') ||
    [...byFoldedName.keys()].some((n) => n.startsWith('code/'))
  ) {
    throw new CheckpointFormatError({
      code: 'torchscript',
      field: 'entries',
      expected: 'a checkpoint of torch.save',
      found: `${root}/constants.pkl or ${root}/code/`,
      meaning:
        'A TorchScript archive holds a program, not a dict of tensors; it has no keys to keep.',
    })
  }
  const pickle = byFoldedName.get('data.pkl')
  const version = byFoldedName.get('version') ?? byFoldedName.get('.data/version')
  if (pickle === undefined || version === undefined) {
    throw new CheckpointFormatError({
      code: 'no-pickle',
      field: 'entries',
      expected: `${root}/data.pkl and ${root}/version`,
      found: `${directory.entries.length} entries without ${pickle === undefined ? 'data.pkl' : 'version'}`,
      meaning: 'A zip file, but not one that torch.save wrote.',
    })
  }
  const storages = new Map<string, ZipEntry>()
  const others: ZipEntry[] = []
  const prefix = `${root}/data/`.toLowerCase()
  for (const entry of directory.entries) {
    if (entry === pickle) continue
    if (entry.name.toLowerCase().startsWith(prefix) && entry.name.length > prefix.length) {
      storages.set(entry.name.slice(prefix.length), entry)
    } else others.push(entry)
  }
  return { root, pickle, storages, others }
}
