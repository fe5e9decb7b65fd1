import type { EntryOrigin } from './origin.ts'

/** One entry as the central directory tells it; readers of torch believe nothing else. */
export interface ZipEntry {
  /** The whole name, `epoch_3/data/0`. */
  readonly name: string
  readonly versionMadeBy: number
  readonly versionNeeded: number
  /** Bit 0: encrypted. Bit 3: a data descriptor follows the data. Bit 11: the name is UTF-8. */
  readonly flags: number
  /** 0 is stored, 8 is deflated. */
  readonly method: number
  readonly dosTime: number
  readonly dosDate: number
  /** 0 where torch was told to compute none (`set_crc32_options(False)`). */
  readonly crc32: number
  readonly compressedSizeBytes: number
  readonly sizeBytes: number
  readonly internalAttributes: number
  readonly externalAttributes: number
  /** Where the entry's local header begins, in bytes from the start of the file. */
  readonly headerOffset: number
  /** Where the next entry's local header, or the directory, begins: no byte from there on is this entry's. */
  readonly endOffset: number
  /** Where it stood before its file was rewritten; none in a file that was not. */
  readonly origin?: EntryOrigin
}

/** The central directory of a zip file, checked as a whole. */
export interface ZipDirectory {
  /** In the order of the directory, which decides the root folder that torch looks into. */
  readonly entries: readonly ZipEntry[]
  /** Where the directory itself begins, in bytes from the start of the file. */
  readonly directoryOffset: number
  /** Length of the whole file. */
  readonly fileSizeBytes: number
}

/** APPNOTE 4.4.5, the only compression method that torch writes. */
export const STORED = 0
/** APPNOTE 4.4.4, bit 0. */
export const FLAG_ENCRYPTED = 0x0001
/** APPNOTE 4.4.4, bit 3: a data descriptor follows the data. */
export const FLAG_DESCRIPTOR = 0x0008
/** APPNOTE 4.4.4, bit 11: name and comment are UTF-8. */
export const FLAG_UTF8 = 0x0800
