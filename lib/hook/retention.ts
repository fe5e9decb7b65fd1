/**
 * Retention: which checkpoints stay. This is where it is decided, and nowhere else.
 *
 * The deque counts regular steps, steps that set a record, and the last of each end. Evictable is what
 * is outside the newest `max_keep_ckpts` of it both by step within the newest life and by upload time.
 * Any other upload goes once a newer complete one of its life is there. In an orderly run this is the
 * hook's own deque; in a disorderly one it errs towards keeping.
 */
import {
  type CheckpointFact,
  compareMoments,
  type History,
  idOf,
  type Moment,
  momentOfCheckpoint,
} from './history.ts'
import { type HookOptions, isRegular } from './hook-arguments.ts'
import { type Life, stepsInOrder } from './lives.ts'
import { optionsAt, optionsNow } from './policy.ts'
import type { Survey } from './survey.ts'

/** A checkpoint that stands under its key: the newest whole upload there. */
export interface Standing {
  life: Life
  fact: CheckpointFact
  /** True where it counts in the deque. */
  member: boolean
}

/** What should be of one checkpoint, and why. */
export type Fate =
  | { kind: 'kept'; reason: string; member: boolean; restorable: boolean }
  | { kind: 'evicted'; reason: string; member: boolean }
  | { kind: 'held'; reason: string; member: boolean }
  | { kind: 'removed' | 'torn' | 'other series'; reason: string; member: boolean }

/**
 * Decides every checkpoint's fate.
 *
 * @param endLasts the checkpoints that ends of training made the last of the hook's series
 * @param uncopied checkpoints of which no copy can be made, and for what one would be
 * @param brake how many evictions a change of the options may cause at once
 * @returns fates by step id, in the order of lives and steps
 */
export function decideRetention(
  history: History,
  survey: Survey,
  endLasts: ReadonlySet<CheckpointFact['first']>,
  uncopied: ReadonlyMap<CheckpointFact['first'], string>,
  brake: number,
): Map<string, { standing: Standing; fate: Fate }> {
  const all = survey.lives.flatMap((life) => standingsInLife(life, survey, endLasts))
  const standings = latestOf(all)
  const evictions = new Map([
    ...dequeEvictions(all, survey, brake),
    ...strayEvictions(standings, survey),
  ])
  const whole = standings.filter(({ fact }) => fact.newestOfKey && !isLost(fact))
  const shield: Shield = {
    newest: newestOf(whole),
    newestLeft: newestOf(whole.filter((standing) => !isRemoved(history, standing))),
    uncopied,
  }
  return new Map(
    standings.map((standing) => {
      const fate = fateOf(history, survey, standing, evictions.get(standing), shield)
      return [idOf(standing.fact), { standing, fate }]
    }),
  )
}

/** The checkpoints that retention never deletes, whatever else it decides. */
interface Shield {
  newest: Set<Standing>
  /** The same among those that no person removed: kept if still there, and not brought back. */
  newestLeft: Set<Standing>
  /** What is wanted beyond its time and has no copy to go on with. */
  uncopied: ReadonlyMap<CheckpointFact['first'], string>
}

/** Needed again when the bucket no longer had it. */
function isLost({ versions }: CheckpointFact): boolean {
  return versions.every(({ gone }) => gone)
}

function isRemoved(history: History, { fact }: Standing): boolean {
  return history.steps.get(idOf(fact))?.removal?.key === fact.key
}

