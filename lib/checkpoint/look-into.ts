/**
 * Looks into an upload: is it a whole checkpoint, and which bytes are they. Reads kilobytes.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { firstBytesOf, formatOf } from './file-format.ts'
import { readLegacyFile } from './legacy/legacy-file.ts'
import type { RangeReader } from './range-reader.ts'
import { readSafetensorsHeader } from './safetensors/read-header.ts'
import { torchContainerIn } from './torch-container.ts'
import {
  fingerprintOf,
  readZipDirectory,
  recordsChecksums,
  type ZipDirectory,
} from './zip-directory.ts'

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
  return (await lookAtEnd(reader)) ?? lookFromStart(reader)
}

/**
 * A whole zip file tells all that is asked in its end, so that its start need not be read, which of a large file
 * is another request. The directory must say that the file begins with a part of it: so torch would know it.
 *
 * @returns nothing where the file has to be looked at from its start
 */
async function lookAtEnd(reader: RangeReader): Promise<Look | undefined> {
  try {
    const directory = await readZipDirectory(reader)
    if (!directory.entries.some(({ headerOffset }) => headerOffset === 0)) return undefined
    const look: Look = { fingerprint: undefined, fault: undefined }
    lookIntoDirectory(directory, look)
    return look
  } catch (error) {
    if (error instanceof CheckpointFormatError) return undefined
    throw error
  }
}

async function lookFromStart(reader: RangeReader): Promise<Look> {
  const look: Look = { fingerprint: undefined, fault: undefined }
  try {
    switch (formatOf(await firstBytesOf(reader), reader.sizeBytes)) {
      case 'zip':
        lookIntoDirectory(await readZipDirectory(reader), look)
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

function lookIntoDirectory(directory: ZipDirectory, look: Look): void {
  // Without checksums the directory tells names and sizes only, which other bytes have too.
  if (recordsChecksums(directory)) look.fingerprint = fingerprintOf(directory)
  torchContainerIn(directory)
}
