/** Describes a legacy file of torch. */
import { inspectPickle } from './inspect-pickle.ts'
import type { Inspection } from './inspection.ts'
import { readLegacyFile } from './legacy/legacy-file.ts'
import type { GlobalName } from './pickle/allow-list.ts'
import type { RangeReader } from './range-reader.ts'

/**
 * Reads the pickles.
 *
 * @throws {CheckpointFormatError} where the file cannot be read
 */
export async function inspectLegacy(
  reader: RangeReader,
  permitted: readonly GlobalName[],
): Promise<Inspection> {
  const file = await readLegacyFile(reader, permitted)
  const bytes = new Map([...file.storages].map(([key, { sizeBytes }]) => [key, sizeBytes]))
  return {
    format: 'legacy',
    sizeBytes: reader.sizeBytes,
    writtenBy: 'torch before 1.6, or with _use_new_zipfile_serialization=False',
    facts: {
      pickleProtocol: file.pickle.protocol,
      formatVersion: undefined,
      // torch swaps bytes where it writes on a big-endian machine.
      byteOrder: 'little',
      storageAlignmentBytes: undefined,
      serializationId: undefined,
      hasChecksums: false,
    },
    ...inspectPickle(file.pickle, file.globals, { ids: 'legacy', bytes }),
  }
}
