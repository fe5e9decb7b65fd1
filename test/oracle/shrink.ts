/** Makes a schedule that shows a mismatch as small as it gets while it still shows it. */

import { compare } from './compare.ts'
import type { HookProcess } from './hook-process.ts'
import type { LifeTold, Schedule } from './schedule.ts'
import type { Verdict } from './verdict.ts'

const STEPS = 60

/** The smallest schedule found that still differs in something that this one differs in. */
export async function shrunk(hook: HookProcess, verdict: Verdict): Promise<Verdict> {
  const wanted = new Set(verdict.mismatches.map(({ what }) => what))
  let smallest = verdict
  for (let step = 0; step < STEPS; step++) {
    const verdicts = await compare(hook, smallerThan(smallest.schedule))
    const smaller = verdicts.find(({ mismatches }) =>
      mismatches.some(({ what }) => wanted.has(what)),
    )
    if (smaller === undefined) return smallest
    smallest = smaller
  }
  return smallest
}

/** Schedules with one thing less, the boldest first. */
function smallerThan(schedule: Schedule): Schedule[] {
  const { lives } = schedule
  const without = lives.map((_, at) => lives.toSpliced(at, 1)).filter((rest) => rest.length > 0)
  const isLogged = schedule.metrics === 'log'
  const reduced = lives.flatMap((life, at) =>
    livesBelow(life, isLogged).map((less) => lives.with(at, less)),
  )
  // A checkpoint's name and place stay over all lives.
  const mayCountEpochs = lives[0]?.loop === 'epoch' && !isLogged
  const names = ['filename_tmpl', 'out_dir', ...(mayCountEpochs ? ['by_epoch'] : [])]
  const renamed = names.map((name) => lives.map((life) => withoutArgument(life, name)))
  const isLess = renamed.filter((rest) => JSON.stringify(rest) !== JSON.stringify(lives))
  const smaller = [...without, ...isLess, ...reduced].map((rest) => ({
    ...schedule,
    lives: rest.map((life, at) => (at === 0 ? { ...life, resume: null } : life)),
  }))
  const plainer: Schedule[] = [
    ...(schedule.layout === 'files' ? [] : [{ ...schedule, layout: 'files' as const }]),
    ...(schedule.metrics === 'events' ? [] : [{ ...schedule, metrics: 'events' as const }]),
    ...(schedule.savesAgain ? [{ ...schedule, savesAgain: false }] : []),
    ...(schedule.announced ? [] : [{ ...schedule, announced: true }]),
    ...(schedule.ranks === 1 ? [] : [{ ...schedule, ranks: 1 as const }]),
  ]
  return [...plainer, ...smaller]
}

function livesBelow(life: LifeTold, isLogged: boolean): LifeTold[] {
  const { arguments: named, more, validations, stop } = life
  return [
    ...(more > 1 ? [shortened(life, Math.ceil(more / 2)), shortened(life, more - 1)] : []),
    ...(validations.length > 1 ? [{ ...life, validations: [] }] : []),
    ...(stop === null ? [] : [{ ...life, stop: null, killed: false }]),
    ...(life.killed ? [{ ...life, killed: false }] : []),
    ...(life.epochLength > 2 ? [{ ...life, epochLength: 2 }] : []),
    ...(life.epochLength > 1 && !isLogged ? [{ ...life, epochLength: 1 }] : []),
    ...validations.map((_, at) => ({ ...life, validations: validations.toSpliced(at, 1) })),
    ...Object.keys(named)
      .filter((name) => !['filename_tmpl', 'out_dir', 'by_epoch'].includes(name))
      .map((name) => withoutArgument(life, name)),
    ...validations.flatMap(([done, metrics], at) =>
      metrics.map((_, place) => ({
        ...life,
        validations: validations.with(at, [done, metrics.toSpliced(place, 1)]),
      })),
    ),
  ]
}

function withoutArgument(life: LifeTold, name: string): LifeTold {
  const { [name]: _, ...rest } = life.arguments
  return { ...life, arguments: rest }
}

function shortened(life: LifeTold, more: number): LifeTold {
  const validations = life.validations.filter(([done]) => done <= more)
  const stop = life.stop !== null && life.stop < more ? life.stop : null
  return { ...life, more, validations, stop, killed: stop !== null && life.killed }
}
