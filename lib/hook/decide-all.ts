import type { Circumstances } from './draft.ts'
import type { Ledger } from './ledger.ts'
import { type Decision, decide } from './plan.ts'

/**
 * Decides all that there is to decide, where `decide` stops at what one transaction may hold: for whoever
 * only wants to know.
 */
export function decideAll(ledger: Ledger, circumstances: Circumstances): Decision {
  let decision = decide(ledger, circumstances)
  while (decision.more) decision = decide(decision.ledger, circumstances)
  return decision
}
