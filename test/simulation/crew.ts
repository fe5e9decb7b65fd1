/** Processes that run parts of a campaign, each one at a time. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Part, type RunPart, runPart } from './campaign.ts'
import type { Verdict } from './run-schedule.ts'
import { Tally } from './tally.ts'

/** What a worker is asked for. */
export interface Order {
  readonly seed: number
  readonly from: number
  readonly to: number
}

/** What it answers: a part, as JSON has it. */
export interface Told {
  readonly tally: Parameters<typeof Tally.from>[0]
  readonly failed: (Omit<Verdict, 'tally'> & { tally: Told['tally'] })[]
}

export interface Crew {
  readonly count: number
  readonly runPart: RunPart
  stop(): void
}

/** A crew of one is this process. */
export function startCrew(count: number): Crew {
  if (count <= 1) return { count: 1, runPart, stop: () => {} }
  const path = fileURLToPath(new URL('worker.ts', import.meta.url))
  // Options of Node are handed on, and with them what is kept in memory.
  const all = Array.from({ length: count }, () => fork(path))
  const idle = [...all]
  return {
    count,
    runPart: async (seed, from, to) => {
      const worker = idle.pop()
      if (worker === undefined) throw new RangeError(`${count} workers take ${count} parts at once`)
      try {
        return await partOf(worker, { seed, from, to })
      } finally {
        idle.push(worker)
      }
    },
    stop: () => {
      for (const worker of all) {
        // What it still works on nobody waits for.
        worker.removeAllListeners()
        worker.kill()
      }
    },
  }
}

function partOf(worker: ChildProcess, order: Order): Promise<Part> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) =>
      reject(new Error(`the worker of schedules ${order.from} to ${order.to} ended with ${code}`))
    worker.once('exit', died)
    worker.once('message', (message) => {
      worker.off('exit', died)
      const { tally, failed } = message as Told
      resolve({
        tally: Tally.from(tally),
        failed: failed.map((verdict) => ({ ...verdict, tally: Tally.from(verdict.tally) })),
      })
    })
    worker.send(order)
  })
}
