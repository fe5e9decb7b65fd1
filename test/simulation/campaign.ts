/** Many schedules of one seed, and what they came to; kept in a file, so that they can be gone on with. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Crew } from './crew.ts'
import { scheduleOf } from './generator.ts'
import { type Finding, runSchedule, type Verdict } from './run-schedule.ts'
import type { Strike } from './schedule.ts'
import { type Sight, Tally, type Told } from './tally.ts'

/** What a campaign came to so far. */
export interface Campaign {
  readonly seed: number
  /** Schedules from number 0 on. */
  done: number
  seconds: number
  readonly tally: Tally
  /** Crash points that were made on purpose, since chance made none. */
  onPurpose: number
  /** Numbers of the schedules that violate something. */
  readonly failed: number[]
}

export function newCampaign(seed: number): Campaign {
  return { seed, done: 0, seconds: 0, tally: new Tally(), onPurpose: 0, failed: [] }
}

/** What came of some schedules, as JSON has it. */
export interface Part {
  readonly tally: Told
  readonly failed: readonly Finding[]
}

/** How a campaign goes. */
export interface CampaignSetting {
  /** How many schedules it has in the end. */
  readonly schedules: number
  /** Ends after so many that violate something. */
  readonly mostFailed: number
  /** What comes of a campaign is the same however many it has. */
  readonly crew: Crew
  readonly onFailed?: (found: Finding) => Promise<void> | void
  readonly onProgress?: (campaign: Campaign) => void
}

/** Some seconds of one core: what a campaign that is stopped loses. */
const PART_SCHEDULES = 100

/** Runs the schedules of a seed from a number on, up to another one. */
export async function runPart(seed: number, from: number, to: number): Promise<Part> {
  const tally = new Tally()
  const failed: Finding[] = []
  for (let number = from; number < to; number++) {
    const verdict = await runSchedule(scheduleOf(seed, number))
    tally.addSchedule({ number, strikes: [], steps: verdict.steps }, verdict.tally)
    if (verdict.violations.length > 0) failed.push(findingOf(verdict))
  }
  return { tally: tally.toJSON(), failed }
}

/** Runs schedules until there are enough, in parts that are counted in their order. */
export async function goOn(campaign: Campaign, setting: CampaignSetting): Promise<void> {
  const { schedules, mostFailed, crew, onProgress } = setting
  const began = performance.now() - campaign.seconds * 1000
  const clock = () => {
    campaign.seconds = (performance.now() - began) / 1000
  }
  const parts = crew.inOrder(
    partsBetween(campaign.done, schedules),
    ({ from, to }) => ['part', campaign.seed, from, to] as const,
  )
  for await (const [{ to }, { tally, failed }] of parts) {
    campaign.tally.addAll(Tally.from(tally))
    campaign.done = to
    for (const found of failed) await fail(campaign, setting, found)
    clock()
    onProgress?.(campaign)
    if (campaign.failed.length >= mostFailed) return
  }
  await strikeWhatWasMissed(campaign, setting)
  clock()
}

function* partsBetween(from: number, to: number): Generator<{ from: number; to: number }> {
  for (let at = from; at < to; at += PART_SCHEDULES) {
    yield { from: at, to: Math.min(at + PART_SCHEDULES, to) }
  }
}

/**
 * Makes a crash point of each place that was reached and never was one. Such a run may reach further places, whose turn
 * comes once all that are known had theirs.
 */
async function strikeWhatWasMissed(campaign: Campaign, setting: CampaignSetting): Promise<void> {
  const { tally, seed } = campaign
  const tried = new Set<string>()
  for (;;) {
    const strikes = tally.missing().filter(({ site, fault }) => !tried.has(`${fault}: ${site}`))
    if (strikes.length === 0) return
    for (const { site, fault } of strikes) tried.add(`${fault}: ${site}`)
    const seen = strikes.map((strike) => ({ strike, sight: tally.seenIn.get(strike.site) ?? NONE }))
    const runs = setting.crew.inOrder(
      seen,
      ({ sight, strike }) => ['strike', seed, sight, strike] as const,
    )
    for await (const [, { runs: made, tally: counted, failed }] of runs) {
      campaign.onPurpose += made
      tally.addAll(Tally.from(counted))
      for (const found of failed) await fail(campaign, setting, found)
    }
  }
}

const NONE: Sight = { number: 0, strikes: [], steps: 0 }

/** What came of crash points that were made on purpose. */
export interface Struck extends Part {
  /** How many runs it took. */
  readonly runs: number
}

/** Runs a schedule in which a place was seen once more, with the crash where that place calls first. */
export async function runStrike(seed: number, sight: Sight, strike: Strike): Promise<Struck> {
  const { number, strikes } = sight
  const tally = new Tally()
  const failed: Finding[] = []
  let runs = 0
  // It may have been seen before one of those struck, and not since.
  for (let kept = strikes.length, isMet = false; kept >= 0 && !isMet; kept--) {
    const all = [...strikes.slice(0, kept), strike]
    const verdict = await runSchedule({ ...scheduleOf(seed, number), strikes: all })
    isMet = verdict.strikesMet === all.length
    tally.addSchedule({ number, strikes: all, steps: verdict.steps }, verdict.tally)
    runs += 1
    if (verdict.violations.length > 0) failed.push(findingOf(verdict))
  }
  return { runs, tally: tally.toJSON(), failed }
}

async function fail(campaign: Campaign, setting: CampaignSetting, found: Finding): Promise<void> {
  campaign.failed.push(found.schedule.number)
  await setting.onFailed?.(found)
}

function findingOf({ schedule, violations, struck }: Verdict): Finding {
  return { schedule, violations, struck }
}

/** Reads a campaign where it was left; nothing where there is none. */
export function readCampaign(path: string): Campaign | undefined {
  if (!existsSync(path)) return undefined
  const { tally, ...rest } = JSON.parse(readFileSync(path, 'utf8'))
  return { ...rest, tally: Tally.from(tally) }
}

/** Writes a campaign down as a whole, or not at all. */
export function keepCampaign(path: string, campaign: Campaign): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, JSON.stringify(campaign))
  renameSync(`${path}.new`, path)
}
