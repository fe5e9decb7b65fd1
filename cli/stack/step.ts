/** A step of a run, as people name it on the command line. */
import type { Series } from '../../lib/hook/names.ts'
import { nameOf } from '../../lib/hook/names.ts'
import type { Survey } from '../../lib/hook/survey.ts'
import { Failure } from '../failure.ts'

/** Anything that is told of a step, and the key of its checkpoint. */
export interface Stepped {
  readonly series: Series
  readonly step: number
  readonly key: string
}

/**
 * Finds what is told of a step.
 *
 * @param all of every step that has an upload
 * @param text a step of the run's own series, or the name of a checkpoint
 * @throws {Failure} `no-step` with the steps that there are
 */
export function stepNamed<Told extends Stepped>(
  all: readonly Told[],
  { naming }: Pick<Survey, 'naming'>,
  text: string,
): Told {
  const isStep = /^\d+$/.test(text)
  const found = all.filter((each) =>
    isStep ? each.step === Number(text) : nameOf(each.key) === nameOf(text),
  )
  // A number means the run's own series; the other one is asked for by name.
  const told = found.find(({ series }) => series === naming?.series) ?? found[0]
  if (told !== undefined) return told
  const steps = all.map(({ step }) => step)
  const there =
    steps.length === 0
      ? 'none yet'
      : `${steps.length}, from ${Math.min(...steps)} to ${Math.max(...steps)}`
  throw new Failure('not-found', `no checkpoint of the step ${text} was uploaded`, {
    code: 'no-step',
    advice: `Steps of this run: ${there}.`,
  })
}
