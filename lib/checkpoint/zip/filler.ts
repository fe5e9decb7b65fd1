/**
 * What lies between two entries of a rewritten file that are not aligned alike: the first bytes of a local
 * header, as torch writes them before every entry, and zeros beyond them. Where a range ends in the source,
 * such a header follows, so that a longer range brings the filler along, and nothing has to be sent between.
 */
import { viewOf } from './byte-fields.ts'
import { LOCAL_HEADER_SIGNATURE } from './local-header.ts'
import { FLAG_DESCRIPTOR, FLAG_UTF8, STORED, type ZipEntry } from './zip-entry.ts'

/**
 * From the signature to the CRC, the same in all local headers of torch; the name's length, which is not,
 * comes 8 bytes later (APPNOTE 4.3.7). A filler to the next multiple of 16 is never longer.
 */
export const BORROWED_BYTES = 18

/** The filler of so many bytes. */
export function fillerOf(lengthBytes: number): Uint8Array {
  const header = new Uint8Array(Math.max(BORROWED_BYTES, lengthBytes))
  const view = viewOf(header)
  view.setUint32(0, LOCAL_HEADER_SIGNATURE, true) // 4: version needed to extract, 0
  view.setUint16(6, FLAG_UTF8 | FLAG_DESCRIPTOR, true) // 6: flags; 8 to 17: method, time, date and CRC, 0
  return header.subarray(0, lengthBytes)
}

/** Whether the directory tells of an entry what `fillerOf` would give of its local header. */
export function beginsLikeFiller(entry: ZipEntry): boolean {
  const { versionNeeded, flags, method, dosTime, dosDate } = entry
  const isOfTorch = versionNeeded === 0 && flags === (FLAG_UTF8 | FLAG_DESCRIPTOR)
  return isOfTorch && method === STORED && dosTime === 0 && dosDate === 0
}
