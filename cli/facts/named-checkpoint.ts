/** A checkpoint of a run as people name it, with all that the hub knows of it. */
import { outcomeOf } from '../../lib/hook/fold.ts'
import type { CheckpointFact, PinFact, StepFacts } from '../../lib/hook/history.ts'
import { type CheckpointState, type Ledger, UNTOUCHED } from '../../lib/hook/ledger.ts'
import { nameOf } from '../../lib/hook/names.ts'
import { pinsOf } from '../../lib/hook/pins.ts'
import type { Fate } from '../../lib/hook/retention.ts'
import { type Stepped, stepNamed } from '../stack/step.ts'

/** A checkpoint that was uploaded once. */
export interface NamedCheckpoint extends Stepped {
  readonly name: string
  readonly facts: StepFacts
  /** What stands of the step; nothing where no upload of it counts. */
  readonly fact: CheckpointFact | undefined
  readonly fate: Fate
  readonly state: CheckpointState
  readonly pin: PinFact | undefined
  /** Whether the hub has done what its fate says. */
  readonly isSettled: boolean
}

/**
 * Finds a checkpoint of a run.
 *
 * @param text a step of the run's own series, or the name of a checkpoint
 * @throws {Failure} `no-step` with the steps that there are
 */
export function checkpointNamed(ledger: Ledger, brake: number, text: string): NamedCheckpoint {
  const { fates, standings, survey } = outcomeOf(ledger, brake)
  const pins = pinsOf(ledger.history)
  const all = [...ledger.history.steps].flatMap(([id, facts]): NamedCheckpoint[] => {
    const fate = fates.get(id)
    const fact = standings.get(id)?.fact
    const key = (fact?.live ?? facts.uploads.at(-1))?.key
    if (fate === undefined || key === undefined) return []
    const { series, step } = facts
    const name = nameOf(key)
    const state = ledger.checkpoints.get(id) ?? UNTOUCHED
    const isSettled = !ledger.effects.some(({ action }) => 'id' in action && action.id === id)
    return [{ series, step, key, name, facts, fact, fate, state, pin: pins.get(name), isSettled }]
  })
  return stepNamed(all, survey, text)
}
