/**
 * Evictions: which checkpoints a deque of `max_keep_ckpts` has no room for, and which lie outside it.
 *
 * What is protected all the same is decided in `retention.ts`.
 */
import {
  type CheckpointFact,
  compareMoments,
  type Moment,
  momentOfCheckpoint,
  type OptionsFact,
} from './history.ts'
import type { HookOptions } from './hook-arguments.ts'
import type { Life } from './lives.ts'
import { optionsAt, optionsNow } from './policy.ts'
import { byUploadTime, latestOf, type Standing } from './standing.ts'
import type { Survey } from './survey.ts'

/** That a checkpoint goes, or is held by the brake, and why. */
export type Eviction = {
  reason: string
  rule: 'max_keep_ckpts' | 'outside the series'
  rivals: readonly Rival[]
} & ({ kind: 'evicted' } | { kind: 'held'; held: Held })

/** A checkpoint that took the place of another: as the trainer uploaded it, whatever the hub did to it since. */
export interface Rival {
  step: number
  key: string
  /** When it was uploaded, in seconds since 1970. */
  seconds: number
}

/** A checkpoint as the rival of another. */
export function rivalOf({ step, key, first }: CheckpointFact): Rival {
  return { step, key, seconds: first.seconds }
}

/** What the brake holds: a version of the options, and how many checkpoints it would evict at once. */
export interface Held {
  options: OptionsFact
  maxKeepCkpts: number
  evicts: number
}

/**
 * All evictions that retention would make if nothing were protected.
 *
 * @param all the standings of every life, superseded ones too
 * @param brake how many evictions a change of the options may cause at once
 */
export function evictionsOf(
  all: Standing[],
  survey: Survey,
  brake: number,
): Map<Standing, Eviction> {
  return new Map([...dequeEvictions(all, survey, brake), ...strayEvictions(latestOf(all), survey)])
}

/**
 * One policy after the other: what a small `max_keep_ckpts` evicted, a larger one does not bring back.
 * Each is judged on what stood at the time, so that what a newer life uploads again brings nothing back
 * either.
 *
 * @param all the standings of every life, superseded ones too
 */
function dequeEvictions(all: Standing[], survey: Survey, brake: number): Map<Standing, Eviction> {
  const evictions = new Map<Standing, Eviction>()
  const inTime = latestOf(all)
    .filter(({ member }) => member)
    .toSorted(byUploadTime)
  const places = new Map(inTime.map((member, place) => [member, place]))
  const turns = turningPoints(all).toSorted(compareMoments)
  const { stages } = survey.policy
  for (const [index, { options, begins, fact, agreed }] of stages.entries()) {
    const keep = options.maxKeepCkpts
    const outsideAt = (moment: Moment | undefined): Standing[] => {
      const standing = latestOf(all.filter(({ fact }) => isBefore(fact, moment)))
      const members = standing.filter((each) => each.member && !evictions.has(each))
      return outside(members, keep, lifeBefore(survey, moment))
    }
    const evictAt = (moment: Moment | undefined): void => {
      for (const member of outsideAt(moment)) {
        const rivals = rivalsOf(member)
        const reason = crowdedOut(rivals, keep)
        evictions.set(member, { kind: 'evicted', reason, rule: 'max_keep_ckpts', rivals })
      }
    }
    const rivalsOf = (member: Standing) => newerThan(inTime, places.get(member) ?? 0, keep)
    if (begins !== undefined && fact !== undefined) {
      // What the policy before has held is decided again under this one.
      for (const [member, { kind }] of evictions) if (kind === 'held') evictions.delete(member)
      const atOnce = outsideAt(begins)
      if (atOnce.length > brake + agreed) {
        const held = { options: fact, maxKeepCkpts: keep, evicts: atOnce.length }
        const reason = `held: max_keep_ckpts=${keep} would evict ${atOnce.length} checkpoints at once, more than ${limitText(brake, agreed)}`
        for (const member of atOnce) {
          const rivals = rivalsOf(member)
          evictions.set(member, { kind: 'held', reason, rule: 'max_keep_ckpts', rivals, held })
        }
      } else evictAt(begins)
    }
    const until = stages[index + 1]?.begins
    for (const turn of turns) {
      const isInStage =
        (begins === undefined || compareMoments(begins, turn) < 0) &&
        (until === undefined || compareMoments(turn, until) < 0)
      if (isInStage) evictAt(turn)
    }
    evictAt(until)
  }
  return evictions
}

