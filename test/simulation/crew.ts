/** Processes that share the work of a campaign, each with one piece at a time. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Answer, perform, type Work } from './work.ts'

/** So many pieces are begun for each worker before what came of the first is asked for: none of them waits for it. */
const AHEAD = 4

export class Crew {
  readonly #perform: (work: Work) => Promise<unknown>
  readonly #workers: readonly ChildProcess[]

  /** @param count how many; a crew of one is this process */
  constructor(count: number) {
    const path = fileURLToPath(new URL('worker.ts', import.meta.url))
    // Options of Node are handed on, and with them what is kept in memory.
    this.#workers = count > 1 ? Array.from({ length: count }, () => fork(path)) : []
    this.#perform = this.#workers.length === 0 ? perform : oneEach(this.#workers)
  }

  /** Has all pieces done, some at once, and gives what came of them in their order. */
  async *inOrder<Piece, Kind extends Work[0]>(
    pieces: Iterable<Piece>,
    workOf: (piece: Piece) => Extract<Work, readonly [Kind, ...unknown[]]>,
  ): AsyncGenerator<readonly [Piece, Answer<Kind>]> {
    const left = pieces[Symbol.iterator]()
    const underWay: { piece: Piece; answer: Promise<unknown> }[] = []
    // This process can have one schedule at a time.
    const most = Math.max(1, this.#workers.length * AHEAD)
    for (;;) {
      while (underWay.length < most) {
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

/** Each worker has one piece at a time; what finds none idle waits. */
function oneEach(workers: readonly ChildProcess[]): (work: Work) => Promise<unknown> {
  const idle = [...workers]
  const waiting: ((worker: ChildProcess) => void)[] = []
  return async (work) => {
    const worker = idle.pop() ?? (await new Promise<ChildProcess>((take) => waiting.push(take)))
    try {
      return await askedOf(worker, work)
    } finally {
      const next = waiting.shift()
      if (next === undefined) idle.push(worker)
      else next(worker)
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
