/**
 * What kind of file an upload is, by its first bytes.
 */
import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { isMagic } from './legacy/legacy-file.ts'
import { readPickle } from './pickle/read-pickle.ts'
import type { RangeReader } from './range-reader.ts'
import { looksLikeSafetensors } from './safetensors/read-header.ts'
import { looksLikeTar, TAR_HEADER_BYTES } from './tar-header.ts'

/** Formats that are read. */
export type FileFormat = 'zip' | 'legacy' | 'safetensors'

/** How many first bytes `formatOf` looks at: a tar file's header is the longest. */
const FIRST_BYTES = TAR_HEADER_BYTES
/** `PK\3\4`, a local header: torch chooses its reader by these four bytes alone. */
const LOCAL_HEADER = [0x50, 0x4b, 0x03, 0x04]

/** What `formatOf` looks at. */
export function firstBytesOf(reader: RangeReader): Promise<Uint8Array> {
  return reader.read(0, Math.min(FIRST_BYTES, reader.sizeBytes))
}

/**
 * Tells a file's format, as its readers do; whether all of the file is there is another question.
 *
 * @param firstBytes those of `firstBytesOf`
 * @param sizeBytes of the whole file
 * @throws {CheckpointFormatError} `legacy-format` for a tar file, `not-a-checkpoint` for anything else
 */
export function formatOf(firstBytes: Uint8Array, sizeBytes: number): FileFormat {
  if (LOCAL_HEADER.every((byte, index) => firstBytes[index] === byte)) return 'zip'
  // Before the others, as torch does: a file can be a tar file and one of them.
  const isTar =
    looksLikeTar(firstBytes) ||
    Buffer.from(firstBytes.subarray(257, 262)).toString('latin1') === 'ustar'
  if (!isTar && beginsWithMagic(firstBytes)) return 'legacy'
  if (!isTar && looksLikeSafetensors(firstBytes, sizeBytes)) return 'safetensors'
  const hex = Buffer.from(firstBytes.subarray(0, 4)).toString('hex')
  throw new CheckpointFormatError({
    code: isTar ? 'legacy-format' : 'not-a-checkpoint',
    field: 'first bytes of the file',
    expected: "PK\\3\\4 of torch 1.6 and newer, torch's magic number of before, or safetensors",
    found: isTar ? 'a tar file' : hex || 'no bytes',
    meaning: isTar
      ? 'Saved by a torch before 0.1.10, or a tar archive. Load it and save it again.'
      : 'The file is not what torch.save or safetensors writes.',
  })
}

/** By whichever protocol the number was pickled. */
function beginsWithMagic(firstBytes: Uint8Array): boolean {
  try {
    return isMagic(readPickle(firstBytes).root)
  } catch (error) {
    if (error instanceof CheckpointFormatError) return false
    throw error
  }
}
