/** Random schedules: a training, one life or several, and the arguments of each. */
import { changedArguments, faultyArguments, randomArguments } from './arguments.ts'
import { type Chance, chanceOf } from './chance.ts'
import type { Arguments, Layout, LifeTold, Metrics, Schedule } from './schedule.ts'

/** Names that infer greater, less or nothing, some of them traps. */
const METRICS = [
  'acc',
  'coco/bbox_mAP',
  'loss',
  'val_loss',
  'accumulated_loss',
  'top1',
  'AR@100',
  'FID',
  'recall',
  'F1',
] as const
/** Few, so that ties are common. */
const SCORES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0, -1, 2, 1e300, 0.30000000000000004] as const
const ODD_SCORES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null] as const

/** The training's shape, which stays over all lives. */
interface Shape {
  loop: LifeTold['loop']
  epochLength: number
  metrics: string[]
  /** A validation after so many epochs or iterations; otherwise now and then. */
  period: number | undefined
  oddness: number
  /** MMEngine's log names one counter only: that of its loop, which the hook then has to count, too. */
  isLogged: boolean
}

/** The schedule of a seed and a number. */
export function scheduleOf(seed: number, number: number): Schedule {
  const chance = chanceOf(seed, number)
  const loop = chance.happens(0.6) ? 'epoch' : 'iter'
  const byEpoch = loop === 'epoch' && chance.happens(0.7)
  const isLogged = byEpoch === (loop === 'epoch') && chance.happens(0.25)
  const shape: Shape = {
    loop,
    isLogged,
    // In a log, epochs of one iteration cannot be told from iterations.
    epochLength: chance.between(isLogged ? 2 : 1, 4),
    metrics: chance.shuffled(METRICS).slice(0, chance.between(1, 4)),
    period: chance.happens(0.5) ? chance.between(1, 3) : undefined,
    oddness: chance.happens(0.3) ? 0.3 : 0.03,
  }
  const first = randomArguments(chance, byEpoch, shape.metrics)
  const lives = [lifeOf(chance, shape, first, null)]
  const count = chance.happens(0.35) ? chance.between(2, 3) : 1
  while (lives.length < count) {
    const before = lives.at(-1)?.arguments ?? first
    const named = chance.happens(0.5)
      ? { ...before }
      : changedArguments(chance, before, byEpoch, shape.metrics)
    lives.push(lifeOf(chance, shape, named, resumeOf(chance)))
  }
  const layout = layoutOf(chance)
  const ranks = chance.happens(0.1) ? 2 : 1
  const faulty = chance.happens(0.2) ? chance.between(0, lives.length - 1) : -1
  return {
    seed,
    number,
    layout,
    metrics: shape.isLogged ? 'log' : 'events',
    savesAgain: chance.happens(0.4),
    announced: chance.happens(0.4),
    ranks,
    lives: lives.map((life, at) =>
      at === faulty ? { ...life, arguments: faultyArguments(chance, life.arguments) } : life,
    ),
  }
}

function layoutOf(chance: Chance): Layout {
  if (chance.happens(0.75)) return 'files'
  return chance.one(['directories', 'even steps'])
}

function resumeOf(chance: Chance): LifeTold['resume'] {
  if (chance.happens(0.7)) return 'last'
  return chance.happens(0.7) ? { back: chance.between(1, 3) } : 'fresh'
}

function lifeOf(
  chance: Chance,
  shape: Shape,
  named: Arguments,
  resume: LifeTold['resume'],
): LifeTold {
  const more = shape.loop === 'epoch' ? chance.between(1, 8) : chance.between(2, 14)
  const stops = more > 1 && chance.happens(0.25)
  const validations: LifeTold['validations'] = []
  for (let done = 1; done <= more; done++) {
    const isDue =
      shape.period === undefined ? chance.happens(0.5) : done % shape.period === 0 || done === more
    if (isDue) validations.push([done, metricsOf(chance, shape)])
  }
  return {
    arguments: named,
    loop: shape.loop,
    epochLength: shape.epochLength,
    more,
    validations,
    stop: stops ? chance.between(1, more - 1) : null,
    killed: stops && chance.happens(0.5),
    resume,
  }
}

function metricsOf(chance: Chance, { metrics, oddness, isLogged }: Shape): Metrics {
  if (chance.happens(0.05)) return []
  const missing = chance.happens(0.04) ? chance.between(0, metrics.length - 1) : -1
  const found: Metrics = metrics
    .filter((_, at) => at !== missing)
    .map((name) => [name, chance.happens(oddness) ? chance.one(ODD_SCORES) : chance.one(SCORES)])
  // A log has one of its own.
  if (!isLogged && chance.happens(0.05)) found.push(['time', chance.next()])
  return found
}
