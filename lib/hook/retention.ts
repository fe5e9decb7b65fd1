/**
 * Retention: which checkpoints stay. This is where it is decided, and nowhere else.
 *
 * The deque counts regular steps, steps that set a record, and the last of each end. Evictable is what
 * is outside the newest `max_keep_ckpts` of it both by step within the newest life and by upload time.
 * Any other upload goes once a newer complete one of its life is there. In an orderly run this is the
 * hook's own deque; in a disorderly one it errs towards keeping.
 */
import { type Eviction, evictionsOf, type Held, type Rival } from './evictions.ts'
import {
  type CheckpointFact,
  compareMoments,
  type History,
  idOf,
  momentOf,
  momentOfCheckpoint,
  type PinFact,
} from './history.ts'
import { isRegular } from './hook-arguments.ts'
import { isDirectory, nameOf } from './names.ts'
import { pinnedText, pinsOf } from './pins.ts'
import { optionsAt, optionsNow } from './policy.ts'
import { byUploadTime, latestOf, type Standing, standingsOf } from './standing.ts'
import { unsavedKeys } from './stripping.ts'
import type { Survey } from './survey.ts'

/** What should be of one checkpoint, and why: by which rule, and in words. */
export type Fate =
  | { kind: 'kept'; rule: KeepRule; reason: string; member: boolean; restorable: boolean }
  | {
      kind: 'evicted'
      rule: Eviction['rule'] | 'expired'
      reason: string
      member: boolean
      /** The checkpoints that took its place. */
      rivals: readonly Rival[]
    }
  | {
      kind: 'held'
      rule: Eviction['rule']
      reason: string
      member: boolean
      rivals: readonly Rival[]
      held: Held
    }
  | { kind: 'removed' | 'torn' | 'other series'; reason: string; member: boolean }

/** Whether a checkpoint stays where it is: kept, or held by the brake. */
export function stays(fate: Fate | undefined): boolean {
  return fate?.kind === 'kept' || fate?.kind === 'held'
}

/** What keeps a checkpoint: its place in the deque, or that retention never deletes such a one. */
export type KeepRule =
  | 'regular'
  | 'record'
  | 'end of training'
  | 'newest of its life'
  | 'newest'
  | 'resumed from'
  | 'not copied'
  | 'pinned'

/**
 * Decides every checkpoint's fate.
 *
 * @param endLasts the checkpoints that ends of training made the last of the hook's series
 * @param uncopied checkpoints of which no copy can be made, and for what one would be
 * @param brake how many evictions a change of the options may cause at once
 * @returns fates by step id, in the order of lives and steps, each with the top-level keys that the
 *   stored checkpoint is to be without
 */
export function decideRetention(
  history: History,
  survey: Survey,
  endLasts: ReadonlySet<CheckpointFact['first']>,
  uncopied: ReadonlyMap<CheckpointFact['first'], string>,
  brake: number,
): Map<string, { standing: Standing; fate: Fate; droppedKeys: readonly string[] }> {
  const all = standingsOf(survey, endLasts)
  const standings = latestOf(all)
  const evictions = evictionsOf(all, survey, brake)
  const whole = standings.filter(({ fact }) => fact.newestOfKey && !isLost(fact))
  const shield: Shield = {
    newest: newestOf(whole),
    newestLeft: newestOf(whole.filter((standing) => !isRemoved(history, standing))),
    uncopied,
    pins: pinsOf(history),
    resumedFrom: resumedFrom(history),
  }
  return new Map(
    standings.map((standing) => {
      const fate = fateOf(history, survey, standing, evictions.get(standing), shield)
      const droppedKeys = isResumable(standing, shield) ? [] : unsavedByNow(survey, standing)
      return [idOf(standing.fact), { standing, fate, droppedKeys }]
    }),
  )
}

/** The checkpoints that retention never deletes, whatever else it decides. */
interface Shield {
  newest: ReadonlySet<Standing | undefined>
  /** The same among those that no person removed: kept if still there, and not brought back. */
  newestLeft: ReadonlySet<Standing | undefined>
  /** What is wanted beyond its time and has no copy to go on with. */
  uncopied: ReadonlyMap<CheckpointFact['first'], string>
  /** By the name of the checkpoint. */
  pins: ReadonlyMap<string, PinFact>
  /** The name of the checkpoint that the newest life says it resumed from. */
  resumedFrom: string | undefined
}

