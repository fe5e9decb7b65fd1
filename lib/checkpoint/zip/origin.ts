/**
 * Where an entry stood in the file that its trainer wrote: an extra field of ours in the directory of rewritten
 * files. The layout goes by it, so that a file rewritten twice is laid out as one rewritten once.
 */
import { readUint64, viewOf } from './byte-fields.ts'

/** An entry's place in the file that was not rewritten yet. */
export interface EntryOrigin {
  /** Where its local header began, in bytes from the start of that file. */
  readonly offset: number
  /** From its local header to the end of its data descriptor, in bytes. */
  readonly lengthBytes: number
}

/** `CH`; no id of APPNOTE 4.5.2 and 4.6.1, and readers pass over ids that they do not know. */
export const ORIGIN_EXTRA_ID = 0x4843
/** Id and length, then two numbers. */
export const ORIGIN_EXTRA_BYTES = 4 + 16

/** Writes the extra field. */
export function writeOrigin(view: DataView, at: number, origin: EntryOrigin): void {
  view.setUint16(at, ORIGIN_EXTRA_ID, true)
  view.setUint16(at + 2, 16, true)
  view.setBigUint64(at + 4, BigInt(origin.offset), true)
  view.setBigUint64(at + 12, BigInt(origin.lengthBytes), true)
}

/**
 * Reads the extra field's data.
 *
 * @returns undefined for a block of another length: somebody else's field of the same id
 * @throws {CheckpointFormatError} `bad-zip` for numbers that no file reaches
 */
export function readOrigin(block: Uint8Array | undefined, field: string): EntryOrigin | undefined {
  if (block?.byteLength !== 16) return undefined
  const view = viewOf(block)
  return { offset: readUint64(view, 0, field), lengthBytes: readUint64(view, 8, field) }
}
