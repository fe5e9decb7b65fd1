/** Several runs by one metric: their curves over each other, and who is best. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { printable } from '../../cli/output/printable.ts'
import type { RunAnswer } from '../../lib/query/describe-run.ts'
import type { LeaderboardAnswer } from '../../lib/query/leaderboard.ts'
import { pathTo } from '../ask.ts'
import { Chart } from '../chart/chart.tsx'
import { counterOf, curveOf } from '../chart/counter.ts'
import { aligned } from '../chart/points.ts'
import { ValuesTable } from '../chart/values-table.tsx'
import { counted, readableCount, readableScore } from '../numbers.ts'
import { Heard } from '../parts/heard.tsx'
import { Name } from '../parts/name.tsx'
import { Section } from '../parts/section.tsx'
import { hashOf } from '../route.ts'
import { bestInOrder } from '../run/best-in-order.ts'
import { useRun } from '../run/use-run.ts'
import type { Theme } from '../theme.ts'
import { type Live, useLive } from '../use-live.ts'
import { Leaderboard } from './leaderboard.tsx'

/** Tall enough that curves which are near each other come apart. */
const HEIGHT = 320
const COLOURS = 8
const RANKED = 50
/** Curves of more runs than these are not told apart. */
const MOST_COMPARED = COLOURS

/** What was heard of each run, by its name. */
type Heards = Readonly<Record<string, Live<RunAnswer>>>

export function ComparePage({
  metric: asked,
  runs: named,
  theme,
}: {
  metric: string
  runs: readonly string[]
  theme: Theme
}) {
  const runs = named.slice(0, MOST_COMPARED)
  const [heards, setHeards] = useState<Heards>({})
  const answers = runs.flatMap((run) => {
    const answer = heards[`run ${run}`]?.answer
    return answer === undefined ? [] : [answer]
  })
  const metrics = metricsOf(answers)
  const metric = asked !== '' ? asked : (metrics[0] ?? '')
  const ranked = useLive<LeaderboardAnswer>(
    metric === '' ? undefined : pathTo('api/leaderboard', { metric, limit: RANKED }),
  )
  const change = (to: { metric?: string; runs?: readonly string[] }) => {
    location.hash = hashOf({ page: 'compare', metric, runs: named, ...to })
  }
  const toggle = (run: string) =>
    change({ runs: named.includes(run) ? named.filter((each) => each !== run) : [...named, run] })
  const followed = runs.map((run) => heards[`run ${run}`] ?? {})
  const shown = followed.find(({ failure }) => failure !== undefined) ?? followed[0]
  return (
    <>
      {runs.map((run) => (
        <Listener
          key={run}
          run={run}
          onHear={(live) => setHeards((before) => ({ ...before, [`run ${run}`]: live }))}
        />
      ))}
      <div class="page-head">
        <h1>Compare</h1>
        {metrics.length > 0 && (
          <label>
            <span class="label">Metric</span>
            <select
              value={metric}
              onChange={({ currentTarget }) => change({ metric: currentTarget.value })}
            >
              {[...new Set([...metrics, metric])].map((each) => (
                <option key={each} value={each}>
                  {printable(each)}
                </option>
              ))}
            </select>
          </label>
        )}
        {shown !== undefined && <Heard live={shown} />}
      </div>
      {runs.length === 0 ? (
        <div class="empty">
          <h2>No runs are chosen</h2>
          <p>
            Tick runs in the <a href={hashOf({ page: 'runs', prefix: '' })}>list</a>, or on their
            pages, and come back.
          </p>
        </div>
      ) : (
        <Overlay
          runs={runs}
          left={named.length - runs.length}
          answers={answers}
          heards={heards}
          metric={metric}
          theme={theme}
        />
      )}
      {metric !== '' && (
        <Section title="Leaderboard">
          <Leaderboard live={ranked} chosen={named} onChoose={toggle} />
        </Section>
      )}
    </>
  )
}

/** Follows one run; how many there are may change. */
function Listener({ run, onHear }: { run: string; onHear: (live: Live<RunAnswer>) => void }) {
  const live = useRun(run)
  useEffect(() => onHear(live), [live.answer, live.heardMs, live.failure])
  return null
}

function Overlay({
  runs,
  left,
  answers,
  heards,
  metric,
  theme,
}: {
  runs: readonly string[]
  /** How many more are chosen than are shown. */
  left: number
  answers: readonly RunAnswer[]
  heards: Heards
  metric: string
  theme: Theme
}) {
  const [first] = answers
  const over = first === undefined ? 'epoch' : counterOf(first)
  const curves = runs.map((run) =>
    curveOf(answers.find((each) => each.run === run)?.curves ?? [], metric, over),
  )
  const lines = useMemo(() => {
    const found = curves.flatMap((curve, at) => {
      const run = runs[at] ?? ''
      const best = answers.find((each) => each.run === run)?.best
      return curve === undefined ? [] : [{ curve, run, at, best }]
    })
    const { steps, values } = aligned(found.map(({ curve }) => curve))
    return {
      steps,
      lines: found.map(({ run, at, best }, index) => ({
        label: printable(run),
        colour: `line-${1 + (at % COLOURS)}`,
        values: values[index] ?? [],
        best: best?.find((each) => each.metric === metric)?.step,
      })),
    }
  }, [runs, answers, metric])
  return (
    <Section title="Curves">
      <ul class="runs-key">
        {runs.map((run, at) => {
          const best = answers
            .find((each) => each.run === run)
            ?.best.find((each) => each.metric === metric)
          return (
            <li key={run}>
              <span class={`swatch tone-${1 + (at % COLOURS)}`} />
              <a href={hashOf({ page: 'run', run, metrics: [] })}>
                <Name of={run} />
              </a>{' '}
              <span class="quiet">
                {heards[`run ${run}`]?.failure?.message ??
                  (best
                    ? `best ${readableScore(best.score)} at ${readableCount(best.step)}`
                    : curves[at]
                      ? ''
                      : 'has no such metric')}
              </span>
            </li>
          )
        })}
        {left > 0 && <li class="quiet">{counted(left, 'run')} more than can be told apart</li>}
      </ul>
      {lines.steps.length > 0 && (
        <>
          <div class="panel">
            <Chart
              steps={lines.steps}
              lines={lines.lines}
              label={`${printable(metric)} of ${lines.lines.map(({ label }) => label).join(', ')}`}
              theme={theme}
              height={HEIGHT}
            />
          </div>
          <ValuesTable
            counter={curves.find((curve) => curve !== undefined)?.series ?? 'step'}
            columns={runs.flatMap((run, at) => {
              const curve = curves[at]
              return curve ? [{ name: run, steps: curve.steps, values: curve.values }] : []
            })}
          />
        </>
      )}
    </Section>
  )
}

/** Tracked ones first; those that more runs have before the others. */
function metricsOf(answers: readonly RunAnswer[]): string[] {
  const tracked = answers.flatMap((answer) => bestInOrder(answer).map(({ metric }) => metric))
  const logged = answers.flatMap(({ curves }) => curves.map(({ metric }) => metric))
  return [...new Set([...tracked, ...logged])]
}
