/**
 * Whether a checkpoint file can be read back, by the parts of it that describe its tensors. The tensors
 * themselves are not read.
 */
import { firstBytesOf, formatOf } from './file-format.ts'
import { readLegacyFile } from './legacy/legacy-file.ts'
import { readPickle } from './pickle/read-pickle.ts'
import type { RangeReader } from './range-reader.ts'
import { readSafetensorsHeader } from './safetensors/read-header.ts'
import { torchContainerIn } from './torch-container.ts'
import { readEntry } from './zip/read-entry.ts'
import { fingerprintOf, readZipDirectory, recordsChecksums } from './zip-directory.ts'

/** What was found in order. */
export interface VerifiedFile {
  readonly format: 'zip' | 'legacy' | 'safetensors'
  /** What the file's bytes are known again by; undefined where it holds no checksums of them. */
  readonly fingerprint: string | undefined
  /** False where the pickle is larger than is read; safetensors has none. */
  readonly isPickleRead: boolean
}

/** Larger pickles are not read: somebody waits for the answer. Most have some 100 KB. */
const MAX_PICKLE_BYTES = 32 * 1024 * 1024

/**
 * Reads a file's directory, the checksum of its pickle, and the pickle; or what other formats have instead.
 * Reads some hundred kilobytes of most files.
 *
 * @throws {CheckpointFormatError} that says what is wrong
 */
export async function verifyFile(reader: RangeReader): Promise<VerifiedFile> {
  const format = formatOf(await firstBytesOf(reader), reader.sizeBytes)
  switch (format) {
    case 'zip':
      return verifyZip(reader)
    case 'legacy':
      await readLegacyFile(reader, [], MAX_PICKLE_BYTES)
      return { format, fingerprint: undefined, isPickleRead: true }
    case 'safetensors':
      await readSafetensorsHeader(reader)
      return { format, fingerprint: undefined, isPickleRead: false }
  }
}

async function verifyZip(reader: RangeReader): Promise<VerifiedFile> {
  const directory = await readZipDirectory(reader)
  const { pickle } = torchContainerIn(directory)
  const isPickleRead = pickle.sizeBytes <= MAX_PICKLE_BYTES
  if (isPickleRead) readPickle(await readEntry(reader, pickle, MAX_PICKLE_BYTES))
  const fingerprint = recordsChecksums(directory) ? fingerprintOf(directory) : undefined
  return { format: 'zip', fingerprint, isPickleRead }
}
