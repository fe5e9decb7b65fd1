/**
 * Which fact decided: the history is folded as it was earlier, until the fact is found with which a
 * checkpoint's fate became what it is.
 */
import { outcomeOf } from './fold.ts'
import { type FactAt, factsInOrder, historyUntil } from './history-until.ts'
import type { Ledger } from './ledger.ts'
import type { Fate } from './retention.ts'

/**
 * Finds the fact that decided the fate of each of some checkpoints: with it their fate is what it is now, by
 * the same rule, and with all before it, it is not.
 *
 * Folds as often as some facts are to be told apart, which is a dozen times for one step of a long run, and
 * about twice as often as it has checkpoints for all of them.
 *
 * @param ids the steps, by their ids; those without a fate, and what has expired, have no such fact
 */
export function decidingFacts(
  ledger: Pick<Ledger, 'run' | 'history' | 'artifacts'>,
  brake: number,
  ids: Iterable<string>,
): Map<string, FactAt> {
  const { history } = ledger
  const facts = factsInOrder(history)
  const now = outcomeOf(ledger, brake).fates
  const found = new Map<string, FactAt>()
  const search = (from: number, to: number, sought: string[]): void => {
    if (sought.length === 0) return
    const fact = facts[to]
    if (from + 1 === to && fact !== undefined) {
      for (const id of sought) found.set(id, fact)
      return
    }
    const middle = (from + to) >> 1
    const limit = facts[middle]
    if (limit === undefined) return
    const { fates } = outcomeOf({ ...ledger, history: historyUntil(history, limit) }, brake)
    const isDecided = (id: string) => verdict(fates.get(id)) === verdict(now.get(id))
    search(from, middle, sought.filter(isDecided))
    search(
      middle,
      to,
      sought.filter((id) => !isDecided(id)),
    )
  }
  const decidable = [...ids].filter((id) => isByAFact(now.get(id)))
  search(-1, facts.length - 1, decidable)
  return found
}

/** No fact says when a noncurrent version expired. */
function isByAFact(fate: Fate | undefined): boolean {
  return fate !== undefined && !('rule' in fate && fate.rule === 'expired')
}

/** What a fate amounts to, whichever rivals there are. */
function verdict(fate: Fate | undefined): string {
  return fate === undefined ? '' : `${fate.kind} ${'rule' in fate ? fate.rule : ''}`
}
