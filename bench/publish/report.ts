/** The figures as tables. */
import Table from 'cli-table3'
import {
  type Figures,
  FUNCTION_LIMIT_BYTES,
  functionDollars,
  requestCount,
  requestDollars,
} from './figures.ts'
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
  'through the function',
  'read to be hashed',
  'requests',
  'requests cost',
  'function costs',
]

export function terminalTable(rows: readonly Row[]): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } })
  for (const row of rows) table.push(cells(row, rows))
  return table.toString()
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  const body = rows.map((row) => line(cells(row, rows)))
  return [line(HEAD), line(HEAD.map(() => '---')), ...body].join('\n')
}

function cells(row: Row, rows: readonly Row[]): string[] {
  const { figures } = row
  const peer = rows.find((each) => isSameCase(each, row) && each.engine === 'MMEngine')
  const ratio =
    peer && peer !== row
      ? `, ${(figures.seconds / peer.figures.seconds).toFixed(2)} of MMEngine's`
      : ''
  const dollars = (amount: number) => `$${amount.toFixed(6)}`
  const tooLarge = figures.peakBytes > FUNCTION_LIMIT_BYTES ? ', too large for one' : ''
  return [
    `${row.shape}, ${row.order}, ${bytes(row.sizeBytes)}, publishes ${bytes(row.publishedBytes)}`,
    row.engine,
    `${figures.seconds.toFixed(1)} s${ratio}`,
    bytes(figures.peakBytes),
    bytes(figures.movedBytes),
    figures.hashedBytes === 0 ? '–' : bytes(figures.hashedBytes),
    String(requestCount(figures)),
    dollars(requestDollars(figures)),
    `${dollars(functionDollars(figures))}${tooLarge}`,
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
