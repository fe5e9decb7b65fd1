import type { PickleNode } from './node.ts'

/**
 * The memo of a pickle. Python's picklers number its entries from 0 on without gaps, one or more for each
 * value of the pickle, so that an array holds them in the least memory; other numbers are as good.
 */
export class Memo {
  readonly #first: PickleNode[] = []
  readonly #others = new Map<number, PickleNode>()

  /** How many entries there are. */
  get size(): number {
    return this.#first.length + this.#others.size
  }

  get(index: number): PickleNode | undefined {
    return this.#first[index] ?? this.#others.get(index)
  }

  set(index: number, node: PickleNode): void {
    if (index > this.#first.length) {
      this.#others.set(index, node)
      return
    }
    this.#first[index] = node
    this.#others.delete(index)
  }
}
