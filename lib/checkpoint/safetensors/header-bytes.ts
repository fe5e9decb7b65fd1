import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { concatBytes, viewOf } from '../zip/byte-fields.ts'

/** A tensor as the new header tells it; offsets in bytes from the start of the data. */
export interface NewTensor {
  readonly name: string
  /** safetensors' name. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** safetensors refuses longer ones. */
const MAX_HEADER_BYTES = 100_000_000
const ALIGNMENT_BYTES = 8
const SPACE = 0x20

/**
 * The length and the JSON, padded with spaces so that the data begin at a multiple of 8 bytes.
 *
 * @throws {CheckpointFormatError} `too-large` beyond what safetensors reads
 */
export function headerBytes(
  tensors: readonly NewTensor[],
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  // Text by text, for an object would put names that are numbers first, and lose `__proto__`.
  const members = [
    `"__metadata__":${JSON.stringify(Object.fromEntries(metadata))}`,
    ...tensors.map(({ name, dtype, shape, begin, end }) => {
      const facts = { dtype, shape, data_offsets: [begin, end] }
      return `${JSON.stringify(name)}:${JSON.stringify(facts)}`
    }),
  ]
  const json = new TextEncoder().encode(`{${members.join(',')}}`)
  const padded = Math.ceil(json.byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
  if (padded > MAX_HEADER_BYTES) throw tooLarge(padded)
  const length = new Uint8Array(8)
  viewOf(length).setBigUint64(0, BigInt(padded), true)
  const padding = new Uint8Array(padded - json.byteLength).fill(SPACE)
  return concatBytes([length, json, padding])
}

function tooLarge(found: number): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'too-large',
    field: 'safetensors: header',
    expected: `at most ${MAX_HEADER_BYTES} bytes`,
    found: `${found}`,
    meaning: 'meta, or the names of the tensors, are too long for the format. Publish it as "pth".',
  })
}
