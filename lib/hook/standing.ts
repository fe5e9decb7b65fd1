/** The checkpoints that stand in each life, and which of them count in the deque. */
import { type CheckpointFact, compareMoments, momentOfCheckpoint } from './history.ts'
import { isRegular } from './hook-arguments.ts'
import { type Life, stepsInOrder } from './lives.ts'
import { optionsAt } from './policy.ts'
import type { Survey } from './survey.ts'

/** A checkpoint that stands under its key: the newest whole upload there. */
export interface Standing {
  life: Life
  fact: CheckpointFact
  /** True where it counts in the deque. */
  member: boolean
}

/** The standings of all lives, superseded ones too, in the order of lives and steps. */
export function standingsOf(
  survey: Survey,
  endLasts: ReadonlySet<CheckpointFact['first']>,
): Standing[] {
  return survey.lives.flatMap((life) => standingsInLife(life, survey, endLasts))
}

/** What stands of each step: the upload of the newest life that has it, at its place in that life. */
export function latestOf(standings: Standing[]): Standing[] {
  const byStep = new Map<number, Standing>()
  for (const standing of standings) {
    // Deleted first, so that a step stands where its newest life has it.
    byStep.delete(standing.fact.step)
    byStep.set(standing.fact.step, standing)
  }
  return [...byStep.values()]
}

/** Orders by time of upload. */
export function byUploadTime(a: Standing, b: Standing): number {
  return compareMoments(momentOfCheckpoint(a.fact), momentOfCheckpoint(b.fact))
}

/**
 * A step that set a record enters the deque as the hook saves it again, which it does only if this life
 * has saved a checkpoint of the series before.
 */
function standingsInLife(
  life: Life,
  survey: Survey,
  endLasts: ReadonlySet<CheckpointFact['first']>,
): Standing[] {
  let savedBefore = false
  return stepsInOrder(life).map(([step, fact]) => {
    const options = optionsAt(survey.policy, momentOfCheckpoint(fact))
    if (isRegular(options, step)) savedBefore = true
    const member =
      isRegular(options, step) ||
      (savedBefore && survey.walk.records.has(fact)) ||
      endLasts.has(fact.first)
    return { life, fact, member }
  })
}
