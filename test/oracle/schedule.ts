/** A schedule: arguments of the hook and a training, as both sides are told it. */

/** A value of `checkpoint_hook.json`. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** Arguments of the hook by its own names, valid or not. */
export type Arguments = Record<string, Json>

/** Metrics of one validation in their order; `null` is Python's `None`. */
export type Metrics = [name: string, value: number | null][]

/** One process of a trainer. */
export interface LifeTold {
  arguments: Arguments
  /** MMEngine's loop: by epoch, of `epochLength` iterations each, or by iteration. */
  loop: 'epoch' | 'iter'
  epochLength: number
  /** How many epochs or iterations it is to do, from where it begins. */
  more: number
  /** Validations by how many epochs or iterations this life has done. */
  validations: [done: number, metrics: Metrics][]
  /** After so many epochs or iterations it stops early. */
  stop: number | null
  /** Whether it stops for being killed, so that training does not end. */
  killed: boolean
  /** What it resumes from: nothing, the last checkpoint, or one further back of those that are left. */
  resume: 'fresh' | 'last' | { back: number } | null
}

/**
 * What the hook is told beyond MMEngine's own way, for a deviation: at a resume the best of the whole run,
 * or the steps of all its checkpoints; before it publishes, which bests were never set, and which
 * checkpoints are directories.
 */
export type Recollection = 'best' | 'ids' | 'unset' | 'directories'

/** Which checkpoints are directories, by their step: a strategy such as DeepSpeed's saves those. */
export type Layout = 'files' | 'directories' | 'even steps'

/** A run: one life after the other under the same prefix. */
export interface Schedule {
  /** Replays it, together with the number of the schedule. */
  seed: number
  number: number
  layout: Layout
  /** How validations come to the bucket: one event each, or as MMEngine's own log that grows. */
  metrics: 'events' | 'log'
  /** Whether a step that the hook saves again after it set a record is uploaded again. */
  savesAgain: boolean
  /** Whether each life says that it begins; else only those do that nobody could tell otherwise. */
  announced: boolean
  /** With two, each life also runs as rank 1, which has to leave everything alone. */
  ranks: 1 | 2
  lives: LifeTold[]
}

/** Metrics as Python writes them: bare `NaN` and `Infinity`. */
export function pythonJson(metrics: Metrics): string {
  const members = metrics.map(([name, value]) => `${JSON.stringify(name)}: ${pythonNumber(value)}`)
  return `{${members.join(', ')}}`
}

/** A number as Python's `json` writes it. */
export function pythonNumber(value: number | null): string {
  if (value === null) return 'null'
  return Number.isFinite(value) ? JSON.stringify(value) : String(value)
}

/** A schedule as the hook's process reads it. */
export function wireText(
  schedule: Schedule,
  recollections: readonly Recollection[],
  traced: boolean,
  probe: (named: Arguments) => Arguments = (named) => named,
): string {
  const lives = schedule.lives.map((life) => ({
    ...life,
    probe: probe(life.arguments),
    validations: life.validations.map(([done, metrics]) => [done, pythonJson(metrics)]),
    remember: recollections,
  }))
  const { number: id, layout, ranks } = schedule
  return JSON.stringify({ id, traced, layout, ranks, lives })
}

/** Whether the checkpoint of a step is a directory. */
export function isDirectoryAt(layout: Layout, step: number): boolean {
  return layout === 'directories' || (layout === 'even steps' && step % 2 === 0)
}

/** Whether the hook counts epochs in this life. */
export function isByEpoch(life: LifeTold): boolean {
  return (life.arguments['by_epoch'] ?? true) === true
}

/** A text that is the same for the same value; numbers that JSON does not know count, -0 is 0. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'number') return String(each + 0)
    return each === undefined ? 'undefined' : each
  })
}
