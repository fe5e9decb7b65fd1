import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { type Allows, isAllowed } from '../pickle/allow-list.ts'
import { PickleEndsEarly } from '../pickle/byte-cursor.ts'
import type { PickleGraph } from '../pickle/node.ts'
import { readPickle } from '../pickle/read-pickle.ts'
import type { RangeReader } from '../range-reader.ts'

/** The first read: the pickles of a ResNet-50 with its optimizer have about 100 KB. */
const FIRST_BYTES = 256 * 1024
/** A pickle is parsed anew with every larger read: all of them together cost a third of the last. */
const GROWTH = 4

/** Pickles that follow each other from a file's start; none tells its length, so the file is read bit by bit. */
export class PickleRow {
  /** Where the next pickle begins, in bytes from the start of the file. */
  offset = 0
  readonly #reader: RangeReader
  readonly #maxBytes: number
  #head: Uint8Array = new Uint8Array()

  constructor(reader: RangeReader, maxBytes: number) {
    this.#reader = reader
    this.#maxBytes = maxBytes
  }

  /** @throws {CheckpointFormatError} `too-large` where the pickles together exceed the limit, `truncated` */
  async next(allows: Allows = isAllowed): Promise<PickleGraph> {
    for (;;) {
      try {
        const pickle = readPickle(this.#head.subarray(this.offset), allows)
        this.offset += pickle.sizeBytes
        return pickle
      } catch (error) {
        if (!(error instanceof PickleEndsEarly)) throw error
        await this.#readOn()
      }
    }
  }

  async #readOn(): Promise<void> {
    const { sizeBytes } = this.#reader
    const known = this.#head.byteLength
    if (known >= sizeBytes) {
      throw complaint('truncated', 'a whole pickle', `the end of the file at byte ${sizeBytes}`)
    }
    if (known >= this.#maxBytes) {
      throw complaint('too-large', `pickles of at most ${this.#maxBytes} bytes`, 'more')
    }
    const wanted = Math.min(Math.max(FIRST_BYTES, GROWTH * known), sizeBytes, this.#maxBytes)
    const grown = new Uint8Array(wanted)
    grown.set(this.#head)
    grown.set(await this.#reader.read(known, wanted - known), known)
    this.#head = grown
  }
}

function complaint(
  code: 'truncated' | 'too-large',
  expected: string,
  found: string,
): CheckpointFormatError {
  const meaning =
    code === 'truncated'
      ? 'The upload is not finished, or the file was cut.'
      : 'No checkpoint needs so much: the file is damaged or made to exhaust its reader.'
  const field = 'legacy file: pickles'
  return new CheckpointFormatError({ code, field, expected, found, meaning })
}
