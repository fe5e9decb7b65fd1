import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { viewOf } from '../zip/byte-fields.ts'

const FIRST_BYTES = 4096

/** Bytes that grow as they are written. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_BYTES)
  #view = viewOf(this.#bytes)
  #size = 0
  readonly #maxBytes: number

  /** @param maxBytes more than that is refused as it is written: one long integer may be every item of a list */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  uint8(value: number): void {
    const at = this.#take(1)
    this.#view.setUint8(at, value)
  }

  uint16(value: number): void {
    const at = this.#take(2)
    this.#view.setUint16(at, value, true)
  }

  uint32(value: number): void {
    const at = this.#take(4)
    this.#view.setUint32(at, value, true)
  }

  int32(value: number): void {
    const at = this.#take(4)
    this.#view.setInt32(at, value, true)
  }

  bytes(value: Uint8Array): void {
    const at = this.#take(value.byteLength)
    this.#bytes.set(value, at)
  }

  /** What was written, without the room to grow. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  /** May replace the buffer, so it comes before whatever is done with the buffer. */
  #take(lengthBytes: number): number {
    const start = this.#size
    this.#size += lengthBytes
    if (this.#size > this.#maxBytes) throw tooLarge(this.#maxBytes)
    if (this.#size > this.#bytes.byteLength) {
      const grown = new Uint8Array(
        Math.max(this.#size, Math.min(2 * this.#bytes.byteLength, this.#maxBytes)),
      )
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = viewOf(grown)
    }
    return start
  }
}

function tooLarge(limit: number): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'too-large',
    field: 'pickle: bytes, as protocol 2',
    expected: `at most ${limit}`,
    found: 'more',
    meaning:
      'Byte strings of newer protocols, and integers used again, take more room in protocol 2.',
  })
}
