/** Which of a run's two counters its curves are drawn over. */
import type { Series } from '../../lib/hook/names.ts'
import type { Curve } from '../../lib/query/curves.ts'
import type { RunAnswer } from '../../lib/query/describe-run.ts'

/** That of the run's checkpoints, or of its first curve. */
export function counterOf({ options, curves }: Pick<RunAnswer, 'options' | 'curves'>): Series {
  const byEpoch = options['by_epoch']
  if (typeof byEpoch === 'boolean') return byEpoch ? 'epoch' : 'iter'
  return curves[0]?.series ?? 'epoch'
}

/** The curve of a metric over a counter, or over the other one where it was told under that alone. */
export function curveOf(curves: readonly Curve[], metric: string, over: Series): Curve | undefined {
  const found = curves.filter((curve) => curve.metric === metric)
  return found.find(({ series }) => series === over) ?? found[0]
}
