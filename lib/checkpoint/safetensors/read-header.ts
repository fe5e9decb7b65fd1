/**
 * The header of a safetensors file: 8 bytes of its length, then JSON that tells each tensor's dtype, shape and
 * place in the data, which follow without gaps up to the end of the file.
 */
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import type { RangeReader } from '../range-reader.ts'
import { viewOf } from '../zip/byte-fields.ts'
import { bitsOf } from './dtype-bits.ts'

/** A tensor as the header tells it. */
export interface SafeTensor {
  readonly name: string
  /** safetensors' name, `BF16`. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** In bytes from the start of the data. */
  readonly begin: number
  readonly end: number
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly tensors: readonly SafeTensor[]
  /** `__metadata__`, texts only. */
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** Where the data begin, in bytes from the start of the file. */
  readonly dataOffset: number
  readonly fileSizeBytes: number
}

/** Bytes of the header's own length. */
const LENGTH_BYTES = 8
/** safetensors itself stops at 100 MB; a header of 100,000 tensors has about 15. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024
const METADATA = '__metadata__'
const OPEN_BRACE = 0x7b

/** Whether a file begins as safetensors' do: a length within the file, and a brace. */
export function looksLikeSafetensors(firstBytes: Uint8Array, sizeBytes: number): boolean {
  if (firstBytes.byteLength <= LENGTH_BYTES || firstBytes[LENGTH_BYTES] !== OPEN_BRACE) return false
  return viewOf(firstBytes).getBigUint64(0, true) <= BigInt(sizeBytes)
}

/**
 * Reads and checks the header; the data are not read.
 *
 * @throws {CheckpointFormatError} `truncated` where the data end early, `too-large`, or `bad-safetensors` where
 *   tensors overlap, leave gaps, or are not as long as their shapes say
 */
export async function readSafetensorsHeader(reader: RangeReader): Promise<SafetensorsHeader> {
  const first = await reader.read(0, Math.min(LENGTH_BYTES, reader.sizeBytes))
  if (first.byteLength < LENGTH_BYTES) throw cut(`${LENGTH_BYTES} bytes`, `${first.byteLength}`)
  const length = viewOf(first).getBigUint64(0, true)
  if (length > BigInt(MAX_HEADER_BYTES)) throw tooLarge(length)
  const lengthBytes = Number(length)
  const dataOffset = LENGTH_BYTES + lengthBytes
  if (dataOffset > reader.sizeBytes) throw cut(`${dataOffset} bytes`, `${reader.sizeBytes}`)
  const json = parsed(await reader.read(LENGTH_BYTES, lengthBytes))
  const { [METADATA]: metadata, ...rest } = json
  const tensors = Object.entries(rest)
    .map(([name, value]) => tensorOf(name, value))
    .sort((a, b) => a.begin - b.begin || a.end - b.end)
  requireNoGaps(tensors, reader.sizeBytes - dataOffset)
  return {
    tensors,
    metadata: metadata === undefined ? undefined : texts(metadata),
    dataOffset,
    fileSizeBytes: reader.sizeBytes,
  }
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isMap(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw complaint('header', 'a JSON object in UTF-8', 'something else')
}

function tensorOf(name: string, value: unknown): SafeTensor {
  const { dtype, shape, data_offsets: offsets } = isMap(value) ? value : {}
  const field = `tensor ${JSON.stringify(name.slice(0, 100))}`
  const bits = typeof dtype === 'string' ? bitsOf(dtype) : undefined
  if (typeof dtype !== 'string' || bits === undefined) {
    throw complaint(`${field}: dtype`, 'one that safetensors 0.8 knows', String(dtype).slice(0, 40))
  }
  if (!isSizes(shape)) throw complaint(`${field}: shape`, 'a list of sizes', 'something else')
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw complaint(`${field}: data_offsets`, '[begin, end]', 'something else')
  }
  const [begin = 0, end = 0] = offsets
  const sizeBits = shape.reduce((product, size) => product * size, bits)
  if (sizeBits !== 8 * (end - begin)) {
    throw complaint(
      `${field}: data_offsets`,
      `${sizeBits / 8} bytes, by its shape`,
      `${end - begin}`,
    )
  }
  return { name, dtype, shape, begin, end }
}

function requireNoGaps(tensors: readonly SafeTensor[], dataBytes: number): void {
  let at = 0
  for (const { name, begin, end } of tensors) {
    if (begin !== at) {
      const field = `tensor ${JSON.stringify(name.slice(0, 100))}: data_offsets`
      throw complaint(field, `to begin at ${at}, where the one before ends`, `${begin}`)
    }
    at = end
  }
  if (at > dataBytes) throw cut(`${at} bytes of data`, `${dataBytes}`)
  if (at < dataBytes) throw complaint('size', `${at} bytes of data`, `${dataBytes}`)
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (isMap(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Record<string, string>
  }
  throw complaint(METADATA, 'an object of texts', 'something else')
}

function isSizes(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && Number(size) >= 0)
  )
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function cut(expected: string, found: string): CheckpointFormatError {
  const meaning = 'The upload is not finished, or the file was cut.'
  const field = 'safetensors: size'
  return new CheckpointFormatError({ code: 'truncated', field, expected, found, meaning })
}

function tooLarge(length: bigint): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'too-large',
    field: 'safetensors: length of the header',
    expected: `at most ${MAX_HEADER_BYTES} bytes`,
    found: `${length}`,
    meaning: 'No checkpoint needs so much: the file is damaged or made to exhaust its reader.',
  })
}

function complaint(field: string, expected: string, found: string): CheckpointFormatError {
  const meaning = 'The file is damaged: safetensors refuses it too.'
  return new CheckpointFormatError({
    code: 'bad-safetensors',
    field: `safetensors: ${field}`,
    expected,
    found,
    meaning,
  })
}
