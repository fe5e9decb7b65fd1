/** Curves as a chart draws them: numbers over numbers, with gaps where there is none. */
import type { Curve, CurveValue } from '../../lib/query/curves.ts'
import type { DescribedBest, DescribedStep } from '../../lib/query/describe-run.ts'

/** A number that can be drawn; `null` is a gap. */
export type Drawn = number | null

export function drawn(value: CurveValue | undefined): Drawn {
  return typeof value === 'number' ? value : null
}

/** Curves over the steps that any of them has. */
export function aligned(curves: readonly Pick<Curve, 'steps' | 'values'>[]): {
  steps: number[]
  values: Drawn[][]
} {
  const steps = [...new Set(curves.flatMap(({ steps }) => steps))].toSorted((a, b) => a - b)
  const positions = new Map(steps.map((step, at) => [step, at]))
  const values = curves.map((curve) => {
    const line: Drawn[] = new Array(steps.length).fill(null)
    for (const [at, step] of curve.steps.entries()) {
      line[positions.get(step) ?? 0] = drawn(curve.values[at])
    }
    return line
  })
  return { steps, values }
}

/**
 * Steps at which a tracked metric was better than ever before.
 *
 * @param steps those that set a record by any metric count
 */
export function recordSteps(
  curve: Curve,
  best: DescribedBest | undefined,
  steps: readonly DescribedStep[],
): Set<number> {
  const records = new Set<number>()
  if (best === undefined) return records
  const candidates = new Set(
    steps.filter((each) => each.set_record && each.series === curve.series).map(({ step }) => step),
  )
  let sofar: number | undefined
  for (const [at, step] of curve.steps.entries()) {
    const value = drawn(curve.values[at])
    if (value === null || !candidates.has(step)) continue
    const isBetter =
      sofar === undefined || (best.rule === 'greater' ? value > sofar : value < sofar)
    if (!isBetter) continue
    sofar = value
    records.add(step)
  }
  return records
}
