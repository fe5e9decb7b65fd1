/**
 * Settling a run: what was seen is recorded, what follows is decided and committed, what was committed
 * is carried out, until nothing is left to do. The way of every event, of every job's result, and of the
 * sweep.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isTransient } from '../bucket/bucket.ts'
import { ALL_TIME, requireTime, type TimeLeft } from '../bucket/deadline.ts'
import { isAnythingBelow } from '../bucket/present.ts'
import type { Action, Effect, Ledger } from '../hook/ledger.ts'
import { factKey, keyIn, type Run } from '../hook/names.ts'
import { type Decision, decide } from '../hook/plan.ts'
import { type Observation, record } from '../hook/record.ts'
import { commitRun, type LoadedRun, loadRun } from '../message-hub/message-hub.ts'
import { ConflictError } from '../message-hub/message-hub-error.ts'
import { carryOut, outstanding } from './carry-out.ts'
import { stillThere } from './late-results.ts'
import { observe } from './observe.ts'
import { onePerPlace, runsOfKey } from './places.ts'
import { namesOf } from './refusal.ts'
import { whereIs } from './where-is.ts'
import type { Worker } from './worker.ts'

/** How a run is settled. */
export interface Settlement {
  /** Keys to look at. */
  keys?: readonly string[]
  /** What is known already, such as the result of a job. */
  observations?: readonly Observation[]
  /** Jobs that were handed to the queue before this time, in seconds since 1970, are sent again. */
  resendBefore?: number
  /** Once little of it is left, no further step is begun; what was done by then stays. */
  timeLeft?: TimeLeft
}

/** Observations in one transaction: each touches one entry, beside those of the effects. */
const OBSERVATIONS_AT_ONCE = 30
/** Other workers on the same run let one through each time, so a few attempts suffice. */
const ATTEMPTS = 12
/** A worker that was overtaken pauses for up to this, or for as long as its attempt took, and longer each time. */
const SHORTEST_PAUSE_MS = 50
const LONGEST_PAUSE_ATTEMPTS = 4
/** What could not be undone if the bucket kept no versions. */
const TAKES_AWAY: ReadonlySet<Action['kind']> = new Set(['evict', 'strip', 'retire'])
/** Every round carries out what the one before decided; an orderly one needs two. */
const ROUNDS = 200

/**
 * Settles a run.
 *
 * @returns the ledger as it was committed last
 * @throws {ConflictError} where other workers changed the run at every attempt
 * @throws {OutOfTime} where more is left to do than there is time for
 * @throws the error of S3, SQS or DynamoDB where an outcome is not known; settling again is safe
 */
export async function settleRun(worker: Worker, run: Run, settlement: Settlement): Promise<Ledger> {
  // What was carried out and could not be committed, because another worker was faster: it is recorded
  // at the next attempt, so that a deletion whose effect was withdrawn meanwhile is undone.
  const uncommitted: Observation[] = []
  let ledger: Ledger | undefined
  for (let attempt = 1; ledger === undefined; attempt++) {
    const begun = worker.nowSeconds()
    try {
      ledger = await settleOnce(worker, run, settlement, uncommitted)
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error
      requireTime(settlement.timeLeft ?? ALL_TIME)
      await sleep(pauseMs(attempt, worker.nowSeconds() - begun))
    }
  }
  await settleClaimant(worker, ledger, settlement)
  return ledger
}

/**
 * Where an attempt takes long, those of the others do too: who comes back at once only overtakes them in turn.
 */
function pauseMs(attempt: number, tookSeconds: number): number {
  const longest = Math.max(SHORTEST_PAUSE_MS, tookSeconds * 1000)
  return Math.random() * longest * Math.min(attempt, LONGEST_PAUSE_ATTEMPTS)
}

/** What lies in a prefix that another run claimed may be that run's file. */
async function settleClaimant(
  worker: Worker,
  { run, claimedBy }: Ledger,
  { keys = [], timeLeft = ALL_TIME }: Settlement,
): Promise<void> {
  const within = keys.filter((key) => runsOfKey(key).includes(run))
  if (claimedBy !== undefined && within.length > 0) {
    requireTime(timeLeft)
    await settleRun(worker, claimedBy, { keys: within, timeLeft })
  }
}

async function settleOnce(
  worker: Worker,
  run: Run,
  { keys = [], observations = [], resendBefore, timeLeft = ALL_TIME }: Settlement,
  uncommitted: Observation[],
): Promise<Ledger> {
  // Looked at after the run was read: a commit that happens in between is then a conflict, so that an
  // old listing never meets a newer ledger.
  let loaded = await loadRun(worker.hub, run)
  const seen = [...(await stillThere(worker, loaded.ledger, observations)), ...uncommitted]
  for (const key of onePerPlace(loaded.ledger, keys)) {
    seen.push(...(await observe(worker.bucket, loaded.ledger, key)))
  }
  if (loaded.version === 0) {
    if (!isRun(seen) || !(await isThere(worker, run))) return loaded.ledger
    const options = keyIn(run, 'checkpoint_hook.json')
    seen.unshift(...(await observe(worker.bucket, loaded.ledger, options)))
  }
  seen.push(...resends(loaded.ledger, resendBefore))
  loaded = await commitObservations(worker, loaded, seen)
  uncommitted.length = 0
  return (await carryOutAll(worker, loaded, uncommitted, timeLeft)).ledger
}

