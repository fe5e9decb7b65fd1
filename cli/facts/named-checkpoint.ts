/** A checkpoint of a run as people name it, with all that the hub knows of it. */
import { fold, type Outcome } from '../../lib/hook/fold.ts'
import type { CheckpointFact, PinFact, StepFacts } from '../../lib/hook/history.ts'
import { type CheckpointState, type Ledger, UNTOUCHED } from '../../lib/hook/ledger.ts'
import { nameOf } from '../../lib/hook/names.ts'
import { pinsOf } from '../../lib/hook/pins.ts'
import type { Fate } from '../../lib/hook/retention.ts'
import { Failure } from '../failure.ts'

/** A checkpoint that was uploaded once. */
export interface NamedCheckpoint {
  readonly id: string
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
  const outcome = fold(ledger.run, ledger.history, brake)
  const uploaded = [...ledger.history.steps].filter(([id]) => outcome.fates.has(id))
  const found = uploaded
    .filter(([, facts]) => isNamed(facts, text))
    .toSorted(([, a], [, b]) => rank(outcome, a) - rank(outcome, b))
  const [id, facts] = found[0] ?? []
  const fate = id === undefined ? undefined : outcome.fates.get(id)
  if (id === undefined || facts === undefined || fate === undefined) {
    throw noStep(
      text,
      uploaded.map(([, { step }]) => step),
    )
  }
  const fact = outcome.standings.get(id)?.fact
  const key = fact?.key ?? facts.uploads.find((upload) => nameOf(upload.key) === nameOf(text))?.key
  const name = nameOf(key ?? facts.uploads.at(-1)?.key ?? '')
  return {
    id,
    name,
    facts,
    fact,
    fate,
    state: ledger.checkpoints.get(id) ?? UNTOUCHED,
    pin: pinsOf(ledger.history).get(name),
    isSettled: !ledger.effects.some(({ action }) => 'id' in action && action.id === id),
  }
}

function isNamed({ step, uploads }: StepFacts, text: string): boolean {
  if (/^\d+$/.test(text)) return step === Number(text)
  return uploads.some(({ key }) => nameOf(key) === nameOf(text))
}

/** A number means the run's own series; the other one is asked for by name. */
function rank({ survey }: Outcome, { series }: StepFacts): number {
  return series === survey.naming?.series ? 0 : 1
}

function noStep(text: string, steps: readonly number[]): Failure {
  const there =
    steps.length === 0
      ? 'none yet'
      : `${steps.length}, from ${Math.min(...steps)} to ${Math.max(...steps)}`
  return new Failure('not-found', `no checkpoint of the step ${text} was uploaded`, {
    code: 'no-step',
    advice: `Steps of this run: ${there}.`,
  })
}
