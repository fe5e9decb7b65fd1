/** The checkpoints of a run in the order in which a trainer would resume from them. */
import { outcomeOf } from '../hook/fold.ts'
import type { StepFacts, Upload } from '../hook/history.ts'
import type { Ledger } from '../hook/ledger.ts'
import type { Fate } from '../hook/retention.ts'
import { checkpointKey, type Survey } from '../hook/survey.ts'

/** A checkpoint that may be resumed from, unless it is known already why not. */
export interface Candidate {
  step: number
  /** Of a directory with the slash at its end. */
  upload: Upload
  /** Why it cannot be: it was torn when it came, or somebody removed it. */
  reason: string | undefined
}

/**
 * The highest step of the newest life first, as MMEngine resumes and the hub's own last is chosen. What was
 * evicted, and what another template or the other counter names, is not among them.
 *
 * @param brake how many evictions a change of the options may cause at once
 */
export function resumeOrder(ledger: Ledger, brake: number): Candidate[] {
  const outcome = outcomeOf(ledger, brake)
  const placed = [...outcome.fates].flatMap(([id, fate]) => {
    if (fate.kind === 'evicted' || fate.kind === 'other series') return []
    const standing = outcome.standings.get(id)
    const facts = ledger.history.steps.get(id)
    const upload = standing?.fact.live ?? (facts && newestOf(ledger, outcome.survey, facts))
    if (upload === undefined) return []
    const life = standing?.life.ordinal ?? lifeAt(outcome.survey, upload.seconds)
    const { step } = standing?.fact ?? facts ?? {}
    return step === undefined ? [] : [{ life, step, upload, reason: knownReason(fate) }]
  })
  return placed
    .toSorted((a, b) => b.life - a.life || b.step - a.step)
    .map(({ step, upload, reason }) => ({ step, upload, reason }))
}

function newestOf({ run }: Ledger, { naming }: Survey, facts: StepFacts): Upload | undefined {
  const key = naming && checkpointKey(run, naming, facts)
  return facts.uploads.findLast((upload) => key === undefined || upload.key === key)
}

/** What is not whole belongs to no life; it came in the time of one. */
function lifeAt({ lives }: Survey, seconds: number): number {
  return lives.findLast(({ begins }) => begins.seconds <= seconds)?.ordinal ?? 0
}

function knownReason(fate: Fate): string | undefined {
  if (fate.kind === 'kept' || fate.kind === 'held') return undefined
  return fate.reason.replace(/^kept: /, '')
}
