/**
 * Whether a zip file is a whole torch checkpoint.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import type { ZipDirectory, ZipEntry } from './zip-directory.ts'

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
  // Lookups follow torch in ignoring case; the directory holds no name twice in that sense.
  const byFoldedName = new Map<string, ZipEntry>()
  for (const entry of directory.entries) {
    if (!entry.name.startsWith(`${root}/`)) continue
    const name = entry.name.slice(root.length + 1).toLowerCase()
    if (!name.startsWith('data/')) byFoldedName.set(name, entry)
  }
  if (
    byFoldedName.has('constants.pkl') ||
    [...byFoldedName.keys()].some((name) => name.startsWith('code/'))
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
