/** What either side complained of: errors that the hook raised, problems that the hub reports. */
import type { DeviationName } from './deviations.ts'
import type { HookLife } from './hook-process.ts'
import type { OurResult } from './ours.ts'
import { deviationOf, type ToldToHook } from './told-to-hook.ts'
import type { LifeTrace } from './trainer-trace.ts'
import { differ, type Verdict } from './verdict.ts'

/** What the hook raised on the schedule itself has to be foreseen, up to the life that it ended in. */
export function checkErrors(
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

/** What ended the hook's training is a problem in the hub, at the step where it is. */
export function checkComplaints(
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
