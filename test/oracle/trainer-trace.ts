/** What a trainer uploads in one life: the loop of MMEngine, seen from the bucket. */
import type { HookLife } from './hook-process.ts'
import { isByEpoch, type Layout, type LifeTold, type Metrics, type Schedule } from './schedule.ts'

/** What a trainer does that the bucket sees, in its order. */
export type Deed =
  | { kind: 'upload'; step: number }
  | { kind: 'validation'; step: number; epoch: number; iter: number; metrics: Metrics }
  | { kind: 'end'; step: number }

/** A life that took place, with what happened in it. */
export interface LifeTrace {
  /** Its place in the schedule. */
  index: number
  told: LifeTold
  layout: Layout
  resumedFrom: string | null
  deeds: Deed[]
  /** Steps of its uploads in their order. */
  steps: number[]
  /** What MMEngine's hook did meanwhile. */
  hook: HookLife
}

/** The numbers of the hook's arguments that decide which steps are saved. */
export interface Saving {
  interval: number
  saveBegin: number
  saveLast: boolean
  keep: number
}

/** Reads valid arguments. */
export function savingOf(named: LifeTold['arguments']): Saving {
  const numberOf = (value: unknown, otherwise: number) =>
    typeof value === 'number' ? value : otherwise
  return {
    interval: numberOf(named['interval'], -1),
    saveBegin: numberOf(named['save_begin'], 0),
    saveLast: named['save_last'] !== false,
    keep: numberOf(named['max_keep_ckpts'], -1),
  }
}

/** Whether training came to its end. */
export function isEnded({ deeds }: LifeTrace): boolean {
  return deeds.at(-1)?.kind === 'end'
}

/** Whether the hook saves a step for its number alone. */
export function isDue({ interval, saveBegin }: Saving, step: number): boolean {
  return interval > 0 && step >= saveBegin && (step - saveBegin) % interval === 0
}

/** What an end of training names as the last: in every other schedule, where the last is saved. */
export function lastNamedBy({ number }: Schedule, { told, steps }: LifeTrace): number | undefined {
  return number % 2 === 0 && savingOf(told.arguments).saveLast ? steps.at(-1) : undefined
}

/**
 * Whether a trainer has to say that a life begins: not where its first two uploads save steps of the life
 * before again.
 */
export function isToBeAnnounced(
  { announced }: Schedule,
  life: LifeTrace,
  traces: readonly LifeTrace[],
): boolean {
  const before = traces[traces.indexOf(life) - 1]
  const [first, second] = life.steps
  if (announced || before === undefined || first === undefined || second === undefined) return true
  return !before.steps.includes(first) || !before.steps.includes(second)
}

/** Goes through a life: uploads every regular and every validated step, and the last where that is saved. */
export function traceOf(
  index: number,
  told: LifeTold,
  { layout, savesAgain }: Pick<Schedule, 'layout' | 'savesAgain'>,
  hook: HookLife,
): LifeTrace {
  const saving = savingOf(told.arguments)
  const byEpoch = isByEpoch(told)
  const deeds: Deed[] = []
  const steps: number[] = []
  const upload = (step: number): void => {
    if (steps.at(-1) === step) return
    steps.push(step)
    deeds.push({ kind: 'upload', step })
  }
  let { epoch, iter } = hook.start
  const first = told.loop === 'epoch' ? epoch : iter
  const maxEpochs = told.loop === 'epoch' ? first + told.more : 1
  const maxIters = told.loop === 'epoch' ? maxEpochs * told.epochLength : first + told.more
  const iterate = (): void => {
    iter += 1
    const isLast = saving.saveLast && iter === maxIters
    if (!byEpoch && (isDue(saving, iter) || isLast)) upload(iter)
  }
  for (let done = 1; done <= told.more; done++) {
    if (told.loop === 'iter') iterate()
    else {
      while (iter < (epoch + 1) * told.epochLength) iterate()
      epoch += 1
      const isLast = saving.saveLast && epoch === maxEpochs
      if (byEpoch && (isDue(saving, epoch) || isLast)) upload(epoch)
    }
    const step = byEpoch ? epoch : iter
    const metrics = told.validations.find(([at]) => at === done)?.[1]
    if (metrics !== undefined) {
      upload(step)
      deeds.push({ kind: 'validation', step, epoch, iter, metrics })
      if (savesAgain && hook.saved_again.includes(step)) deeds.push({ kind: 'upload', step })
    }
    if (told.stop !== null && done >= told.stop) {
      if (saving.saveLast && !told.killed) upload(step)
      break
    }
  }
  if (told.stop === null || !told.killed) deeds.push({ kind: 'end', step: steps.at(-1) ?? 0 })
  return { index, told, layout, resumedFrom: hook.start.resumed_from, deeds, steps, hook }
}
