/** What a worker may be asked to do, and what it answers: both as JSON has it. */
import { runPart, runStrike } from './campaign.ts'
import { settleOrders } from './orders.ts'
import { pairsAfter } from './pairs.ts'

const KINDS = { part: runPart, strike: runStrike, pairs: pairsAfter, orders: settleOrders }

type Kinds = typeof KINDS

/** The kind of the work, and with what. */
export type Work = {
  [Kind in keyof Kinds]: readonly [Kind, ...Parameters<Kinds[Kind]>]
}[keyof Kinds]

export type Answer<Kind extends keyof Kinds> = Awaited<ReturnType<Kinds[Kind]>>

export function perform(work: Work): Promise<unknown> {
  switch (work[0]) {
    case 'part':
      return runPart(work[1], work[2], work[3])
    case 'strike':
      return runStrike(work[1], work[2], work[3])
    case 'pairs':
      return pairsAfter(work[1], work[2])
    case 'orders':
      return settleOrders(work[1], work[2])
  }
}