/** A prefix is a run from the first fact that the protocol finds in it. */
function isRun(seen: Observation[]): boolean {
  return seen.some((each) => {
    if (each.kind === 'checkpoint') return each.uploads.length > 0
    if ('facts' in each) return each.facts.length > 0
    return each.kind === 'source'
  })
}

/** Of a run that is gone, and may have been forgotten, a late event makes none. */
async function isThere({ bucket }: Worker, run: Run): Promise<boolean> {
  const places = [keyIn(run, ''), factKey(run, '')]
  for (const place of places) if (await isAnythingBelow(bucket, place)) return true
  return false
}

function resends(ledger: Ledger, before: number | undefined): Observation[] {
  return ledger.effects
    .filter(
      ({ sentSeconds }) =>
        before !== undefined && sentSeconds !== undefined && sentSeconds < before,
    )
    .map(({ number }) => ({ kind: 'sent', effect: number, seconds: undefined }))
}

async function commitObservations(
  worker: Worker,
  loaded: LoadedRun,
  seen: Observation[],
): Promise<LoadedRun> {
  let current = loaded
  // Without a new observation too: what a commit in parts or a hold left undecided is decided now.
  for (let at = 0; at === 0 || at < seen.length; at += OBSERVATIONS_AT_ONCE) {
    const part = seen.slice(at, at + OBSERVATIONS_AT_ONCE)
    current = await commitPart(worker, current, part)
  }
  return current
}

async function commitPart(
  worker: Worker,
  loaded: LoadedRun,
  seen: Observation[],
): Promise<LoadedRun> {
  let all = seen.reduce(record, loaded.ledger)
  let decision = decideOn(worker, all)
  if (isFirstEviction(decision, loaded.ledger)) {
    // The run's options are read before its first eviction, though never waited for.
    const key = keyIn(loaded.ledger.run, 'checkpoint_hook.json')
    const options = await observe(worker.bucket, loaded.ledger, key)
    all = [...seen, ...options].reduce(record, loaded.ledger)
    decision = decideOn(worker, all)
  }
  const unversioned = await unversionedIn(worker, decision, loaded.ledger)
  if (unversioned.length > 0) decision = decideOn(worker, all, unversioned)
  return commitRun(worker.hub, loaded, decision)
}

/** The buckets in which a decision begins to delete, and which keep no versions. */
async function unversionedIn(
  worker: Worker,
  { ledger }: Decision,
  before: Ledger,
): Promise<string[]> {
  const names = new Set<string>()
  for (const { number, action } of ledger.effects) {
    if (number < before.nextEffect || !TAKES_AWAY.has(action.kind) || !('key' in action)) continue
    names.add(whereIs(worker.bucket, action.key).bucket.name)
  }
  const found: string[] = []
  for (const name of names) if (!(await worker.keepsVersions(name))) found.push(name)
  return found
}

function isFirstEviction({ ledger }: Decision, before: Ledger): boolean {
  const evicts = ledger.effects.some(({ action }) => action.kind === 'evict')
  return evicts && before.history.options.length === 0 && before.checkpoints.size === 0
}

/** What follows from a ledger, under this worker's circumstances. */
export function decideOn(
  worker: Worker,
  ledger: Ledger,
  unversioned: readonly string[] = [],
): Decision {
  return decide(ledger, {
    bucket: worker.bucket.name,
    reach: worker.reach,
    allowedGlobals: namesOf(worker.allowedGlobals),
    brake: worker.brake,
    unversioned,
    nowSeconds: worker.nowSeconds(),
  })
}

async function carryOutAll(
  worker: Worker,
  loaded: LoadedRun,
  uncommitted: Observation[],
  timeLeft: TimeLeft,
): Promise<LoadedRun> {
  let current = loaded
  for (let round = 0; round < ROUNDS; round++) {
    const { ledger } = current
    const effects = outstanding(ledger)
    // A decision that found no room for all of it left effects, so none means that nothing is left.
    if (effects.length === 0) return current
    if (round > 0) requireTime(timeLeft)
    const { lookAt, failures } = await carryOutEach(worker, ledger.run, effects, uncommitted)
    // What was done is ticked off although another effect failed.
    const ticked = uncommitted.reduce(record, ledger)
    const seen = [...uncommitted]
    for (const key of lookAt) seen.push(...(await observe(worker.bucket, ticked, key)))
    if (seen.length > 0) current = await commitPart(worker, current, seen)
    uncommitted.length = 0
    if (failures.length > 0) throw failures[0]
  }
  return current
}

/** Carries out effects in their order; what came of each is added to the uncommitted observations. */
async function carryOutEach(
  worker: Worker,
  run: Run,
  effects: Effect[],
  uncommitted: Observation[],
): Promise<{ lookAt: Set<string>; failures: unknown[] }> {
  const lookAt = new Set<string>()
  const failures: unknown[] = []
  let keepsAll = false
  for (const effect of effects) {
    const deletes = effect.action.kind === 'evict' || effect.action.kind === 'retire'
    if (deletes && keepsAll) continue
    try {
      const outcome = await carryOut(worker, run, effect)
      uncommitted.push(...outcome.observations)
      if (outcome.lookAt !== undefined) lookAt.add(outcome.lookAt)
    } catch (error) {
      failures.push(error)
      if (isTransient(error)) break
      // What is refused, such as a copy that is too large, holds up no other, except that nothing is
      // deleted before all that is to be there is there.
      if (!deletes) keepsAll = true
    }
  }
  return { lookAt, failures }
}
