import type { LeaderboardAnswer } from '../../lib/query/leaderboard.ts'
import { readableCount, readableScore } from '../numbers.ts'
import { Choice, ChoiceHead } from '../parts/choice.tsx'
import { Name } from '../parts/name.tsx'
import { Wide } from '../parts/wide.tsx'
import { hashOf } from '../route.ts'
import type { Live } from '../use-live.ts'

/** Runs by their best score of a metric that they track. */
export function Leaderboard({
  live: { answer, failure },
  chosen,
  onChoose,
}: {
  live: Live<LeaderboardAnswer>
  chosen: readonly string[]
  onChoose: (run: string) => void
}) {
  if (answer === undefined) {
    // A metric that nobody tracks has curves all the same.
    const text =
      failure?.status === 404 ? 'No run tracks this metric with save_best.' : failure?.message
    return <p class="quiet">{text ?? 'Asking…'}</p>
  }
  return (
    <>
      <p class="quiet">
        {answer.rule === 'greater' ? 'Greater' : 'Less'} is better; runs with the other rule are not
        ranked.
      </p>
      <Wide label="Table of places">
        <table>
          <thead>
            <tr>
              <ChoiceHead />
              <th scope="col" class="number">
                Rank
              </th>
              <th scope="col">Run</th>
              <th scope="col" class="number">
                Score
              </th>
              <th scope="col" class="number">
                Step
              </th>
              <th scope="col">Copy</th>
            </tr>
          </thead>
          <tbody>
            {answer.runs.map(({ rank, run, score, step, state }) => (
              <tr key={run}>
                <Choice run={run} chosen={chosen} onChoose={onChoose} />
                <td class="number">{rank}</td>
                <th scope="row">
                  <a data-row-link href={hashOf({ page: 'run', run, metrics: [] })}>
                    <Name of={run} />
                  </a>
                </th>
                <td class="number" title={score}>
                  {readableScore(score)}
                </td>
                <td class="number">{readableCount(step)}</td>
                <td>{state}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  )
}
