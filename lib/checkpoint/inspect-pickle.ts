/** What the pickle of a checkpoint holds: keys, tensors, meta, globals, and what is wrong with them. */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { type Belongings, summarised } from './inspected-keys.ts'
import { type Finding, findingOf, type InspectedTensor, type Inspection } from './inspection.ts'
import type { NamedGlobal } from './pickle/globals.ts'
import type { PickleGraph, PickleNode } from './pickle/node.ts'
import { reachable, type StorageIds, storagesIn } from './pickle/storages.ts'
import { type PlacedTensor, tensorPlaces } from './pickle/tensor-places.ts'
import { elementCount, isContiguous } from './pickle/tensors.ts'
import { type TopLevelEntry, topLevelEntries } from './pickle/top-level.ts'
import { plainValue } from './plain-values.ts'

/** What a file's storages are, by its directory or its lengths. */
export interface StoredSizes {
  readonly ids: StorageIds
  /** Bytes of each storage that is in the file, by its key. */
  readonly bytes: ReadonlyMap<string, number>
}

type FromPickle = Pick<Inspection, 'keys' | 'tensors' | 'totals' | 'meta' | 'globals' | 'findings'>

/** Describes a pickle's value; faults are findings, each with its place. */
export function inspectPickle(
  { root }: PickleGraph,
  globals: readonly NamedGlobal[],
  stored: StoredSizes,
): FromPickle {
  const findings: Finding[] = globals.filter(({ allowed }) => !allowed).map(forbidden)
  const entries = attempt(() => topLevelEntries(root), findings, 'the whole value')
  const tensors: InspectedTensor[] = []
  const belongings: Belongings[] = []
  for (const { key, value } of entries ?? [{ key: '', value: root }]) {
    const places = tensorPlaces(value, key)
    for (const { path, fault } of places.faults) findings.push(findingOf(fault, path))
    if (places.isCut) findings.push(tooMany(key))
    const own = places.tensors.map((placed) => described(placed, key))
    for (const tensor of own) tensors.push(tensor)
    const named = attempt(() => storagesIn(reachable(value), stored.ids), findings, key)
    const storages = [...(named?.values() ?? [])]
    for (const storage of storages) {
      const found = stored.bytes.get(storage.key)
      if (found !== storage.sizeBytes) {
        findings.push(wrongSize(key, storage.key, storage.sizeBytes, found))
      }
    }
    belongings.push({ key, kind: kindOf(value), tensors: own, storages })
  }
  const named = new Set(belongings.flatMap(({ storages }) => storages.map(({ key }) => key)))
  const unused = [...stored.bytes].filter(([key]) => !named.has(key))
  return {
    keys: entries === undefined ? [] : summarised(belongings),
    tensors: markShared(tensors),
    totals: {
      storageBytes: sum([...stored.bytes.values()]),
      unusedStorageBytes: sum(unused.map(([, bytes]) => bytes)),
    },
    meta: metaOf(entries),
    globals,
    findings,
  }
}

function described({ path, view }: PlacedTensor, key: string): InspectedTensor {
  return {
    path,
    key,
    dtype: view.dtype,
    shape: view.shape,
    sizeBytes: Math.ceil(elementCount(view.shape) * view.elementBytes),
    storage: { key: view.storage.key, sizeBytes: view.storage.sizeBytes, isShared: false },
    isContiguous: isContiguous(view),
  }
}

function markShared(tensors: readonly InspectedTensor[]): InspectedTensor[] {
  const times = new Map<string, number>()
  for (const { storage } of tensors) times.set(storage.key, (times.get(storage.key) ?? 0) + 1)
  return tensors.map((tensor) => {
    const isShared = (times.get(tensor.storage.key) ?? 0) > 1
    return isShared ? { ...tensor, storage: { ...tensor.storage, isShared } } : tensor
  })
}

function metaOf(entries: readonly TopLevelEntry[] | undefined) {
  const meta = entries?.find(({ key }) => key === 'meta')
  return meta === undefined ? undefined : plainValue(meta.value)
}

function kindOf(node: PickleNode): string {
  return node.kind === 'object' ? `${node.callee.module}.${node.callee.name}` : node.kind
}

function attempt<T>(work: () => T, findings: Finding[], place: string): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof CheckpointFormatError)) throw error
    findings.push(findingOf(error, place))
    return undefined
  }
}

function forbidden({ module, name, path }: NamedGlobal): Finding {
  const message = `${module}.${name} is not on the allow-list: loading the file would import and perhaps run it`
  return { code: 'forbidden-global', place: path, message }
}

function wrongSize(
  place: string,
  key: string,
  expected: number,
  found: number | undefined,
): Finding {
  const message =
    found === undefined
      ? `storage ${key} is not in the file`
      : `storage ${key} has ${found} bytes, and ${expected} by its count`
  return { code: 'bad-storage', place, message }
}

function tooMany(place: string): Finding {
  return { code: 'too-large', place, message: 'too many values to list all of its tensors' }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
