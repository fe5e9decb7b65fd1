import { printable } from '../../cli/output/printable.ts'
import type { ListedBest, ListedRun } from '../../lib/query/runs.ts'
import { readableCount, readableScore } from '../numbers.ts'
import { Choice, ChoiceHead } from '../parts/choice.tsx'
import { Name } from '../parts/name.tsx'
import { useKeptFocus } from '../parts/use-kept-focus.ts'
import { Wide } from '../parts/wide.tsx'
import { hashOf } from '../route.ts'
import { ago, fullTime } from '../times.ts'

/** Scores beside each other; a run may track more. */
const SCORES_SHOWN = 2

export function RunsTable({
  runs,
  chosen,
  onChoose,
}: {
  runs: readonly ListedRun[]
  chosen: readonly string[]
  onChoose: (run: string) => void
}) {
  useKeptFocus()
  return (
    <Wide label="Table of runs">
      <table class="runs">
        <thead>
          <tr>
            <ChoiceHead />
            <th scope="col">Run</th>
            <th scope="col">Best</th>
            <th scope="col" class="number">
              Last step
            </th>
            <th scope="col" class="number">
              Checkpoints
            </th>
            <th scope="col" class="number">
              Evicted
            </th>
            <th scope="col" class="number">
              Problems
            </th>
            <th scope="col">Last upload</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.run}>
              <Choice run={run.run} chosen={chosen} onChoose={onChoose} />
              <th scope="row">
                <a data-row-link href={hashOf({ page: 'run', run: run.run, metrics: [] })}>
                  <Name of={run.run} />
                </a>
              </th>
              <td>
                <Scores best={run.best ?? []} />
              </td>
              <td class="number">
                {run.last_step === undefined ? '–' : readableCount(run.last_step)}
              </td>
              <td class="number">{readableCount(run.checkpoints)}</td>
              <td class="number">{readableCount(run.evicted)}</td>
              <td class="number">
                {run.problems === 0 ? (
                  '0'
                ) : (
                  <strong class="bad">{readableCount(run.problems)}</strong>
                )}
              </td>
              <td class="time">
                <time dateTime={run.last_upload} title={fullTime(run.last_upload)}>
                  {ago(run.last_upload)}
                </time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  )
}

function Scores({ best }: { best: readonly ListedBest[] }) {
  if (best.length === 0) return <span class="quiet">none yet</span>
  const left = best.length - SCORES_SHOWN
  return (
    <ul class="scores">
      {best.slice(0, SCORES_SHOWN).map(({ metric, score, step }) => (
        <li key={metric} title={`${printable(metric)} ${score} at step ${step}`}>
          <Name of={metric} /> <b>{readableScore(score)}</b>
        </li>
      ))}
      {left > 0 && <li class="quiet">{left} more</li>}
    </ul>
  )
}
