/** The curves of a run: one chart for each metric that is chosen. */
import { useMemo, useState } from 'preact/hooks'
import { printable } from '../../cli/output/printable.ts'
import type { Series } from '../../lib/hook/names.ts'
import type { Curve } from '../../lib/query/curves.ts'
import type { DescribedBest, RunAnswer } from '../../lib/query/describe-run.ts'
import { Chart } from '../chart/chart.tsx'
import { counterOf, curveOf } from '../chart/counter.ts'
import { drawn, recordSteps } from '../chart/points.ts'
import { ValuesTable } from '../chart/values-table.tsx'
import { counted, readableCount, readableScore } from '../numbers.ts'
import { Name } from '../parts/name.tsx'
import { Section } from '../parts/section.tsx'
import { hashOf } from '../route.ts'
import type { Theme } from '../theme.ts'
import { bestInOrder } from './best-in-order.ts'

/** Charts that are shown where nobody has chosen. */
const SHOWN_FIRST = 4

export function Curves({
  run,
  metrics,
  theme,
}: {
  run: RunAnswer
  metrics: readonly string[]
  theme: Theme
}) {
  const [asked, setAsked] = useState<Series>()
  const tracked = bestInOrder(run).map(({ metric }) => metric)
  const all = [...new Set([...tracked, ...run.curves.map(({ metric }) => metric)])].filter(
    (metric) => run.curves.some((curve) => curve.metric === metric),
  )
  const chosen = metrics.length > 0 ? metrics : all.slice(0, Math.max(SHOWN_FIRST, tracked.length))
  const over = asked ?? counterOf(run)
  const shown = all
    .filter((metric) => chosen.includes(metric))
    .map((metric) => curveOf(run.curves, metric, over))
    .filter((curve) => curve !== undefined)
  if (all.length === 0) {
    return (
      <Section title="Curves">
        <p class="quiet">No metrics yet: upload metrics/….json, or use ckpt log.</p>
      </Section>
    )
  }
  return (
    <Section
      title="Curves"
      more={
        <p class="key">
          <span class="dot" /> record <span class="ring" /> best
        </p>
      }
    >
      <div class="choices">
        <MetricChoice run={run.run} all={all} chosen={chosen} />
        {new Set(run.curves.map(({ series }) => series)).size > 1 && (
          <label>
            <span class="label">over</span>{' '}
            <select
              value={over}
              onChange={({ currentTarget }) => setAsked(currentTarget.value as Series)}
            >
              <option value="epoch">epochs</option>
              <option value="iter">iterations</option>
            </select>
          </label>
        )}
      </div>
      <div class="charts">
        {shown.map((curve) => (
          <MetricChart
            key={`${curve.series} ${curve.metric}`}
            curve={curve}
            run={run}
            theme={theme}
          />
        ))}
      </div>
      <ValuesTable
        counter={shown[0]?.series ?? 'step'}
        columns={shown.map(({ metric, steps, values }) => ({ name: metric, steps, values }))}
      />
    </Section>
  )
}

function MetricChoice({
  run,
  all,
  chosen,
}: {
  run: string
  all: readonly string[]
  chosen: readonly string[]
}) {
  if (all.length < 2) return null
  const show = (metrics: readonly string[]) => {
    // What is chosen is in the address, and no step of the way back.
    history.replaceState(null, '', hashOf({ page: 'run', run, metrics }))
    dispatchEvent(new HashChangeEvent('hashchange'))
  }
  const toggle = (metric: string) =>
    show(all.filter((each) => chosen.includes(each) !== (each === metric)))
  return (
    <fieldset class="metrics">
      <legend class="unseen">Metrics</legend>
      {all.map((metric) => (
        <label key={metric} class="chip">
          <input
            type="checkbox"
            checked={chosen.includes(metric)}
            onChange={() => toggle(metric)}
            disabled={chosen.length === 1 && chosen.includes(metric)}
          />
          <Name of={metric} />
        </label>
      ))}
      {chosen.length < all.length && (
        <button type="button" onClick={() => show(all)}>
          All {all.length}
        </button>
      )}
    </fieldset>
  )
}

function MetricChart({ curve, run, theme }: { curve: Curve; run: RunAnswer; theme: Theme }) {
  const best = run.best.find(({ metric }) => metric === curve.metric)
  const line = useMemo(
    () => [
      {
        label: printable(curve.metric),
        colour: 'line-1',
        values: curve.values.map(drawn),
        records: recordSteps(curve, best, run.steps),
        best: best?.step,
      },
    ],
    [curve, best, run.steps],
  )
  const last = curve.values.at(-1) ?? null
  const gaps = curve.values.filter((value) => drawn(value) === null).length
  return (
    <div class="panel">
      <div class="panel-head">
        <h3>
          <Name of={curve.metric} />
        </h3>
        <p>
          {best && (
            <>
              best <b title={best.score}>{readableScore(best.score)}</b> at{' '}
              {readableCount(best.step)} ·{' '}
            </>
          )}
          newest <b>{readableScore(last)}</b>
          {gaps > 0 && <> · {counted(gaps, 'value')} not finite</>}
        </p>
      </div>
      <Chart steps={curve.steps} lines={line} label={inWords(curve, best)} theme={theme} />
    </div>
  )
}

function inWords(
  { metric, series, steps, values }: Curve,
  best: DescribedBest | undefined,
): string {
  const range = `${printable(metric)} over ${series} ${steps[0]} to ${steps.at(-1)}`
  const end = `the newest is ${readableScore(values.at(-1) ?? null)}`
  if (best === undefined) return `${range}; ${end}`
  return `${range}; the best is ${readableScore(best.score)} at ${best.step}, ${end}`
}
