/** The body of an answer, as far as the hub reads it. */

export interface Body extends AsyncIterable<Uint8Array> {
  /** All of them, also of a body that is cut short. */
  readonly bytes: Uint8Array
  destroy(error?: Error): void
  transformToString(): Promise<string>
  transformToByteArray(): Promise<Uint8Array>
}

/**
 * A body of some bytes.
 *
 * @param endsAt where it is cut short, if it is
 */
export function bodyOf(bytes: Uint8Array, endsAt = bytes.byteLength): Body {
  const there = bytes.subarray(0, endsAt)
  return {
    bytes,
    async *[Symbol.asyncIterator]() {
      yield there
    },
    destroy: () => {},
    transformToString: async () => new TextDecoder().decode(there),
    transformToByteArray: async () => there,
  }
}
