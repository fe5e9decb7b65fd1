/** The figures as tables. */
import Table from 'cli-table3'
import { markdownTable } from '../markdown-table.ts'
import { type Figures, requestCount } from './figures.ts'
import { fitsFunction, modelledDollars, modelledSeconds } from './model.ts'
import type { Case } from './sources.ts'

/** One engine on one checkpoint. */
export interface Row extends Case {
  sizeBytes: number
  publishedBytes: number
  engine: string
  figures: Figures
}

const HEAD = [
  'checkpoint',
  'engine',
  'time',
  'peak memory',
  'through the function: read, and sent on',
  'read to be hashed',
  'requests',
  'on AWS, as a model',
  'costs there',
]

export function terminalTable(rows: readonly Row[]): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } })
  for (const row of rows) table.push(cells(row, rows))
  return table.toString()
}

/** Where the time of each row went, a line each. */
export function timeSpent(rows: readonly Row[]): string {
  return rows
    .map((row) => {
      const { seconds, spent } = row.figures
      const parts = Object.entries(spent).map(([what, each]) => `${what} ${each.toFixed(1)} s`)
      return `${caseText(row)}, ${row.engine}: of ${seconds.toFixed(1)} s, ${parts.join(', ')}`
    })
    .join('\n')
}

function caseText({ shape, order, sizeBytes }: Row): string {
  return `${shape}, ${order}, ${bytes(sizeBytes)}`
}

export function markdownOf(rows: readonly Row[]): string {
  return markdownTable(
    HEAD,
    rows.map((row) => cells(row, rows)),
  )
}

function cells(row: Row, rows: readonly Row[]): string[] {
  const { figures } = row
  const peer = rows.find((each) => isSameCase(each, row) && each.engine === 'MMEngine')
  const than = (of: (figures: Figures) => number): string => {
    if (peer === undefined || peer === row) return ''
    return ` (MMEngine's takes ${(of(peer.figures) / of(figures)).toFixed(1)} times that)`
  }
  return [
    `${caseText(row)}, publishes ${bytes(row.publishedBytes)}`,
    row.engine,
    `${figures.seconds.toFixed(1)} s${than(({ seconds }) => seconds)}`,
    `${bytes(figures.peakBytes)}${fitsFunction(figures) ? '' : ', too much for a function'}`,
    `${bytes(figures.readBytes)}, ${bytes(figures.sentBytes)}`,
    figures.hashedBytes === 0 ? '–' : bytes(figures.hashedBytes),
    String(requestCount(figures)),
    `${modelledSeconds(figures).toFixed(1)} s${than(modelledSeconds)}`,
    `$${modelledDollars(figures).toFixed(6)}`,
  ]
}

export function isSameCase(a: Case, b: Case): boolean {
  return a.shape === b.shape && a.order === b.order && a.size === b.size
}

export function bytes(count: number): string {
  if (count >= 1024 ** 3) return `${(count / 1024 ** 3).toFixed(2)} GiB`
  if (count >= 1024 ** 2) return `${(count / 1024 ** 2).toFixed(1)} MiB`
  return `${(count / 1024).toFixed(0)} KiB`
}
