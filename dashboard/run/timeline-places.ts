/** Where the checkpoints of a timeline stand. */
import type { DescribedStep } from '../../lib/query/describe-run.ts'

export interface Placed {
  readonly step: DescribedStep
  /** The middle of its mark, in pixels from the left. */
  readonly x: number
  /** Pixels. */
  readonly wide: number
  readonly mark: 'kept' | 'evicted' | 'other'
  readonly isBest: boolean
}

const WIDEST = 10
const NARROWEST = 1.5
/** Marks at the edges, and rings above them, are seen whole. */
const MARGIN = 8
const STAYS = ['kept', 'held']

/**
 * Steps along a line.
 *
 * @param steps rising
 * @param width of the line, in pixels
 */
export function placed(
  steps: readonly DescribedStep[],
  best: ReadonlySet<string>,
  width: number,
): Placed[] {
  const [first, last] = [steps[0]?.step ?? 0, steps.at(-1)?.step ?? 0]
  const room = Math.max(0, width - 2 * MARGIN)
  const perStep = room / Math.max(1, last - first)
  const share = room / Math.max(1, steps.length - 1)
  const wide = Math.min(WIDEST, Math.max(NARROWEST, share * 0.6))
  return steps.map((step) => ({
    step,
    x: MARGIN + (first === last ? 0 : (step.step - first) * perStep),
    wide,
    mark: STAYS.includes(step.fate) ? 'kept' : step.fate === 'evicted' ? 'evicted' : 'other',
    isBest: best.has(step.key),
  }))
}

/** The position of the checkpoint that is nearest to a place; nothing where there is none. */
export function nearest(places: readonly Placed[], x: number): number | undefined {
  let found: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (const [index, place] of places.entries()) {
    const far = Math.abs(place.x - x)
    if (far < least) {
      least = far
      found = index
    }
  }
  return found
}

/** One of a list, or the one at the end that was passed. */
export function at<T>(list: readonly T[], index: number): T | undefined {
  return list[Math.min(list.length - 1, Math.max(0, index))]
}
