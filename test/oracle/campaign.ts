/** Many schedules, and what they exercised. */
import { ARGUMENTS } from './arguments.ts'
import { compare } from './compare.ts'
import { type DeviationName, REASONS } from './deviations.ts'
import { scheduleOf } from './generator.ts'
import type { BranchCount, HookProcess } from './hook-process.ts'
import type { Verdict } from './verdict.ts'
import { WORLD, type World } from './world.ts'

const BATCH = 50

/** What a campaign found and exercised. */
export interface Campaign {
  schedules: number
  lives: number
  /** How many were compared without any deviation. */
  plain: number
  seconds: number
  mismatched: Verdict[]
  /** How often each argument was named. */
  named: Map<string, number>
  applied: Map<DeviationName, number>
  met: Map<World, number>
  branches: BranchCount[]
}

/** How a campaign goes. */
export interface CampaignSetting {
  /** Number of the first schedule. */
  first?: number
  schedules: number
  seed: number
  /** Counts the branches of the hook, which takes time. */
  traced?: boolean
  /** Ends after so many mismatches. */
  limit?: number
  onProgress?: (campaign: Campaign) => void
}

/** Compares that many schedules of a seed. */
export async function campaignOf(hook: HookProcess, setting: CampaignSetting): Promise<Campaign> {
  const campaign: Campaign = {
    schedules: 0,
    lives: 0,
    plain: 0,
    seconds: 0,
    mismatched: [],
    named: new Map(ARGUMENTS.map((name) => [name, 0])),
    applied: new Map(Object.keys(REASONS).map((name) => [name as DeviationName, 0])),
    met: new Map(WORLD.map((name) => [name, 0])),
    branches: [],
  }
  const first = setting.first ?? 0
  const began = performance.now()
  const batchFrom = (done: number): Promise<Verdict[]> => {
    const count = Math.max(0, Math.min(BATCH, setting.schedules - done))
    const schedules = Array.from({ length: count }, (_, at) =>
      scheduleOf(setting.seed, first + done + at),
    )
    return compare(hook, schedules, setting.traced ?? false)
  }
  // One batch ahead, so that the hook runs while the hub does.
  let next = batchFrom(0)
  while (campaign.schedules < setting.schedules) {
    const batch = next
    next = batchFrom(campaign.schedules + BATCH)
    const verdicts = await batch
    for (const verdict of verdicts) tally(campaign, verdict)
    campaign.schedules += verdicts.length
    campaign.seconds = (performance.now() - began) / 1000
    setting.onProgress?.(campaign)
    if (campaign.mismatched.length >= (setting.limit ?? 10)) break
  }
  await next
  campaign.branches = await hook.branches()
  return campaign
}

function tally(campaign: Campaign, verdict: Verdict): void {
  campaign.lives += verdict.schedule.lives.length
  if (verdict.applied.size === 0) campaign.plain += 1
  if (verdict.mismatches.length > 0) campaign.mismatched.push(verdict)
  for (const { arguments: named } of verdict.schedule.lives) {
    for (const name of Object.keys(named)) increase(campaign.named, name)
  }
  for (const name of verdict.applied) increase(campaign.applied, name)
  for (const name of verdict.met) increase(campaign.met, name)
}

function increase<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
