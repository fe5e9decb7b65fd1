/**
 * Lets go of memory before V8 itself would, where the process lets it (`--expose-gc`): a function is paid for by the
 * most that it ever takes (docs/decisions/0035).
 */
import { setFlagsFromString } from 'node:v8'

/**
 * The chunks of a body lie outside of the heap, where V8 sees no reason to collect them: some hundred MiB of them
 * stay for a while, and more of a longer file. Those of so many bytes are let go of together, which takes about a
 * millisecond.
 */
const CHUNKS_BYTES = 8 * 1024 ** 2
let chunkBytes = 0

/** To be called with each chunk of a body that is no longer needed, by its length in bytes. */
export function letGoOfChunk(lengthBytes: number): void {
  chunkBytes += lengthBytes
  if (chunkBytes < CHUNKS_BYTES) return
  chunkBytes = 0
  globalThis.gc?.({ type: 'minor' })
}

/**
 * Gives the system back all that is not in use, which takes some tens of milliseconds: to be called where much was
 * needed that is needed no more.
 */
export function letGoOfAll(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' })
}

/**
 * Has the space for young objects stay as small as it begins, 1 MiB, for as long as the process lives. It grows with
 * what a process does, not with what it holds, and Lambda's own flags allow it a tenth of the memory.
 */
export function keepYoungSpaceSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
