/**
 * What a checkpoint file holds, for a person to read: of a file of any size, only the parts that describe the
 * tensors are read. Nothing is run, and what is wrong with the file is told, not thrown, as long as it can be read.
 */

import { firstBytesOf, formatOf } from './file-format.ts'
import { inspectLegacy } from './inspect-legacy.ts'
import { inspectSafetensors } from './inspect-safetensors.ts'
import { inspectTorchFile } from './inspect-torch-file.ts'
import type { Inspection } from './inspection.ts'
import type { GlobalName } from './pickle/allow-list.ts'
import type { RangeReader } from './range-reader.ts'

export type { Finding, InspectedKey, InspectedTensor, Inspection } from './inspection.ts'

export interface InspectOptions {
  /** Exact pairs that are allowed beside the list. */
  readonly allowedGlobals?: readonly GlobalName[]
}

/**
 * Describes a checkpoint by a handful of range reads.
 *
 * @throws {CheckpointFormatError} where the file is torn, too damaged to tell, or of a kind that the hub does
 *   not read (`torchscript`, `not-a-checkpoint`); its message says why
 */
export async function inspectCheckpoint(
  reader: RangeReader,
  options: InspectOptions = {},
): Promise<Inspection> {
  const permitted = options.allowedGlobals ?? []
  switch (formatOf(await firstBytesOf(reader), reader.sizeBytes)) {
    case 'zip':
      return inspectTorchFile(reader, permitted)
    case 'legacy':
      return inspectLegacy(reader, permitted)
    case 'safetensors':
      return inspectSafetensors(reader)
  }
}