function limitText(brake: number, agreed: number): string {
  return agreed === 0
    ? `the brake of ${brake}`
    : `the ${agreed} agreed to and the brake of ${brake}`
}

/** Where a newer life uploads a step of the deque again, outside the deque: that makes no room for others. */
function turningPoints(all: Standing[]): Moment[] {
  const before = new Map<number, Standing>()
  return all.flatMap((standing) => {
    const { step } = standing.fact
    const isTurn = !standing.member && before.get(step)?.member
    before.set(step, standing)
    return isTurn ? [momentOfCheckpoint(standing.fact)] : []
  })
}

function isBefore(fact: CheckpointFact, moment: Moment | undefined): boolean {
  return moment === undefined || compareMoments(momentOfCheckpoint(fact), moment) < 0
}

function lifeBefore(survey: Survey, until: Moment | undefined): Life | undefined {
  return survey.lives.findLast(
    ({ begins }) => until === undefined || compareMoments(begins, until) < 0,
  )
}

/** The members outside the newest `keep` both by step within the newest life and by upload time. */
function outside(members: Standing[], keep: number, newest: Life | undefined): Standing[] {
  if (keep <= 0) return []
  const byStep = members
    .filter(({ life }) => life === newest)
    .toSorted((a, b) => b.fact.step - a.fact.step)
    .slice(0, keep)
  const byTime = members.toSorted(byUploadTime).toReversed().slice(0, keep)
  const inside = new Set([...byStep, ...byTime])
  return members.filter((member) => !inside.has(member))
}

function byNumber(a: number, b: number): number {
  return a - b
}

/** The rivals that an orderly run's deque would hold when the member at a place fell out of it. */
function newerThan(inTime: Standing[], place: number, keep: number): Rival[] {
  return inTime.slice(place + 1, place + 1 + keep).map(({ fact }) => rivalOf(fact))
}

function crowdedOut(rivals: Rival[], keep: number): string {
  const newer = rivals.map(({ step }) => step)
  return `evicted: max_keep_ckpts=${keep}, newer ${newer.join(', ')}`
}

/**
 * Uploads outside the deque. One is what a trainer resumes from while nothing newer of its life is
 * there; what an older life ended with ages out as its deque does.
 */
function strayEvictions(standings: Standing[], survey: Survey): Map<Standing, Eviction> {
  const evictions = new Map<Standing, Eviction>()
  const inTime = standings.toSorted(byUploadTime)
  const stepsOf = new Map(
    survey.lives.map((life) => [life, [...life.steps.keys()].toSorted(byNumber)]),
  )
  for (const [index, stray] of inTime.entries()) {
    if (stray.member) continue
    const options = optionsAt(survey.policy, momentOfCheckpoint(stray.fact))
    if (options.interval <= 0) continue
    const steps = stepsOf.get(stray.life) ?? []
    const newer = steps[steps.indexOf(stray.fact.step) + 1]
    const keep = optionsNow(survey.policy).maxKeepCkpts
    const evict = (why: string, rivals: Rival[]) => {
      const reason = `${strayReason(options)}, ${why}`
      evictions.set(stray, { kind: 'evicted', reason, rule: 'outside the series', rivals })
    }
    if (newer !== undefined) {
      evict(`newer ${newer}`, [stray.life.steps.get(newer) ?? []].flat().map(rivalOf))
    } else if (stray.life !== survey.lives.at(-1) && keep > 0 && inTime.length - index > keep) {
      evict(`of an earlier life, ${keep} are newer`, newerThan(inTime, index, keep))
    }
  }
  return evictions
}

function strayReason({ interval, saveBegin }: HookOptions): string {
  return `evicted: outside the series (interval=${interval}, save_begin=${saveBegin})`
}
