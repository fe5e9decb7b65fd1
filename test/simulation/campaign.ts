/** Many schedules of one seed, and what they came to; kept in a file, so that they can be gone on with. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { scheduleOf } from './generator.ts'
import { runSchedule, type Verdict } from './run-schedule.ts'
import { Tally } from './tally.ts'

/** What a campaign came to so far. */
export interface Campaign {
  readonly seed: number
  /** Schedules from number 0 on. */
  done: number
  seconds: number
  readonly tally: Tally
  /** Numbers of the schedules that violate something. */
  readonly failed: number[]
}

export function newCampaign(seed: number): Campaign {
  return { seed, done: 0, seconds: 0, tally: new Tally(), failed: [] }
}

/** What came of some schedules. */
export interface Part {
  readonly tally: Tally
  readonly failed: readonly Verdict[]
}

/** Runs the schedules of a seed from a number on, up to another one. */
export type RunPart = (seed: number, from: number, to: number) => Promise<Part>

/** How a campaign goes. */
export interface CampaignSetting {
  /** How many schedules it has in the end. */
  readonly schedules: number
  /** Ends after so many that violate something. */
  readonly mostFailed: number
  /** Runs parts at once, so many; what comes of a campaign is the same however many there are. */
  readonly workers: { readonly count: number; readonly runPart: RunPart }
  readonly onFailed?: (verdict: Verdict) => Promise<void> | void
  readonly onProgress?: (campaign: Campaign) => void
}

/** Some seconds of one core: what a campaign that is stopped loses. */
const PART_SCHEDULES = 100

export const THIS_PROCESS = { count: 1, runPart }

export async function runPart(seed: number, from: number, to: number): Promise<Part> {
  const tally = new Tally()
  const failed: Verdict[] = []
  for (let number = from; number < to; number++) {
    const verdict = await runSchedule(scheduleOf(seed, number))
    tally.addAll(verdict.tally)
    if (verdict.violations.length > 0) failed.push(verdict)
  }
  return { tally, failed }
}

/** Runs schedules until there are enough, in parts that are counted in their order. */
export async function goOn(campaign: Campaign, setting: CampaignSetting): Promise<void> {
  const { schedules, mostFailed, workers, onFailed, onProgress } = setting
  const underWay: { to: number; part: Promise<Part> }[] = []
  const began = performance.now() - campaign.seconds * 1000
  let next = campaign.done
  while (campaign.done < schedules && campaign.failed.length < mostFailed) {
    while (underWay.length < workers.count && next < schedules) {
      const to = Math.min(next + PART_SCHEDULES, schedules)
      underWay.push({ to, part: workers.runPart(campaign.seed, next, to) })
      next = to
    }
    const [first] = underWay.splice(0, 1)
    if (first === undefined) return
    const { tally, failed } = await first.part
    campaign.tally.addAll(tally)
    campaign.done = first.to
    for (const verdict of failed) {
      campaign.failed.push(verdict.schedule.number)
      await onFailed?.(verdict)
    }
    campaign.seconds = (performance.now() - began) / 1000
    onProgress?.(campaign)
  }
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