/** A trainer that has just resumed would resume from the same checkpoint again if it crashed now. */
function resumedFrom(history: History): string | undefined {
  const newest = history.begins
    .filter(({ fault }) => fault === undefined)
    .toSorted((a, b) => compareMoments(momentOf('begin', a), momentOf('begin', b)))
    .at(-1)
  return newest?.resumeFrom === undefined ? undefined : nameOf(newest.resumeFrom)
}

/** What is pinned, or a trainer may resume from, keeps its optimizer, whatever the options say. */
function isResumable(
  standing: Standing,
  { newest, newestLeft, pins, resumedFrom }: Shield,
): boolean {
  const name = nameOf(standing.fact.key)
  return newest.has(standing) || newestLeft.has(standing) || pins.has(name) || name === resumedFrom
}

/** By the options under which it was uploaded, as the hook would have saved it. */
function unsavedByNow({ policy }: Survey, { fact }: Standing): readonly string[] {
  return unsavedKeys(optionsAt(policy, momentOfCheckpoint(fact)))
}

/** Needed again when the bucket no longer had it. */
function isLost({ versions }: CheckpointFact): boolean {
  return versions.every(({ gone }) => gone)
}

function isRemoved(history: History, { fact }: Standing): boolean {
  return history.steps.get(idOf(fact))?.removal?.key === fact.key
}

/**
 * Never deleted: the newest by step of the newest life, and the newest of the run by upload time.
 *
 * @param live in the order of lives and steps
 */
function newestOf(live: Standing[]): ReadonlySet<Standing | undefined> {
  return new Set([live.at(-1), live.toSorted(byUploadTime).at(-1)])
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
    const lost = isDirectory(fact.key)
      ? 'files of it have expired or were overwritten'
      : 'its noncurrent version has expired'
    const reason = `evicted: before what keeps it was known, and ${lost}`
    const { rule, rivals } = eviction ?? { rule: 'expired', rivals: [] }
    return { kind: 'evicted', rule, reason: eviction?.reason ?? reason, member, rivals }
  }
  const pin = shield.pins.get(nameOf(fact.key))
  if (pin !== undefined) {
    const reason = `kept: ${pinnedText(pin)}`
    const isMember = member && eviction === undefined
    return { kind: 'kept', rule: 'pinned', reason, member: isMember, restorable: true }
  }
  if (eviction === undefined) {
    const rule = keepRule(survey, standing)
    const reason = keptReason(survey, standing, rule)
    return { kind: 'kept', rule, reason, member, restorable: true }
  }
  if (eviction.kind === 'held') return { ...eviction, kind: 'held', member }
  const what = shield.uncopied.get(fact.first)
  if (what !== undefined) {
    const reason = `kept: ${what}, and a directory is not copied`
    return { kind: 'kept', rule: 'not copied', reason, member: false, restorable: true }
  }
  if (nameOf(fact.key) === shield.resumedFrom) {
    return {
      kind: 'kept',
      rule: 'resumed from',
      reason: 'kept: the trainer resumed from it',
      member: false,
      restorable: true,
    }
  }
  if (shield.newest.has(standing) || shield.newestLeft.has(standing)) {
    const restorable = shield.newest.has(standing)
    const reason = 'kept: the newest that is left'
    return { kind: 'kept', rule: 'newest', reason, member, restorable }
  }
  return { ...eviction, kind: 'evicted', member }
}

function keepRule({ policy, walk }: Survey, { fact, member }: Standing): KeepRule {
  if (!member) return 'newest of its life'
  if (isRegular(optionsAt(policy, momentOfCheckpoint(fact)), fact.step)) return 'regular'
  return walk.records.has(fact) ? 'record' : 'end of training'
}

/** How a reason says why a checkpoint is in the deque. */
const MEMBER_WORDS: Partial<Record<KeepRule, string>> = {
  regular: 'regular',
  record: 'set a record',
  'end of training': 'the last',
}

function keptReason(survey: Survey, { life }: Standing, rule: KeepRule): string {
  const why = MEMBER_WORDS[rule]
  if (why === undefined) return `kept: the ${rule}`
  const now = optionsNow(survey.policy).maxKeepCkpts
  if (now <= 0) return `kept: ${why}, max_keep_ckpts is unlimited`
  const newest = life === survey.lives.at(-1) ? `among the newest ${now}` : 'of an earlier life'
  return `kept: ${why}, ${newest}`
}
