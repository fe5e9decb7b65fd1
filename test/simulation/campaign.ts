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

/** How a campaign goes. */
export interface CampaignSetting {
  /** How many schedules it has in the end. */
  readonly schedules: number
  /** Ends after so many that violate something. */
  readonly mostFailed: number
  readonly onFailed?: (verdict: Verdict) => Promise<void> | void
  readonly onProgress?: (campaign: Campaign) => void
}

/** Runs schedules until there are enough. */
export async function goOn(campaign: Campaign, setting: CampaignSetting): Promise<void> {
  const { schedules, mostFailed, onFailed, onProgress } = setting
  let began = performance.now()
  while (campaign.done < schedules && campaign.failed.length < mostFailed) {
    const verdict = await runSchedule(scheduleOf(campaign.seed, campaign.done))
    campaign.tally.addAll(verdict.tally)
    campaign.done += 1
    const now = performance.now()
    campaign.seconds += (now - began) / 1000
    began = now
    if (verdict.violations.length > 0) {
      campaign.failed.push(verdict.schedule.number)
      await onFailed?.(verdict)
    }
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
