/**
 * Looks into an upload: is it a whole checkpoint, and which bytes are they. Reads kilobytes.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { firstBytesOf, formatOf } from './file-format.ts'
import { readLegacyFile } from './legacy/legacy-file.ts'
import type { RangeReader } from './range-reader.ts'
import { readSafetensorsHeader } from './safetensors/read-header.ts'
import { torchContainerIn } from './torch-container.ts'
import { fingerprintOf, readZipDirectory, recordsChecksums } from './zip-directory.ts'

/** What a look tells. */
export interface Look {
  /** What the file's bytes are known again by; undefined where the file holds no checksums of them. */
  fingerprint: string | undefined
  /** Why it is no whole checkpoint; undefined where it is one. */
  fault: string | undefined
}

/** Bytes of a legacy file's pickles, which have to be read to know where it ends, beside other uploads. */
const MAX_LEGACY_PICKLE_BYTES = 32 * 1024 * 1024

/**
 * Looks into a file of any format. Faults are told, not thrown.
 *
 * @throws whatever the reader throws
 */
export async function lookInto(reader: RangeReader): Promise<Look> {
  const look: Look = { fingerprint: undefined, fault: undefined }
  try {
    switch (formatOf(await firstBytesOf(reader), reader.sizeBytes)) {
      case 'zip':
        await lookIntoZip(reader, look)
        break
      case 'legacy':
        await readLegacyFile(reader, [], MAX_LEGACY_PICKLE_BYTES)
        break
      case 'safetensors':
        await readSafetensorsHeader(reader)
        break
    }
  } catch (error) {
    if (!(error instanceof CheckpointFormatError)) throw error
    look.fault = error.message
  }
  return look
}

async function lookIntoZip(reader: RangeReader, look: Look): Promise<void> {
  const directory = await readZipDirectory(reader)
  // Without checksums the directory tells names and sizes only, which other bytes have too.
  if (recordsChecksums(directory)) look.fingerprint = fingerprintOf(directory)
  torchContainerIn(directory)
}
