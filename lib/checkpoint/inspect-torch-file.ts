/** Describes a zip file of torch. */
import { inspectPickle } from './inspect-pickle.ts'
import type { Inspection } from './inspection.ts'
import type { GlobalName } from './pickle/allow-list.ts'
import type { RangeReader } from './range-reader.ts'
import { readTorchFile, type TorchFile } from './read-checkpoint.ts'
import { recordsChecksums } from './zip-directory.ts'

/**
 * Reads the directory, the pickle and the small entries.
 *
 * @throws {CheckpointFormatError} where the file cannot be read
 */
export async function inspectTorchFile(
  reader: RangeReader,
  permitted: readonly GlobalName[],
): Promise<Inspection> {
  const file = await readTorchFile(reader, permitted)
  const storages = [...file.container.storages]
  const bytes = new Map(storages.map(([key, { sizeBytes }]) => [key, sizeBytes]))
  return {
    format: 'zip',
    sizeBytes: reader.sizeBytes,
    writtenBy: writerOf(file),
    facts: { ...file.facts, hasChecksums: recordsChecksums(file.directory) },
    ...inspectPickle(file.pickle, file.globals, { ids: 'zip', bytes }),
  }
}

/** By the small entries that torch began to write with some version. */
function writerOf({ facts }: TorchFile): string {
  if (facts.byteOrder !== undefined || facts.serializationId !== undefined) {
    return 'torch 2.1 or newer'
  }
  return 'torch 1.6 or newer'
}
