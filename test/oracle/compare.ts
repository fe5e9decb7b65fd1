/** The comparison: one schedule through MMEngine's hook and through the hub, and what differs. */
import { chanceOf } from './chance.ts'
import { checkComplaints, checkErrors } from './complaints.ts'
import { deviationsOf, expectationOf, recollectionsFor } from './expectation.ts'
import type { HookProcess, HookResult } from './hook-process.ts'
import { factsOf, inDisorder, inOrder, type Left, optionsOf } from './ours.ts'
import { refusalsOf } from './refused-arguments.ts'
import { canonical, type Recollection, type Schedule } from './schedule.ts'
import { type ToldToHook, toldToHook } from './told-to-hook.ts'
import { type LifeTrace, traceOf } from './trainer-trace.ts'
import { differ, differInLeft, type Verdict } from './verdict.ts'
import { worldOf } from './world.ts'

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
  // Arguments that were refused leave those before them in force.
  const inForce = optionsOf(traces.at(-1)?.told.arguments ?? {})
  differ(verdict, 'options in force', inForce, ours.options)

  const late = inDisorder(run, chanceOf(schedule.seed, ~schedule.number))
  differ(verdict, 'the same facts shuffled and doubled', ours.left, late.left)
  differ(verdict, 'the rest with the facts shuffled and doubled', ours.rest, late.rest)
}
