/** Pins and consents that change nothing, and why: derived like everything else, so that they may yet count. */
import type { History } from './history.ts'
import { nameOf } from './names.ts'
import { pinsOf } from './pins.ts'
import { isInForce, type Policy } from './policy.ts'

/** A file that says what has no effect. */
export interface VoidStatement {
  key: string
  seconds: number
  field: 'pin' | 'apply'
  reason: string
}

/** All of them; what cannot be read is not among them. */
export function voidStatements(history: History, policy: Policy): VoidStatement[] {
  return [...voidPins(history), ...voidConsents(history, policy)]
}

function voidPins(history: History): VoidStatement[] {
  const steps = [...history.steps.values()]
  return [...pinsOf(history).values()].flatMap(({ key, seconds, name }): VoidStatement[] => {
    const facts = steps.find(({ uploads }) => uploads.some((upload) => nameOf(upload.key) === name))
    if (facts === undefined) {
      return [{ key, seconds, field: 'pin', reason: `waits for ${name}, which was never uploaded` }]
    }
    if (facts.removal === undefined || nameOf(facts.removal.key) !== name) return []
    const reason = `is void, since ${name} was removed, not by the hub; upload it again, or unpin it`
    return [{ key, seconds, field: 'pin', reason }]
  })
}

function voidConsents({ consents }: History, { stages }: Policy): VoidStatement[] {
  return consents
    .filter(
      (consent) =>
        consent.fault === undefined &&
        !stages.some(
          ({ fact }, at) => fact !== undefined && isInForce(consent, fact, stages[at + 1]?.fact),
        ),
    )
    .map(({ key, seconds }) => {
      const reason =
        'names no version of checkpoint_hook.json that was in force when it came, and agrees to nothing'
      return { key, seconds, field: 'apply', reason }
    })
}