/** What stands of each step: the upload of the newest life that has it, at its place in that life. */
function latestOf(standings: Standing[]): Standing[] {
  const byStep = new Map<number, Standing>()
  for (const standing of standings) {
    // Deleted first, so that a step stands where its newest life has it.
    byStep.delete(standing.fact.step)
    byStep.set(standing.fact.step, standing)
  }
  return [...byStep.values()]
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

type Eviction = { kind: 'evicted' | 'held'; reason: string }

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
  for (const [index, { options, begins }] of stages.entries()) {
    const keep = options.maxKeepCkpts
    const outsideAt = (moment: Moment | undefined): Standing[] => {
      const standing = latestOf(all.filter(({ fact }) => isBefore(fact, moment)))
      const members = standing.filter((each) => each.member && !evictions.has(each))
      return outside(members, keep, lifeBefore(survey, moment))
    }
    const evictAt = (moment: Moment | undefined): void => {
      for (const member of outsideAt(moment)) {
        const reason = crowdedOut(inTime, places.get(member) ?? 0, keep)
        evictions.set(member, { kind: 'evicted', reason })
      }
    }
    if (begins !== undefined) {
      // What the policy before has held is decided again under this one.
      for (const [member, { kind }] of evictions) if (kind === 'held') evictions.delete(member)
      const atOnce = outsideAt(begins)
      if (atOnce.length > brake) {
        const reason = `held: max_keep_ckpts=${keep} would evict ${atOnce.length} checkpoints at once, more than the brake of ${brake}`
        for (const member of atOnce) evictions.set(member, { kind: 'held', reason })
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

function byUploadTime(a: Standing, b: Standing): number {
  return compareMoments(momentOfCheckpoint(a.fact), momentOfCheckpoint(b.fact))
}

/** Names the rivals that an orderly run's deque would hold when the member at a place fell out of it. */
function crowdedOut(inTime: Standing[], place: number, keep: number): string {
  const newer = inTime.slice(place + 1, place + 1 + keep).map(({ fact }) => fact.step)
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
    if (newer !== undefined) {
      evictions.set(stray, { kind: 'evicted', reason: `${strayReason(options)}, newer ${newer}` })
    } else if (stray.life !== survey.lives.at(-1) && keep > 0 && inTime.length - index > keep) {
      const reason = `${strayReason(options)}, of an earlier life, ${keep} are newer`
      evictions.set(stray, { kind: 'evicted', reason })
    }
  }
  return evictions
}

function strayReason({ interval, saveBegin }: HookOptions): string {
  return `evicted: outside the series (interval=${interval}, save_begin=${saveBegin})`
}

/** Never deleted: the newest by step of the newest life, and the newest of the run by upload time. */
function newestOf(live: Standing[]): Set<Standing> {
  const newestLife = Math.max(...live.map(({ life }) => life.ordinal))
  const byStep = live
    .filter(({ life }) => life.ordinal === newestLife)
    .toSorted((a, b) => a.fact.step - b.fact.step)
    .at(-1)
  const byTime = live.toSorted(byUploadTime).at(-1)
  return new Set([byStep, byTime].filter((standing) => standing !== undefined))
}

function fateOf(
  history: History,
  survey: Survey,
  standing: Standing,
  eviction: Eviction | undefined,
  shield: Shield,
): Fate {
  const { fact, member } = standing
  const facts = history.steps.get(idOf(fact))
  if (isRemoved(history, standing)) {
    return { kind: 'removed', reason: 'removed: not by the hub', member }
  }
  if (!fact.newestOfKey) {
    const top = facts?.uploads.findLast(({ key }) => key === fact.key)
    return {
      kind: 'torn',
      reason: `kept: a newer upload is not whole: ${top?.fault ?? ''}`,
      member,
    }
  }
  if (isLost(fact)) {
    const reason = 'evicted: before what keeps it was known, and its noncurrent version has expired'
    return { kind: 'evicted', reason: eviction?.reason ?? reason, member }
  }
  if (eviction === undefined)
    return { kind: 'kept', reason: keptReason(survey, standing), member, restorable: true }
  if (eviction.kind === 'held') return { ...eviction, kind: 'held', member }
  const what = shield.uncopied.get(fact.first)
  if (what !== undefined) {
    const reason = `kept: ${what}, and a directory is not copied`
    return { kind: 'kept', reason, member: false, restorable: true }
  }
  if (shield.newest.has(standing) || shield.newestLeft.has(standing)) {
    const restorable = shield.newest.has(standing)
    return { kind: 'kept', reason: 'kept: the newest that is left', member, restorable }
  }
  return { ...eviction, kind: 'evicted', member }
}

function keptReason(survey: Survey, { fact, life, member }: Standing): string {
  if (!member) return 'kept: the newest of its life'
  const options = optionsAt(survey.policy, momentOfCheckpoint(fact))
  const regular = isRegular(options, fact.step)
  const why = regular ? 'regular' : survey.walk.records.has(fact) ? 'set a record' : 'the last'
  const now = optionsNow(survey.policy).maxKeepCkpts
  if (now <= 0) return `kept: ${why}, max_keep_ckpts is unlimited`
  const newest = life === survey.lives.at(-1) ? `among the newest ${now}` : 'of an earlier life'
  return `kept: ${why}, ${newest}`
}
