import type { DescribedBest, RunAnswer } from '../../lib/query/describe-run.ts'

/** The best of each metric as save_best names them: the first is what people look at first. */
export function bestInOrder({
  best,
  options,
}: Pick<RunAnswer, 'best' | 'options'>): DescribedBest[] {
  const { save_best: named = [] } = options as { save_best?: string[] }
  return best.toSorted((a, b) => named.indexOf(a.metric) - named.indexOf(b.metric))
}
