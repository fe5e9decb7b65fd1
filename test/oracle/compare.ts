/** The comparison: one schedule through MMEngine's hook and through the hub, and what differs. */
import { chanceOf } from './chance.ts'
import type { DeviationName } from './deviations.ts'
import { deviationsOf, expectationOf, recollectionsFor } from './expectation.ts'
import type { HookLife, HookProcess, HookResult } from './hook-process.ts'
import { factsOf, inDisorder, inOrder, type Left, type OurResult } from './ours.ts'
import { refusalsOf } from './refused-arguments.ts'
import { canonical, type Recollection, type Schedule } from './schedule.ts'
import { deviationOf, type ToldToHook, toldToHook } from './told-to-hook.ts'
import { type LifeTrace, traceOf } from './trainer-trace.ts'
import { type World, worldOf } from './world.ts'

/** Something that differs. */
export interface Mismatch {
  what: string
  expected: unknown
  found: unknown
}

/** What came of one schedule. */
export interface Verdict {
  schedule: Schedule
  mismatches: Mismatch[]
  /** Each deviation that made a difference, once. */
  applied: Set<DeviationName>
  /** What of a trainer's world was in it, beside the arguments. */
  met: World[]
}

/** A schedule that MMEngine's hook has run, and what the hub is to leave of it. */
export interface Foreseen {
  verdict: Verdict
  told: ToldToHook
  traces: LifeTrace[]
  left: Left
}

/** A schedule on its way through the hook. */
interface Case {
  verdict: Verdict
  told: ToldToHook
  recollections: Recollection[]
  /** Of the latest run; nothing where what the hook is told is to be run yet. */
  result: HookResult | undefined
  traces: LifeTrace[]
}

/** Each round may change where a resume begins; more than these were never needed. */
const ROUNDS = 5

/** Runs schedules through both sides. */
export async function compare(
  hook: HookProcess,
  schedules: readonly Schedule[],
  traced = false,
): Promise<Verdict[]> {
  const all = await foresee(hook, schedules, traced)
  for (const each of all) judge(each)
  return all.map(({ verdict }) => verdict)
}

/** Runs schedules through MMEngine's hook alone. */
export async function foresee(
  hook: HookProcess,
  schedules: readonly Schedule[],
  traced = false,
): Promise<Foreseen[]> {
  const raw = await hook.run(
    schedules.map((schedule) => ({ schedule, recollections: [] })),
    traced,
  )
  const cases = schedules.flatMap((schedule, at) => {
    const result = raw[at]
    return result === undefined ? [] : [caseOf(schedule, result)]
  })
  await settleRecollections(hook, cases)
  return cases.map(foreseen)
}

function caseOf(schedule: Schedule, raw: HookResult): Case {
  const verdict: Verdict = { schedule, mismatches: [], applied: new Set(), met: [] }
  const refused = schedule.lives.map((life, at) => {
    const { expected, found, silent, applied } = refusalsOf(
      life.arguments,
      raw.lives[at]?.refused ?? [],
    )
    for (const each of applied) verdict.applied.add(each)
    differ(verdict, `arguments refused in life ${at}`, expected, found)
    differ(verdict, `refusals without a reason in life ${at}`, [], silent)
    return expected.length > 0 || found.length > 0
  })
  const told = toldToHook(schedule, (life) => refused[life] ?? false)
  for (const each of told.applied) verdict.applied.add(each)
  checkErrors(verdict, raw.lives, told, refused)
  const result = isTheSame(told.schedule, schedule) ? raw : undefined
  return { verdict, told, recollections: [], result, traces: [] }
}

function isTheSame(told: Schedule, given: Schedule): boolean {
  const livesOf = ({ lives }: Schedule) =>
    lives.map((life) => ({
      ...life,
      validations: life.validations.filter(([done]) => done <= (life.stop ?? life.more)),
    }))
  return canonical(livesOf(told)) === canonical(livesOf(given))
}

/** What the hook raised on the schedule itself has to be foreseen, up to the life that it ended in. */
function checkErrors(
  verdict: Verdict,
  lives: HookLife[],
  told: ToldToHook,
  refused: boolean[],
): void {
  for (const [at, { error, saved }] of lives.entries()) {
    if (refused[at] || error?.at === 'construction') return
    const troubles: DeviationName[] = told.troubles
      .filter(({ life }) => life === at)
      .map(({ deviation }) => deviation)
    const [first] = troubles
    const isUnknown = told.unknown.has(at)
    const found = error === null ? undefined : (deviationOf(error) ?? error)
    // In later lives a resumed hook may read `auto` in another way, or forget.
    const isFirst = at === 0 && !isUnknown
    if (found === 'file_client_args removes no directory') verdict.applied.add(found)
    else if (isFirst && first !== undefined) differ(verdict, 'error of the hook', first, found)
    else if (found === 'unset best is not published') verdict.applied.add(found)
    else if (found === 'directories are not published') verdict.applied.add(found)
    else if (found === 'unknown arguments') differ(verdict, 'unknown arguments', true, isUnknown)
    else if (typeof found === 'object' || (isFirst && found !== undefined)) {
      differ(verdict, `error of the hook in life ${at}`, undefined, found)
    }
    if (isUnknown && saved.length > 0) differ(verdict, 'unknown arguments', found, undefined)
    if (error !== null) return
  }
}

