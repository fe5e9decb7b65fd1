import Table from 'cli-table3'
import { printable } from './printable.ts'
import { readableSize } from './sizes.ts'
import type { Terminal } from './terminal.ts'

/** What a cell holds; the kind decides how it is written and to which side it is set. */
export type Cell = string | number | { readonly sizeBytes: number }

const GAP = '  '
/** Columns alone: no line is drawn around or between them. */
const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
}

/**
 * Rows in columns. On a terminal they are set under bold heads, and sizes are rounded; on a pipe each row is
 * a line with tabs between its cells, heads first, sizes in bytes.
 *
 * Texts may come from anywhere: they are made printable here.
 */
export function tableOf(
  terminal: Terminal,
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const texts = rows.map((row) => row.map((cell) => textOf(terminal, cell)))
  if (!terminal.isForPeople) return [heads, ...texts].map((row) => row.join('\t')).join('\n')
  const table = new Table({
    head: heads.map((head) => terminal.style('bold', head)),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: heads.map((_, column) =>
      rows.some((row) => isText(row[column])) ? 'left' : 'right',
    ),
  })
  table.push(...texts)
  return withoutTrailingSpace(table.toString())
}

/** Names and values, one pair a line. */
export function pairsOf(
  terminal: Terminal,
  pairs: readonly (readonly [name: string, value: Cell])[],
): string {
  if (!terminal.isForPeople) {
    return pairs.map(([name, value]) => `${printable(name)}\t${textOf(terminal, value)}`).join('\n')
  }
  const width = Math.max(...pairs.map(([name]) => printable(name).length))
  return pairs
    .map(([name, value]) => {
      const label = terminal.style('dim', printable(name).padEnd(width))
      return `${label}${GAP}${textOf(terminal, value)}`
    })
    .join('\n')
}

function isText(cell: Cell | undefined): boolean {
  return cell === undefined || typeof cell === 'string'
}

function textOf(terminal: Terminal, cell: Cell): string {
  if (typeof cell === 'string') return printable(cell)
  if (typeof cell === 'number') return String(cell)
  return terminal.isForPeople ? readableSize(cell.sizeBytes) : String(cell.sizeBytes)
}

function withoutTrailingSpace(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
