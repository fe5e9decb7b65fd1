import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { readUint64, viewOf } from './byte-fields.ts'
import { MAX_NAME_BYTES } from './limits.ts'
import { ORIGIN_EXTRA_ID, readOrigin } from './origin.ts'
import { FLAG_ENCRYPTED, type ZipEntry } from './zip-entry.ts'

/** An entry before its neighbours are known. */
export type CentralHeader = Omit<ZipEntry, 'endOffset'>

const CENTRAL_HEADER_SIGNATURE = 0x02014b50
const CENTRAL_HEADER_BYTES = 46
const ZIP64_EXTRA_ID = 0x0001
/** The DOS attribute of a folder, in the low byte of the external attributes. */
const DOS_FOLDER = 0x10
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the central file headers (APPNOTE 4.3.12), one after the other.
 *
 * @param bytes the whole directory, without its end records
 * @param entryCount how many the end record promises
 * @throws {CheckpointFormatError} `bad-zip` or `truncated`
 */
export function parseCentralDirectory(bytes: Uint8Array, entryCount: number): CentralHeader[] {
  const view = viewOf(bytes)
  const headers: CentralHeader[] = []
  let at = 0
  for (let index = 0; index < entryCount; index += 1) {
    const field = `central header ${index}`
    requireBytes(bytes, at, CENTRAL_HEADER_BYTES, field)
    if (view.getUint32(at, true) !== CENTRAL_HEADER_SIGNATURE) {
      throw damaged(field, 'the signature PK\\1\\2', `0x${view.getUint32(at, true).toString(16)}`)
    }
    const nameBytes = view.getUint16(at + 28, true) // 28: file name length
    const extraBytes = view.getUint16(at + 30, true) // 30: extra field length
    const commentBytes = view.getUint16(at + 32, true) // 32: file comment length
    const nameAt = at + CENTRAL_HEADER_BYTES
    requireBytes(bytes, nameAt, nameBytes + extraBytes + commentBytes, field)
    const flags = view.getUint16(at + 8, true) // 8: general purpose bit flag
    if ((flags & FLAG_ENCRYPTED) !== 0) throw damaged(field, 'an open entry', 'an encrypted one')
    if (view.getUint16(at + 34, true) !== 0) throw damaged(field, 'disk 0', 'another disk') // 34
    const extra = bytes.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes)
    const large = zip64Sizes(extra, {
      sizeBytes: view.getUint32(at + 24, true), // 24: uncompressed size
      compressedSizeBytes: view.getUint32(at + 20, true), // 20: compressed size
      headerOffset: view.getUint32(at + 42, true), // 42: offset of the local header
      field,
    })
    const name = decodeName(bytes.subarray(nameAt, nameAt + nameBytes), field)
    const originField = `${field}: extra field of a rewritten entry`
    const origin = readOrigin(extraBlock(extra, ORIGIN_EXTRA_ID, originField), originField)
    const isFolder = name.endsWith('/') || (view.getUint32(at + 38, true) & DOS_FOLDER) !== 0 // 38
    // torch's reader gives no data for a folder, and then loads whatever lies in its memory.
    if (isFolder && large.sizeBytes > 0) throw damaged(field, 'a file', 'a folder with data')
    headers.push({
      name,
      versionMadeBy: view.getUint16(at + 4, true), // 4: version made by
      versionNeeded: view.getUint16(at + 6, true), // 6: version needed to extract
      flags,
      method: view.getUint16(at + 10, true), // 10: compression method
      dosTime: view.getUint16(at + 12, true), // 12: last modification time
      dosDate: view.getUint16(at + 14, true), // 14: last modification date
      crc32: view.getUint32(at + 16, true), // 16: CRC-32
      internalAttributes: view.getUint16(at + 36, true), // 36: internal attributes
      externalAttributes: view.getUint32(at + 38, true), // 38: external attributes
      ...large,
      ...(origin === undefined ? {} : { origin }),
    })
    at = nameAt + nameBytes + extraBytes + commentBytes
  }
  if (at !== bytes.byteLength) {
    throw damaged(
      'central directory',
      `${entryCount} entries in all its bytes`,
      `${bytes.byteLength - at} bytes more`,
    )
  }
  return headers
}

