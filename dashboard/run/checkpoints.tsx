/** The checkpoints of a run: a timeline, and a table of the same. */
import { useState } from 'preact/hooks'
import { readableSize } from '../../cli/output/sizes.ts'
import type { DescribedStep, RunAnswer } from '../../lib/query/describe-run.ts'
import { readableCount } from '../numbers.ts'
import { Name } from '../parts/name.tsx'
import { Pages } from '../parts/pages.tsx'
import { Section } from '../parts/section.tsx'
import { Wide } from '../parts/wide.tsx'
import type { Theme } from '../theme.ts'
import { fullTime } from '../times.ts'
import { downloadOf, keyIn, nameOf } from './links.ts'
import { Timeline } from './timeline.tsx'

const ROWS = 15
const THERE = ['kept', 'held']

const COUNTERS = { epoch: 'Epoch', iter: 'Iteration' } as const

/** Which checkpoints the table lists. */
const FILTERS = {
  all: () => true,
  kept: ({ fate }: DescribedStep) => THERE.includes(fate),
  evicted: ({ fate }: DescribedStep) => fate === 'evicted',
  records: ({ set_record }: DescribedStep) => set_record,
  other: ({ fate }: DescribedStep) => !THERE.includes(fate) && fate !== 'evicted',
} as const
type Filter = keyof typeof FILTERS

export function Checkpoints({ run, theme }: { run: RunAnswer; theme: Theme }) {
  const [filter, setFilter] = useState<Filter>('all')
  const [first, setFirst] = useState(0)
  const { steps } = run
  if (steps.length === 0) {
    return (
      <Section title="Checkpoints">
        <p class="quiet">None yet.</p>
      </Section>
    )
  }
  const listed = steps.filter(FILTERS[filter]).toReversed()
  const from = first < listed.length ? first : 0
  const several = new Set(steps.map(({ series }) => series)).size > 1
  const choose = (name: Filter) => {
    setFilter(name)
    setFirst(0)
  }
  return (
    <Section
      title="Checkpoints"
      more={
        <p class="key">
          <span class="mark kept" /> kept <span class="mark evicted" /> evicted{' '}
          <span class="mark other" /> other <span class="dot" /> record <span class="ring" /> best
        </p>
      }
    >
      {[...new Set(steps.map(({ series }) => series))].map((series) => (
        <Timeline
          key={series}
          series={series}
          steps={steps.filter((step) => step.series === series)}
          best={bestKeys(run)}
          theme={theme}
        />
      ))}
      <fieldset class="filters">
        <legend class="unseen">Which checkpoints are listed</legend>
        {(Object.keys(FILTERS) as Filter[]).map((name) => {
          const count = steps.filter(FILTERS[name]).length
          if (count === 0 && name !== filter) return null
          return (
            <label key={name} class="chip">
              <input
                type="radio"
                name="checkpoints"
                checked={filter === name}
                onChange={() => choose(name)}
              />
              {name} <span class="quiet">{readableCount(count)}</span>
            </label>
          )
        })}
      </fieldset>
      <Wide label="Table of checkpoints">
        <table class="checkpoints">
          <thead>
            <tr>
              <th scope="col" class="number">
                {several ? 'Step' : COUNTERS[steps[0]?.series ?? 'epoch']}
              </th>
              <th scope="col">Fate</th>
              <th scope="col">Reason</th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col">Uploaded</th>
              <th scope="col">
                <span class="unseen">Download</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {listed.slice(from, from + ROWS).map((step) => (
              <StepRow
                key={`${step.series} ${step.step}`}
                run={run.run}
                step={step}
                several={several}
              />
            ))}
          </tbody>
        </table>
      </Wide>
      <Pages first={from} shown={ROWS} total={listed.length} what="checkpoint" onTurn={setFirst} />
    </Section>
  )
}

function bestKeys({ best }: RunAnswer): ReadonlySet<string> {
  return new Set(best.map(({ source }) => keyIn(source)))
}

function StepRow({
  run,
  step: { series, step, key, fate, reason, set_record, size_bytes, uploaded },
  several,
}: {
  run: string
  step: DescribedStep
  several: boolean
}) {
  return (
    <tr>
      <th scope="row" class="number" title={nameOf(key)}>
        {several && `${series} `}
        {readableCount(step)}
      </th>
      <td>
        <span class={`fate ${fateClass(fate)}`}>{fate}</span>
        {set_record && <span class="badge">record</span>}
      </td>
      <td class="reason">
        <Name of={withoutFate(fate, reason)} />
      </td>
      <td class="number">{readableSize(size_bytes)}</td>
      <td class="time">{fullTime(uploaded)}</td>
      <td>
        {THERE.includes(fate) && (
          <a href={downloadOf(run, key)} aria-label={`Download ${series} ${step}`}>
            Download
          </a>
        )}
      </td>
    </tr>
  )
}

/** Reasons begin with the fate, which stands beside them. */
function withoutFate(fate: string, reason: string): string {
  return reason.startsWith(`${fate}: `) ? reason.slice(fate.length + 2) : reason
}

function fateClass(fate: string): string {
  if (THERE.includes(fate)) return 'kept'
  return fate === 'evicted' ? 'evicted' : 'other'
}
