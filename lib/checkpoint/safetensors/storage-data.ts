import { COUNT_BYTES } from '../legacy/legacy-file.ts'
import { readCounts } from '../legacy/read-counts.ts'
import { badStorage } from '../pickle/storages.ts'
import type { RangeReader } from '../range-reader.ts'
import type { TorchFile } from '../read-checkpoint.ts'
import { readTogether } from '../read-together.ts'
import { dataOffsetOf, LOCAL_HEADER_BYTES } from '../zip/local-header.ts'
import { requireStored } from '../zip/read-entry.ts'
import type { PickledFile } from './plan-safetensors.ts'
import type { StateTensor } from './state-tensors.ts'

/** No copied byte lies between entries, so that filler there does not matter. */
const ANY_GAP = Number.MAX_SAFE_INTEGER

/**
 * Where the data of each storage begin, in bytes from the start of the file, by the storage's key.
 *
 * @throws {CheckpointFormatError} `bad-storage`, `compressed-entry`, `bad-zip` or `bad-legacy`
 */
export async function dataOffsets(
  reader: RangeReader,
  source: PickledFile,
  tensors: readonly StateTensor[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map(tensors.map(({ storageKey, storageBytes }) => [storageKey, storageBytes]))
  if (source.format === 'zip') return zipOffsets(reader, source.file, sizes)
  const storages = [...source.file.storages.values()].filter(({ key }) => sizes.has(key))
  await readCounts(reader, storages)
  return new Map(storages.map(({ key, offset }) => [key, offset + COUNT_BYTES]))
}

async function zipOffsets(
  reader: RangeReader,
  { container }: TorchFile,
  sizes: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const entries = [...sizes].map(([key, sizeBytes]) => {
    const entry = container.storages.get(key)
    if (entry === undefined) throw badStorage(`storage ${key}`, 'an entry of the file', 'none')
    requireStored(entry)
    if (entry.sizeBytes !== sizeBytes) {
      throw badStorage(`storage ${key}`, `${sizeBytes} bytes, by its count`, `${entry.sizeBytes}`)
    }
    return { key, entry }
  })
  const headers = await readTogether(
    reader,
    entries.map(({ entry: { headerOffset, name } }) => ({
      offset: headerOffset,
      lengthBytes: LOCAL_HEADER_BYTES + Buffer.byteLength(name),
    })),
  )
  return new Map(
    entries.map(({ key, entry }, index) => {
      return [key, dataOffsetOf(entry, headers[index] ?? new Uint8Array(), ANY_GAP)]
    }),
  )
}
