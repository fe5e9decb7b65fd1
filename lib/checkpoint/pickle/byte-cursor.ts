import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { viewOf } from '../zip/byte-fields.ts'

/** A pickle that wants more bytes than are there: in a legacy file, whose pickles tell no length, the next may do. */
export class PickleEndsEarly extends CheckpointFormatError {}

/** Reads a pickle's bytes in order; a length that it declares is believed only as far as bytes are there. */
export class ByteCursor {
  offset = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  /** An 8-byte length; one beyond 2^53 is beyond the bytes that are there anyway. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true))
  }

  bytes(lengthBytes: number): Uint8Array {
    const start = this.#advance(lengthBytes)
    return this.#bytes.subarray(start, start + lengthBytes)
  }

  /** Bytes up to a line feed, which is consumed and not returned. */
  line(maxBytes: number): Uint8Array {
    const start = this.offset
    const end = this.#bytes.subarray(start, start + maxBytes + 1).indexOf(0x0a)
    if (end < 0 && start + maxBytes < this.#bytes.byteLength) {
      throw this.#complaint(`a line feed within ${maxBytes} bytes`, 'none')
    }
    if (end < 0) throw this.#missing('a line feed')
    this.offset = start + end + 1
    return this.#bytes.subarray(start, start + end)
  }

  #advance(lengthBytes: number): number {
    const start = this.offset
    if (start + lengthBytes > this.#bytes.byteLength) throw this.#missing(`${lengthBytes} bytes`)
    this.offset = start + lengthBytes
    return start
  }

  #missing(expected: string): PickleEndsEarly {
    const left = `${this.#bytes.byteLength - this.offset} bytes up to its end`
    return new PickleEndsEarly(this.#complaint(expected, left))
  }

  #complaint(expected: string, found: string): CheckpointFormatError {
    return new CheckpointFormatError({
      code: 'bad-pickle',
      field: `pickle, byte ${this.offset}`,
      expected,
      found,
      meaning: 'The pickle is cut short or damaged.',
    })
  }
}
