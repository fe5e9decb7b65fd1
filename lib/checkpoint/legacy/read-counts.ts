import type { RangeReader } from '../range-reader.ts'
import { readTogether } from '../read-together.ts'
import { viewOf } from '../zip/byte-fields.ts'
import { COUNT_BYTES, contradiction, type LegacyStorage } from './legacy-file.ts'

/**
 * Sees that before each storage stands the count that the object's pickle gives it: torch refuses a file in
 * which it is another.
 *
 * @throws {CheckpointFormatError} `bad-legacy`
 */
export async function readCounts(
  reader: RangeReader,
  storages: readonly LegacyStorage[],
): Promise<void> {
  const spans = storages.map(({ offset }) => ({ offset, lengthBytes: COUNT_BYTES }))
  const counts = await readTogether(reader, spans)
  for (const [index, { key, count }] of storages.entries()) {
    const bytes = counts[index] ?? new Uint8Array(COUNT_BYTES)
    const found = viewOf(bytes).getBigInt64(0, true)
    if (found !== BigInt(count)) {
      throw contradiction(`elements of storage ${key}`, `${count}, by the object`, `${found}`)
    }
  }
}
