import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import {
  beginningOf,
  childrenOf,
  type GlobalNode,
  integerOf,
  type PersistentNode,
  type PickleNode,
  shortTextOf,
} from './node.ts'

/** A storage as a pickle names it: `('storage', torch.FloatStorage, '0', 'cpu', 3)`. */
export interface StorageReference {
  /** The last part of its entry's name, `0` of `epoch_3/data/0`. */
  readonly key: string
  readonly sizeBytes: number
  /** How many of its class's units it counts, which is what a legacy file writes before its bytes. */
  readonly count: number
  /** `FloatStorage`: what its elements are. */
  readonly className: string
  /** Whether its id has the sixth part that legacy files have. */
  readonly isLegacy: boolean
}

/** Which ids of storages a file has: those of legacy files end in the place of a view, which is `None`. */
export type StorageIds = 'zip' | 'legacy'

/** Bytes of what a storage counts, by its class (`torch/storage.py`, `_dtype_to_storage_type_map`). */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  BFloat16Storage: 2,
  BoolStorage: 1,
  ByteStorage: 1,
  CharStorage: 1,
  ComplexDoubleStorage: 16,
  ComplexFloatStorage: 8,
  DoubleStorage: 8,
  FloatStorage: 4,
  HalfStorage: 2,
  IntStorage: 4,
  LongStorage: 8,
  QInt32Storage: 4,
  QInt8Storage: 1,
  QUInt2x4Storage: 1,
  QUInt4x2Storage: 1,
  QUInt8Storage: 1,
  ShortStorage: 2,
  UntypedStorage: 1,
}
const STORAGE_MODULES = new Set(['torch', 'torch.cuda', 'torch.storage'])

/**
 * The storages that a graph names, by key.
 *
 * @param nodes of the graph, as `reachable` gives them
 * @throws {CheckpointFormatError} `bad-storage` where a persistent id is none of a storage, or two ids of one
 *   key differ in size: torch would take the size of the one that it meets first
 */
export function storagesIn(
  nodes: readonly PickleNode[],
  ids: StorageIds = 'zip',
): ReadonlyMap<string, StorageReference> {
  const storages = new Map<string, StorageReference>()
  for (const node of nodes) {
    if (node.kind !== 'persistent') continue
    const storage = storageOf(node)
    if (storage.isLegacy !== (ids === 'legacy')) {
      throw badStorage(`storage ${storage.key}`, `an id of the ${ids} format`, 'one of the other')
    }
    const known = storages.get(storage.key)
    if (known !== undefined && known.sizeBytes !== storage.sizeBytes) {
      throw badStorage(
        `storage ${storage.key}`,
        `${known.sizeBytes} bytes everywhere`,
        `${storage.sizeBytes}`,
      )
    }
    storages.set(storage.key, known ?? storage)
  }
  return storages
}

/**
 * Reads a persistent id as torch does (`torch/serialization.py`, `persistent_load` of either format).
 *
 * @throws {CheckpointFormatError} `bad-storage`
 */
export function storageOf(node: PersistentNode): StorageReference {
  const items = node.id.kind === 'tuple' ? node.id.items : []
  const [type, storageClass, keyNode, location, countNode, view] = items
  const isLegacy = items.length === 6 && view?.kind === 'none'
  const key = shortTextOf(keyNode)
  const count = integerOf(countNode)
  const className = storageClass?.kind === 'global' ? storageClass.name : ''
  const unitBytes = storageClass?.kind === 'global' ? unitBytesOf(storageClass) : undefined
  if (
    !(items.length === 5 || isLegacy) ||
    shortTextOf(type) !== 'storage' ||
    key === undefined ||
    key === '' ||
    shortTextOf(location) === undefined ||
    count === undefined ||
    count < 0 ||
    unitBytes === undefined ||
    !Number.isSafeInteger(count * unitBytes)
  ) {
    throw badStorage('persistent id', "('storage', class, key, location, count)", summary(items))
  }
  return { key, sizeBytes: count * unitBytes, count, className, isLegacy }
}

/** Every node of a graph once. Finding them takes the memory of a set of them all, so once for several uses. */
export function reachable(root: PickleNode): readonly PickleNode[] {
  const nodes: PickleNode[] = []
  const seen = new Set<PickleNode>([root])
  const pending: PickleNode[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    nodes.push(node)
    for (const child of childrenOf(node)) {
      if (seen.has(child)) continue
      seen.add(child)
      pending.push(child)
    }
  }
  return nodes
}

function unitBytesOf(global: GlobalNode): number | undefined {
  if (!STORAGE_MODULES.has(global.module) || !Object.hasOwn(UNIT_BYTES, global.name))
    return undefined
  return UNIT_BYTES[global.name]
}

function summary(items: readonly PickleNode[]): string {
  const parts = items
    .slice(0, 8)
    .map((item) => beginningOf(item, 40) ?? integerOf(item) ?? item.kind)
  return `(${parts.join(', ')})`
}

/** The error of a storage or tensor that the file does not hold as the pickle says. */
export function badStorage(field: string, expected: string, found: string): CheckpointFormatError {
  const meaning = 'The file is damaged, or made to deceive a reader that does not check.'
  return new CheckpointFormatError({ code: 'bad-storage', field, expected, found, meaning })
}
