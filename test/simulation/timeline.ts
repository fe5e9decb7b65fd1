/**
 * Simulated time: what is to happen, in order. Nothing waits: the clock jumps to whatever comes next, and what
 * comes at the same moment comes in the order in which it was asked for.
 */

/** Something that is to happen. */
export interface Entry {
  readonly atMs: number
  readonly sequence: number
  readonly happen: () => void
  cancelled: boolean
}

export class Timeline {
  /** Milliseconds since 1970. */
  nowMs: number
  /** A binary heap, the next entry first. */
  readonly #entries: Entry[] = []
  #sequence = 0
  #steps = 0

  constructor(startMs: number) {
    this.nowMs = startMs
  }

  /** In whole seconds since 1970, as S3 and the functions tell it. */
  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1000)
  }

  /** How many things happened so far. */
  get steps(): number {
    return this.#steps
  }

  /** Has something happen so many milliseconds from now. */
  after(delayMs: number, happen: () => void): Entry {
    const atMs = this.nowMs + Math.max(0, delayMs)
    const entry = { atMs, sequence: this.#sequence++, happen, cancelled: false }
    this.#push(entry)
    return entry
  }

  /**
   * Lets things happen, each when all that followed from the one before has come to rest, until nothing is
   * left or the time is over.
   *
   * @param untilMs in milliseconds since 1970
   * @returns false where more steps were needed than allowed
   */
  async run(untilMs: number, mostSteps: number): Promise<boolean> {
    for (let step = 0; ; step++) {
      const next = this.#entries[0]
      if (next === undefined || next.atMs > untilMs) break
      if (step >= mostSteps) return false
      this.#pop()
      if (next.cancelled) continue
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.#steps += 1
      next.happen()
      // All promises that were settled are followed up before Node comes to its next tick. A turn of its loop would
      // do as well, and takes longer than most of what happens.
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
    this.nowMs = Math.max(this.nowMs, Math.min(untilMs, Number.MAX_SAFE_INTEGER))
    return true
  }

  #push(entry: Entry): void {
    const entries = this.#entries
    entries.push(entry)
    let at = entries.length - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!this.#swapUnlessBefore(above, at)) break
      at = above
    }
  }

  #pop(): void {
    const entries = this.#entries
    const last = entries.pop()
    if (last === undefined || entries.length === 0) return
    entries[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= entries.length) return
      const right = left + 1
      const least = right < entries.length && isBefore(entries[right], entries[left]) ? right : left
      if (!this.#swapUnlessBefore(at, least)) return
      at = least
    }
  }

  #swapUnlessBefore(above: number, below: number): boolean {
    const entries = this.#entries
    const [a, b] = [entries[above], entries[below]]
    if (a === undefined || b === undefined || isBefore(a, b)) return false
    entries[above] = b
    entries[below] = a
    return true
  }
}

function isBefore(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
