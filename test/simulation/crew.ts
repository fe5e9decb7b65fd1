/** Processes that share the work of a campaign, each with one piece at a time. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Answer, perform, type Work } from './work.ts'

export class Crew {
  readonly #perform: (work: Work) => Promise<unknown>
  readonly #count: number
  readonly #workers: readonly ChildProcess[]

  /** @param count how many; a crew of one is this process */
  constructor(count: number) {
    const path = fileURLToPath(new URL('worker.ts', import.meta.url))
    this.#count = Math.max(1, count)
    // Options of Node are handed on, and with them what is kept in memory.
    this.#workers = count > 1 ? Array.from({ length: count }, () => fork(path)) : []
    const idle = [...this.#workers]
    this.#perform = async (work) => {
      const worker = idle.pop()
      if (worker === undefined) return perform(work)
      try {
        return await askedOf(worker, work)
      } finally {
        idle.push(worker)
      }
    }
  }

  /** Has all pieces done, some at once, and gives what came of them in their order. */
  async *inOrder<Piece, Kind extends Work[0]>(
    pieces: Iterable<Piece>,
    workOf: (piece: Piece) => Extract<Work, readonly [Kind, ...unknown[]]>,
  ): AsyncGenerator<readonly [Piece, Answer<Kind>]> {
    const left = pieces[Symbol.iterator]()
    const underWay: { piece: Piece; answer: Promise<unknown> }[] = []
    for (;;) {
      while (underWay.length < this.#count) {
        const { done, value: piece } = left.next()
        if (done) break
        underWay.push({ piece, answer: this.#perform(workOf(piece)) })
      }
      const first = underWay.shift()
      if (first === undefined) return
      yield [first.piece, (await first.answer) as Answer<Kind>]
    }
  }

  /** Ends all workers; what they still work on nobody waits for. */
  disband(): void {
    for (const worker of this.#workers) {
      worker.removeAllListeners()
      worker.kill()
    }
  }
}

function askedOf(worker: ChildProcess, work: Work): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) =>
      reject(new Error(`a worker ended with ${code} at ${JSON.stringify(work)}`))
    worker.once('exit', died)
    worker.once('message', (answer) => {
      worker.off('exit', died)
      resolve(answer)
    })
    worker.send(work)
  })
}