interface Sizes {
  readonly sizeBytes: number
  readonly compressedSizeBytes: number
  readonly headerOffset: number
}

/** The zip64 extra field (APPNOTE 4.5.3) holds, in this order, only those fields that are 0xffffffff. */
function zip64Sizes(extra: Uint8Array, classic: Sizes & { readonly field: string }): Sizes {
  let sizeBytes = classic.sizeBytes
  let compressedSizeBytes = classic.compressedSizeBytes
  let headerOffset = classic.headerOffset
  const saturated =
    Number(sizeBytes === 0xffffffff) +
    Number(compressedSizeBytes === 0xffffffff) +
    Number(headerOffset === 0xffffffff)
  if (saturated === 0) return { sizeBytes, compressedSizeBytes, headerOffset }
  const field = `${classic.field}: zip64 extra field`
  const block = extraBlock(extra, ZIP64_EXTRA_ID, field)
  if (block === undefined || block.byteLength < saturated * 8) {
    throw damaged(field, `${saturated * 8} bytes`, `${block?.byteLength ?? 'no such field'}`)
  }
  const view = viewOf(block)
  let at = 0
  const next = () => {
    at += 8
    return readUint64(view, at - 8, field)
  }
  if (sizeBytes === 0xffffffff) sizeBytes = next()
  if (compressedSizeBytes === 0xffffffff) compressedSizeBytes = next()
  if (headerOffset === 0xffffffff) headerOffset = next()
  return { sizeBytes, compressedSizeBytes, headerOffset }
}

/** Extra fields are blocks of id (2 bytes), length (2 bytes) and data (APPNOTE 4.5.1). */
function extraBlock(extra: Uint8Array, id: number, field: string): Uint8Array | undefined {
  const view = viewOf(extra)
  let found: Uint8Array | undefined
  let at = 0
  while (at + 4 <= extra.byteLength) {
    const lengthBytes = view.getUint16(at + 2, true)
    if (at + 4 + lengthBytes > extra.byteLength) throw damaged(field, 'whole blocks', 'a cut one')
    if (view.getUint16(at, true) === id) {
      // Readers differ in which of two they believe.
      if (found !== undefined) throw damaged(field, 'one such block', 'two')
      found = extra.subarray(at + 4, at + 4 + lengthBytes)
    }
    at += 4 + lengthBytes
  }
  return found
}

function decodeName(bytes: Uint8Array, field: string): string {
  if (bytes.byteLength === 0 || bytes.byteLength > MAX_NAME_BYTES || bytes.includes(0)) {
    throw damaged(
      `${field}: file name`,
      `1 to ${MAX_NAME_BYTES} bytes, none of them 0`,
      `${bytes.byteLength} bytes`,
    )
  }
  const name = textOf(bytes, field)
  // torch reads them where they are; who unpacks the file would write them elsewhere.
  if (/^[/\\]|(^|[/\\])\.\.([/\\]|$)/.test(name)) {
    throw damaged(`${field}: file name`, 'a name within its folder', JSON.stringify(name))
  }
  return name
}

function textOf(bytes: Uint8Array, field: string): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw damaged(`${field}: file name`, 'UTF-8', 'other bytes')
  }
}

function requireBytes(bytes: Uint8Array, at: number, count: number, field: string): void {
  if (at + count <= bytes.byteLength) return
  throw new CheckpointFormatError({
    code: 'truncated',
    field,
    expected: `${count} bytes at ${at} of the directory`,
    found: `${bytes.byteLength - at}`,
    meaning: 'The directory is shorter than its entries: the file is damaged.',
  })
}

function damaged(field: string, expected: string, found: string): CheckpointFormatError {
  const meaning = 'The file is damaged, or was not written by torch.'
  return new CheckpointFormatError({ code: 'bad-zip', field, expected, found, meaning })
}
