import { printable } from '../../cli/output/printable.ts'

/** The head of the column in which runs are chosen. */
export function ChoiceHead() {
  return (
    <th scope="col" class="pick">
      <span class="unseen">Compare</span>
    </th>
  )
}

/** Whether a run of a list is among those that are compared. */
export function Choice({
  run,
  chosen,
  onChoose,
}: {
  run: string
  chosen: readonly string[]
  onChoose: (run: string) => void
}) {
  return (
    <td>
      <input
        type="checkbox"
        checked={chosen.includes(run)}
        onChange={() => onChoose(run)}
        aria-label={`Compare ${printable(run)}`}
      />
    </td>
  )
}
