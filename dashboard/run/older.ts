/** Older steps of a long run, which are asked for once and do not change any more. */
import { useState } from 'preact/hooks'
import type { Curve } from '../../lib/query/curves.ts'
import type { DescribedStep, RunAnswer } from '../../lib/query/describe-run.ts'
import { ask, pathTo } from '../ask.ts'

/** Steps that are asked for at once: few enough for any number of metrics that is known. */
const PAGE = 500

export interface Older {
  readonly pages: readonly RunAnswer[]
  readonly isAsking: boolean
  /** @param next what the page before gave */
  ask(next: string): void
}

export function useOlder(run: string): Older {
  const [pages, setPages] = useState<readonly RunAnswer[]>([])
  const [isAsking, setAsking] = useState(false)
  const get = async (next: string) => {
    setAsking(true)
    try {
      const asked = await ask<RunAnswer>(
        pathTo('api/run', { run, limit: PAGE, next }),
        new AbortController().signal,
      )
      if (asked.kind === 'answer') setPages((before) => [...before, asked.body])
    } catch {
      // The page says already that there is no connection; asking again is a click.
    } finally {
      setAsking(false)
    }
  }
  return { pages, isAsking, ask: (next) => void get(next) }
}

/** A run with the steps of older pages before its own. Of what both have, the newer answer counts. */
export function withOlder(run: RunAnswer, pages: readonly RunAnswer[]): RunAnswer {
  if (pages.length === 0) return run
  const all = [...pages.toReversed(), run]
  const steps = new Map<string, DescribedStep>()
  const curves = new Map<string, { curve: Curve; values: Map<number, Curve['values'][number]> }>()
  for (const page of all) {
    for (const step of page.steps) steps.set(`${step.series} ${step.step}`, step)
    for (const curve of page.curves) {
      const id = `${curve.series} ${curve.metric}`
      const joined = curves.get(id) ?? { curve, values: new Map() }
      for (const [at, step] of curve.steps.entries()) {
        joined.values.set(step, curve.values[at] ?? null)
      }
      curves.set(id, joined)
    }
  }
  return {
    ...run,
    steps: [...steps.values()].toSorted((a, b) =>
      a.series === b.series ? a.step - b.step : a.series < b.series ? -1 : 1,
    ),
    curves: [...curves.values()].map(({ curve, values }) => {
      const rising = [...values].toSorted(([a], [b]) => a - b)
      return {
        ...curve,
        steps: rising.map(([step]) => step),
        values: rising.map(([, value]) => value),
      }
    }),
  }
}
