/** Describes a safetensors file. */

import { summarised } from './inspected-keys.ts'
import type { InspectedTensor, Inspection } from './inspection.ts'
import { torchDtype } from './pickle/dtypes.ts'
import type { RangeReader } from './range-reader.ts'
import { readSafetensorsHeader } from './safetensors/read-header.ts'

/**
 * Reads the header. Its tensors stand under `state_dict`, and each is a storage of its own.
 *
 * @throws {CheckpointFormatError} where the file cannot be read
 */
export async function inspectSafetensors(reader: RangeReader): Promise<Inspection> {
  const header = await readSafetensorsHeader(reader)
  const tensors = header.tensors.map(({ name, dtype, shape, begin, end }): InspectedTensor => {
    const sizeBytes = end - begin
    return {
      path: name,
      key: 'state_dict',
      dtype: torchDtype(dtype) ?? dtype,
      shape,
      sizeBytes,
      storage: { key: name, sizeBytes, isShared: false },
      isContiguous: true,
    }
  })
  const storages = tensors.map(({ storage }) => storage)
  return {
    format: 'safetensors',
    sizeBytes: reader.sizeBytes,
    writtenBy: 'safetensors',
    facts: {
      pickleProtocol: undefined,
      formatVersion: undefined,
      byteOrder: 'little',
      storageAlignmentBytes: undefined,
      serializationId: undefined,
      hasChecksums: false,
    },
    keys: summarised([{ key: 'state_dict', kind: 'safetensors', tensors, storages }]),
    tensors,
    totals: {
      storageBytes: header.fileSizeBytes - header.dataOffset,
      unusedStorageBytes: 0,
    },
    meta: header.metadata,
    globals: [],
    findings: [],
  }
}
