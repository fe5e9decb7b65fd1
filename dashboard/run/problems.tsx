import type { DescribedProblem } from '../../lib/query/describe-run.ts'
import { counted } from '../numbers.ts'
import { Name } from '../parts/name.tsx'
import { Section } from '../parts/section.tsx'
import { Wide } from '../parts/wide.tsx'
import { fullTime } from '../times.ts'
import { nameOf } from './links.ts'

const SHOWN = 5

/** What is wrong with uploads of the run. */
export function Problems({ problems }: { problems: readonly DescribedProblem[] }) {
  const [newest, older] = [problems.slice(0, SHOWN), problems.slice(SHOWN)]
  return (
    <Section title="Problems">
      <ProblemsTable problems={newest} label="Table of problems" />
      {older.length > 0 && (
        <details>
          <summary>{counted(older.length, 'older problem')}</summary>
          <ProblemsTable problems={older} label="Table of older problems" />
        </details>
      )}
    </Section>
  )
}

function ProblemsTable({
  problems,
  label,
}: {
  problems: readonly DescribedProblem[]
  label: string
}) {
  return (
    <Wide label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">Severity</th>
            <th scope="col">Upload</th>
            <th scope="col">Field</th>
            <th scope="col">What is wrong</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {problems.map(({ time, severity, key, field, reason }) => (
            <tr key={`${time} ${key} ${field} ${reason}`}>
              <td class={severity === 'error' ? 'bad' : 'warn'}>{severity}</td>
              <th scope="row">
                <Name of={nameOf(key)} />
              </th>
              <td class="field">
                <Name of={field} />
              </td>
              <td class="reason">
                <Name of={reason} />
              </td>
              <td class="time">{fullTime(time)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  )
}