/** Runs again what the hook is to be told otherwise, until it is told all that it needs to be. */
async function settleRecollections(hook: HookProcess, cases: Case[]): Promise<void> {
  let again = cases
  for (let round = 0; round < ROUNDS && again.length > 0; round++) {
    const stale = again.filter(({ result }) => round > 0 || result === undefined)
    const asked = stale.map(({ told, recollections }) => ({
      schedule: told.schedule,
      recollections,
    }))
    const results = await hook.run(asked, false)
    for (const [at, each] of stale.entries()) {
      const result = results[at]
      if (round > 0 && canonical(result) !== canonical(each.result)) {
        for (const name of deviationsOf(each.recollections)) each.verdict.applied.add(name)
      }
      each.result = result
    }
    const unsettled: Case[] = []
    for (const each of again) {
      each.traces = tracesOf(each)
      const needed = recollectionsFor(each.traces).filter(
        (one) => !each.recollections.includes(one),
      )
      if (needed.length === 0) continue
      each.recollections.push(...needed)
      unsettled.push(each)
    }
    again = unsettled
  }
}

function tracesOf({ told, result, verdict }: Case): LifeTrace[] {
  return told.places.flatMap((place, at) => {
    const life = verdict.schedule.lives[place]
    const hook = result?.lives[at]
    if (life === undefined || hook === undefined) return []
    return [traceOf(place, life, verdict.schedule, hook)]
  })
}

function foreseen({ verdict, told, recollections, result, traces }: Case): Foreseen {
  const { schedule } = verdict
  verdict.met = worldOf(schedule, traces)
  if (result === undefined) throw new Error(`schedule ${schedule.number} was not run`)
  for (const { hook } of traces) differ(verdict, 'error of the hook as told', null, hook.error)
  const { left, applied, modelFault } = expectationOf(result, traces, recollections)
  for (const each of applied) verdict.applied.add(each)
  differ(verdict, 'the model of overlapping lives', undefined, modelFault)
  differ(verdict, 'what rank 1 did', [], result.of_rank_1)
  return { verdict, told, traces, left }
}

function judge({ verdict, told, traces, left }: Foreseen): void {
  const { schedule } = verdict
  const run = factsOf(schedule, traces)
  const ours = inOrder(run)
  differInLeft(verdict, left, ours.left)
  checkComplaints(verdict, told, traces, ours)

  const late = inDisorder(run, chanceOf(schedule.seed, ~schedule.number))
  differ(verdict, 'the same facts shuffled and doubled', ours.left, late.left)
  differ(verdict, 'the rest with the facts shuffled and doubled', ours.rest, late.rest)
}

/** What ended the hook's training is a problem in the hub, at the step where it is. */
function checkComplaints(
  verdict: Verdict,
  told: ToldToHook,
  traces: LifeTrace[],
  ours: OurResult,
): void {
  const expected = told.troubles.flatMap(({ life, done, deviation, metric }) => {
    const trace = traces.find(({ index }) => index === life)
    const place = trace?.told.validations.findIndex(([at]) => at === done) ?? -1
    const deed = trace?.deeds.filter(({ kind }) => kind === 'validation')[place]
    const field = deviation === 'missing metric' ? 'save_best' : 'rule'
    return deed === undefined ? [] : [`${deed.step} ${field} ${metric ?? ''}`]
  })
  const found = ours.complaints
    .filter(({ reason }) => !reason.includes('infers "greater"'))
    .map(({ step, field, reason }) => {
      const metric = field === 'save_best' ? /have no "([^"]*)"/.exec(reason)?.[1] : ''
      return `${step} ${field} ${metric ?? ''}`
    })
  differ(verdict, 'problems', expected.toSorted(), found.toSorted())
  const newest = traces.at(-1)
  const isRefusedLater = newest?.index !== verdict.schedule.lives.length - 1
  const unknown = isRefusedLater ? [] : (told.unknown.get(newest.index) ?? [])
  const unsaid = unknown.filter((name) => !ours.warnings.includes(name))
  differ(verdict, 'unknown arguments that are not reported', [], unsaid)
}

/** Compares what was to be left with what is. */
export function differInLeft(verdict: Verdict, expected: Left, found: Left): void {
  for (const key of ['checkpoints', 'best', 'published', 'last_checkpoint'] as const) {
    differ(verdict, key, expected[key], found[key])
  }
  const info = [expected.runtime_info, found.runtime_info]
  for (const key of new Set(info.flatMap(Object.keys))) {
    differ(verdict, `runtime_info.${key}`, info[0]?.[key], info[1]?.[key])
  }
}

/** Notes what differs. */
export function differ(
  { mismatches }: Verdict,
  what: string,
  expected: unknown,
  found: unknown,
): void {
  if (canonical(expected) !== canonical(found)) mismatches.push({ what, expected, found })
}
