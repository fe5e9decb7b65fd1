/**
 * Finding uploads and removals whose events were lost: a round through the bucket's listing, some pages at a time,
 * from where the one before stopped.
 */
import { type ListedRow, versionsPage } from '../bucket/versions.ts'
import type { Ledger } from '../hook/ledger.ts'
import type { Run } from '../hook/names.ts'
import { loadRun } from '../message-hub/message-hub.ts'
import { MessageHubError } from '../message-hub/message-hub-error.ts'
import { loadRound, type Round, saveRound } from '../message-hub/round.ts'
import { askToLook, type EventsQueue } from './look.ts'
import { onePerPlace, runsOfKey } from './places.ts'
import { unseenKeys } from './unseen.ts'
import type { Worker } from './worker.ts'

/** What one call found. */
export interface Found {
  /** Versions and delete markers that were listed. */
  listed: number
  /** Keys that `ingest` was asked to look at. */
  lost: string[]
  /** Runs whose entries cannot be read, and why: what is lost of these is found once they are mended. */
  failed: { run: string; reason: string }[]
  /** Whether the round came to its end, goes on with the next call, or a new one is not due yet. */
  round: 'done' | 'goes on' | 'not due'
}

/** Pages of 1,000 versions in one call, so that its work is bounded. */
const PAGES_AT_ONCE = 10
/** A page may name a thousand runs, and each is read as a whole; they are read once a page at the most. */
const RUNS_AT_ONCE = 200
/** S3 delivers nearly all events: a round through all of the bucket need not come often. */
const ROUND_SECONDS = 3_600

/**
 * Goes on with the round through the bucket, or begins one when it is due.
 *
 * @param begin begins one whether it is due or not
 */
export async function findLost(
  worker: Worker,
  events: EventsQueue,
  { begin }: { begin: boolean },
): Promise<Found> {
  const now = worker.nowSeconds()
  const before = begin ? undefined : await loadRound(worker.hub)
  const isDue = before === undefined || now - before.begunSeconds >= ROUND_SECONDS
  if (before?.next === undefined && !isDue)
    return { listed: 0, lost: [], failed: [], round: 'not due' }
  let round: Round = before?.next === undefined ? { begunSeconds: now, next: {} } : before
  const found: Found = { listed: 0, lost: [], failed: [], round: 'goes on' }
  let runs = 0
  for (let page = 0; page < PAGES_AT_ONCE && runs < RUNS_AT_ONCE && round.next; page++) {
    const { rows, next } = await versionsPage(worker.bucket, worker.reach.keyPrefix, round.next)
    const byRun = rowsByRun(rows)
    runs += byRun.size
    for (const [run, ofRun] of byRun) await lookFor(worker, events, run, ofRun, found)
    found.listed += rows.length
    // Only now, so that a page which fails is gone through again.
    round = { ...round, next }
    await saveRound(worker.hub, round)
  }
  if (round.next === undefined) found.round = 'done'
  return found
}

/** A poisoned run hurts only itself (invariant 9). */
async function lookFor(
  worker: Worker,
  events: EventsQueue,
  run: Run,
  rows: readonly ListedRow[],
  found: Found,
): Promise<void> {
  try {
    const { ledger } = await loadRun(worker.hub, run)
    const keys = lostKeys(ledger, rows)
    await askToLook(events, keys)
    found.lost.push(...keys)
  } catch (error) {
    if (!(error instanceof MessageHubError)) throw error
    found.failed.push({ run, reason: error.message })
  }
}

/** The keys of a run that are to be looked at, of a directory one. */
export function lostKeys(ledger: Ledger, rows: readonly ListedRow[]): string[] {
  return onePerPlace(ledger, unseenKeys(ledger, rows))
}

/** The rows of a listing by the runs that their keys may belong to. */
export function rowsByRun(rows: readonly ListedRow[]): Map<Run, ListedRow[]> {
  const byRun = new Map<Run, ListedRow[]>()
  for (const row of rows) {
    for (const run of runsOfKey(row.key)) {
      const ofRun = byRun.get(run)
      if (ofRun === undefined) byRun.set(run, [row])
      else ofRun.push(row)
    }
  }
  return byRun
}
