/** What each top-level key of a checkpoint takes. */
import type { InspectedKey, InspectedTensor } from './inspection.ts'

/** What lies under one top-level key. */
export interface Belongings {
  readonly key: string
  readonly kind: string
  readonly tensors: readonly InspectedTensor[]
  /** Each storage that it names, once. */
  readonly storages: readonly { readonly key: string; readonly sizeBytes: number }[]
}

/** Totals by key, in bytes; a storage that two keys name counts for both, and is neither's own. */
export function summarised(belongings: readonly Belongings[]): InspectedKey[] {
  const keysOfStorage = new Map<string, number>()
  for (const { storages } of belongings) {
    for (const { key } of storages) keysOfStorage.set(key, (keysOfStorage.get(key) ?? 0) + 1)
  }
  return belongings.map(({ key, kind, tensors, storages }) => ({
    key,
    kind,
    tensors: tensors.length,
    tensorBytes: total(tensors),
    storageBytes: total(storages),
    ownStorageBytes: total(storages.filter((storage) => keysOfStorage.get(storage.key) === 1)),
  }))
}

function total(sized: readonly { readonly sizeBytes: number }[]): number {
  return sized.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
