/** Trainings of a campaign: long, in order, and with everything that the hub does for one. */

import type { Chance } from '../oracle/chance.ts'
import { chanceOf } from '../oracle/chance.ts'
import type { Arguments, LifeTold, Metrics, Schedule } from '../oracle/schedule.ts'

/** So often a training ends and goes on in a second life. */
const RESUMES = 0.3
/** So often metrics come by MMEngine's own log, which grows, instead of as events. */
const LOGS = 0.2
/** A score that grows by this much a step, and wavers by more, sets a record now and then. */
const PROGRESS = 0.01
const WAVERING = 0.15

/**
 * The training of a seed and a number. Every epoch is validated, so that each is uploaded, whatever the
 * interval is.
 *
 * @param uploads how many checkpoints it uploads in all
 */
export function trainingOf(seed: number, number: number, uploads: number): Schedule {
  const chance = chanceOf(seed, number)
  const isLogged = chance.happens(LOGS)
  const named = argumentsOf(chance)
  const isResumed = uploads > 1 && chance.happens(RESUMES)
  const first = isResumed ? chance.between(1, uploads - 1) : uploads
  const lives = [lifeOf(chance, named, 0, first)]
  if (isResumed) lives.push(lifeOf(chance, named, first, uploads - first))
  return {
    seed,
    number,
    layout: 'files',
    metrics: isLogged ? 'log' : 'events',
    savesAgain: false,
    announced: true,
    ranks: 1,
    lives,
  }
}

function argumentsOf(chance: Chance): Arguments {
  const best = chance.one<Arguments>([
    { save_best: 'acc' },
    { save_best: 'acc' },
    { save_best: ['acc', 'val_loss'], rule: ['greater', 'less'] },
    { save_best: 'auto' },
    {},
  ])
  return {
    interval: chance.between(1, 4),
    max_keep_ckpts: chance.between(1, 6),
    ...best,
    ...(chance.happens(0.7) && { published_keys: ['meta', 'state_dict'] }),
    ...(chance.happens(0.3) && { save_last: false }),
  }
}

function lifeOf(chance: Chance, named: Arguments, before: number, more: number): LifeTold {
  return {
    arguments: named,
    loop: 'epoch',
    // In a log, epochs of one iteration cannot be told from iterations.
    epochLength: 2,
    more,
    validations: Array.from({ length: more }, (_, at) => [
      at + 1,
      metricsOf(chance, before + at + 1),
    ]),
    stop: null,
    killed: false,
    resume: before === 0 ? null : 'last',
  }
}

function metricsOf(chance: Chance, step: number): Metrics {
  const value = (): number => PROGRESS * step + WAVERING * chance.next()
  return [
    ['acc', value()],
    ['val_loss', 10 - value()],
  ]
}
