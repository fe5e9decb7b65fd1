/**
 * The `.metadata` of `torch.distributed.checkpoint`: a pickle that says in which file each piece of each
 * tensor lies. Read symbolically, as all pickles are: nothing in it is imported or called.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { DCP_MODULES, isDcpGlobal } from './pickle/dcp-allow-list.ts'
import { globalsIn, refuseForbidden } from './pickle/globals.ts'
import {
  type DictNode,
  integerOf,
  type ObjectNode,
  type PickleNode,
  shortTextOf,
} from './pickle/node.ts'
import { readPickle } from './pickle/read-pickle.ts'

/** Keys and values of one `_StorageInfo`, which has five attributes in torch 2.13. */
const MAX_STATE_NODES = 40

/** A file and the bytes that the pieces in it need at least. */
interface StorageFile {
  name: string
  size: { leastBytes: number }
}

/**
 * The files that hold the tensors: `relative_path` of every `_StorageInfo` in `Metadata.storage_data`.
 *
 * @param bytes the whole `.metadata`
 * @throws {CheckpointFormatError} `forbidden-global` where the pickle names anything but DCP's own data,
 *   `bad-marker` where it is no `Metadata` as torch's file system writer leaves it, and whatever the
 *   pickle machine throws
 */
export function filesInDcpMetadata(bytes: Uint8Array): StorageFile[] {
  const graph = readPickle(bytes)
  refuseForbidden(globalsIn(graph).map((global) => ({ ...global, allowed: isDcpGlobal(global) })))
  const root = objectOf(graph.root, DCP_MODULES.metadata, 'Metadata')
  const storage = root && valueAt(stateOf(root), 'storage_data')
  if (storage?.kind !== 'dict') throw complaint('storage_data', 'a dict', storage?.kind ?? 'none')
  const leastBytes = new Map<string, number>()
  for (let at = 1; at < storage.entries.length; at += 2) {
    const { name, endBytes } = pieceOf(storage.entries[at])
    leastBytes.set(name, Math.max(leastBytes.get(name) ?? 0, endBytes))
  }
  return [...leastBytes].map(([name, bytes]) => ({ name, size: { leastBytes: bytes } }))
}

/** One piece: in which file it lies, and where it ends there, in bytes. */
function pieceOf(node: PickleNode | undefined): { name: string; endBytes: number } {
  const info = objectOf(node, DCP_MODULES.filesystem, '_StorageInfo')
  if (info === undefined) throw complaint('storage_data', '_StorageInfo', node?.kind ?? 'none')
  const state = stateOf(info)
  // One long dict may be the state of every piece.
  if ((state?.entries.length ?? 0) > MAX_STATE_NODES) {
    throw complaint('_StorageInfo', 'relative_path, offset and length', 'much more')
  }
  const name = shortTextOf(valueAt(state, 'relative_path'))
  const offset = integerOf(valueAt(state, 'offset'))
  const length = integerOf(valueAt(state, 'length'))
  if (name === undefined || offset === undefined || length === undefined) {
    throw complaint('_StorageInfo', 'relative_path, offset and length', 'something else')
  }
  if (offset < 0 || length < 0) throw complaint('_StorageInfo', 'a range of bytes', 'less than 0')
  return { name, endBytes: offset + length }
}

function objectOf(
  node: PickleNode | undefined,
  module: string,
  name: string,
): ObjectNode | undefined {
  if (node?.kind !== 'object') return undefined
  return node.callee.module === module && node.callee.name === name ? node : undefined
}

/** A dataclass's attributes: the dict that BUILD gives it. */
function stateOf(node: ObjectNode): DictNode | undefined {
  const change = node.changes.at(-1)
  return change?.kind === 'build' && change.state.kind === 'dict' ? change.state : undefined
}

/** A key may come twice; then the last value holds, as in Python. */
function valueAt(dict: DictNode | undefined, key: string): PickleNode | undefined {
  const entries = dict?.entries ?? []
  for (let at = entries.length - 2; at >= 0; at -= 2) {
    if (shortTextOf(entries[at]) === key) return entries[at + 1]
  }
  return undefined
}

function complaint(field: string, expected: string, found: string): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'bad-marker',
    field: `.metadata: ${field}`,
    expected,
    found,
    meaning: "It is not as torch's FileSystemWriter writes it: upload a .complete.json beside it.",
  })
}
