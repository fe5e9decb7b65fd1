/** The values of curves as a table, for whoever does not look at a chart. */
import { useState } from 'preact/hooks'
import type { CurveValue } from '../../lib/query/curves.ts'
import { Name } from '../parts/name.tsx'
import { Pages } from '../parts/pages.tsx'
import { Wide } from '../parts/wide.tsx'

export interface Column {
  readonly name: string
  readonly steps: readonly number[]
  readonly values: readonly CurveValue[]
}

const ROWS = 25

export function ValuesTable({ columns, counter }: { columns: readonly Column[]; counter: string }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details class="values" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Values as a table</summary>
      {isOpen && <Values columns={columns} counter={counter} />}
    </details>
  )
}

function Values({ columns, counter }: { columns: readonly Column[]; counter: string }) {
  const [first, setFirst] = useState(0)
  const steps = [...new Set(columns.flatMap((each) => each.steps))].toSorted((a, b) => b - a)
  const shown = steps.slice(first, first + ROWS)
  const found = columns.map((column) => valuesAt(column, new Set(shown)))
  return (
    <>
      <Wide label="Table of values">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {counter}
              </th>
              {columns.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  <Name of={name} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((step) => (
              <tr key={step}>
                <th scope="row" class="number">
                  {step}
                </th>
                {found.map((values, at) => (
                  <td key={columns[at]?.name} class="number">
                    {textOf(values.get(step))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <Pages first={first} shown={ROWS} total={steps.length} what="step" onTurn={setFirst} />
    </>
  )
}

function valuesAt({ steps, values }: Column, wanted: ReadonlySet<number>): Map<number, CurveValue> {
  const found = new Map<number, CurveValue>()
  for (const [at, step] of steps.entries()) {
    if (wanted.has(step)) found.set(step, values[at] ?? null)
  }
  return found
}

function textOf(value: CurveValue | undefined): string {
  if (value === undefined) return ''
  return value === null ? 'none' : String(value)
}
