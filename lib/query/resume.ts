/** From which checkpoint of a run to resume. */
import { pathOf, type Run } from '../hook/names.ts'
import { loadedRun } from './entries.ts'
import type { PointedCheckpoint } from './pointers.ts'
import { QueryError, quoted } from './problem-details.ts'
import { type Candidate, resumeOrder } from './resume-order.ts'
import type { Stack } from './stack.ts'
import { type Verified, verify } from './verify.ts'

/** A newer checkpoint that cannot be resumed from. */
export interface PassedOver {
  step: number
  key: string
  reason: string
}

export interface ResumeAnswer extends PointedCheckpoint {
  run: Run
  verified: Verified
  /** Every newer one, the newest first. */
  passed_over: PassedOver[]
}

/** Checkpoints that one question looks into, some hundred kilobytes and a few requests each. */
const MOST_LOOKED_INTO = 10
/** Reasons that an answer holds. */
const MOST_PASSED_OVER = 100

/**
 * The newest checkpoint that is complete and verified now; where the newest is not, the one before it, and why.
 *
 * @throws {QueryError} where there is none, or none among the newest that are looked into
 * @throws {ConflictError} where the hub changed the run during every reading
 */
export async function resumableOf(stack: Stack, { run }: { run: Run }): Promise<ResumeAnswer> {
  const { ledger } = await loadedRun(stack, run)
  const passedOver: PassedOver[] = []
  let lookedInto = 0
  for (const { step, upload, reason: known } of resumeOrder(ledger, stack.brake)) {
    if (passedOver.length === MOST_PASSED_OVER) break
    if (known === undefined) {
      if (lookedInto === MOST_LOOKED_INTO) break
      lookedInto += 1
    }
    const verdict = known === undefined ? await verify(stack.bucket, upload) : { reason: known }
    if (!('reason' in verdict)) return { run, step, ...verdict, passed_over: passedOver }
    passedOver.push(passed({ step, upload, reason: verdict.reason }))
  }
  throw nothingToResume(run, passedOver)
}

function passed({ step, upload, reason = '' }: Candidate): PassedOver {
  return { step, key: pathOf(upload.key), reason }
}

function nothingToResume(run: Run, passedOver: PassedOver[]): QueryError {
  if (passedOver.length === 0) {
    return new QueryError('no-checkpoint', `the run ${quoted(run)} has no checkpoint yet`)
  }
  const detail = `the run ${quoted(run)} has no checkpoint that can be resumed from among the newest ${passedOver.length}`
  return new QueryError('nothing-to-resume', detail, { passed_over: passedOver })
}
