/** Validations as a trainer's files tell them: metric events, and MMEngine's own log. */
import { pythonJson, pythonNumber } from './schedule.ts'
import type { Deed, LifeTrace } from './trainer-trace.ts'

/** A validation of a trace. */
export type Validated = Extract<Deed, { kind: 'validation' }>

/** The text of `metrics/<any>.json`. */
export function eventText({ epoch, iter, metrics }: Validated): string {
  return `{"epoch": ${epoch}, "iter": ${iter}, "metrics": ${pythonJson(metrics)}}`
}

/** The name of the log of a life, which is a folder for each process. */
export function logName({ index }: LifeTrace): string {
  return `20260101_00000${index}/vis_data/scalars.json`
}

/**
 * The log of a life up to a validation: for each the line of the training before it and its own, whose
 * step is that of MMEngine's loop.
 */
export function logText(
  trace: LifeTrace,
  upTo: Validated,
  which: 'with' | 'before' = 'with',
): string {
  const all = trace.deeds.filter((deed): deed is Validated => deed.kind === 'validation')
  const told = all.slice(0, all.indexOf(upTo) + (which === 'with' ? 1 : 0))
  return told.map((deed) => linesOf(deed, trace)).join('')
}

function linesOf({ epoch, iter, metrics }: Validated, { told }: LifeTrace): string {
  const isByEpoch = told.loop === 'epoch'
  const of = isByEpoch ? `"epoch": ${epoch}, ` : ''
  const step = isByEpoch ? epoch : iter
  const values = metrics.map(([name, value]) => `${JSON.stringify(name)}: ${pythonNumber(value)}, `)
  return (
    `{"lr": 0.01, "loss": 1.5, ${of}"iter": ${iter}, "memory": 0, "step": ${iter}}\n` +
    `{${values.join('')}"data_time": 0.01, "time": 0.02, "step": ${step}}\n`
  )
}
