/** A run, with as many of its newest steps as one answer holds. */
import { useEffect, useState } from 'preact/hooks'
import type { RunAnswer } from '../../lib/query/describe-run.ts'
import { pathTo } from '../ask.ts'
import { type Live, useLive } from '../use-live.ts'

/** Steps of one answer; fewer where each has so many metrics that they are too large. */
const LIMITS = [2_000, 500, 100, 20] as const

export function useRun(run: string): Live<RunAnswer> {
  const [nth, setNth] = useState(0)
  const live = useLive<RunAnswer>(pathTo('api/run', { run, limit: LIMITS[nth] }))
  const isTooLarge = live.failure?.code === 'answer-too-large' && nth < LIMITS.length - 1
  useEffect(() => {
    if (isTooLarge) setNth(nth + 1)
  }, [isTooLarge, nth])
  return isTooLarge ? {} : live
}
