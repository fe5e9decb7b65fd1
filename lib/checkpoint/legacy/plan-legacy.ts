import { LAYOUT_VERSION, type Piece } from '../layout.ts'
import type { Allows } from '../pickle/allow-list.ts'
import { refuseForbidden } from '../pickle/globals.ts'
import { stringNode } from '../pickle/node.ts'
import { reachable, storagesIn } from '../pickle/storages.ts'
import { checkTensors } from '../pickle/tensors.ts'
import { topLevelEntries, withEntries } from '../pickle/top-level.ts'
import { refuseWayBack } from '../pickle/way-back.ts'
import { writePickle } from '../pickle/write-pickle.ts'
import { type RewritePlan, WITHOUT_ENTRIES } from '../plan-rewrite.ts'
import type { RangeReader } from '../range-reader.ts'
import { concatBytes } from '../zip/byte-fields.ts'
import { COUNT_BYTES, type LegacyFile, type LegacyStorage } from './legacy-file.ts'
import { readCounts } from './read-counts.ts'

/** The magic number and the version, as torch pickles them in protocol 2. */
const PREAMBLE = Uint8Array.from(
  Buffer.from('80028a0a6cfc9c46f9206aa850192e' + '80024de9032e', 'hex'),
)

/**
 * Plans a legacy file with only the wanted top-level keys: pickles in protocol 2, then the kept storages with
 * their counts as they are in the source, neighbours as one range.
 *
 * @param wanted asked once for each top-level key
 * @throws {CheckpointFormatError} `forbidden-global`, `bad-storage`, `bad-legacy` where a count is another than
 *   its storage's, `no-top-level-dict`, `not-expressible`, `too-deep`
 */
export async function planLegacyRewrite(
  reader: RangeReader,
  file: LegacyFile,
  wanted: (key: string) => boolean,
  allows: Allows,
): Promise<RewritePlan> {
  refuseForbidden(file.globals)
  const entries = topLevelEntries(file.pickle.root)
  const kept = entries.filter(({ key }) => wanted(key))
  const root = withEntries(file.pickle.root, kept)
  const nodes = reachable(root)
  refuseWayBack(nodes, file.pickle.root)
  checkTensors(nodes)
  const named = storagesIn(nodes, 'legacy')
  const storages = [...file.storages.values()].filter(({ key }) => named.has(key))
  await readCounts(reader, storages)
  const keys = storages.map(({ key }) => stringNode(key))
  const head = concatBytes([
    PREAMBLE,
    writePickle(file.systemInfo),
    writePickle(root, allows),
    writePickle({ kind: 'list', items: keys }),
  ])
  const pieces: Piece[] = [{ kind: 'bytes', bytes: head }, ...ranges(storages)]
  const keptKeys = kept.map(({ key }) => key)
  return {
    layoutVersion: LAYOUT_VERSION,
    pieces,
    sizeBytes: storages.reduce(
      (sum, { sizeBytes }) => sum + COUNT_BYTES + sizeBytes,
      head.byteLength,
    ),
    keptKeys,
    removedKeys: entries.map(({ key }) => key).filter((key) => !keptKeys.includes(key)),
    globals: file.globals,
    sourceSizeBytes: file.fileSizeBytes,
    ...WITHOUT_ENTRIES,
  }
}

function ranges(storages: readonly LegacyStorage[]): Piece[] {
  const pieces: { kind: 'copy'; offset: number; lengthBytes: number }[] = []
  for (const { offset, sizeBytes } of storages) {
    const lengthBytes = COUNT_BYTES + sizeBytes
    const last = pieces.at(-1)
    if (last !== undefined && last.offset + last.lengthBytes === offset) {
      last.lengthBytes += lengthBytes
    } else {
      pieces.push({ kind: 'copy', offset, lengthBytes })
    }
  }
  return pieces
}
