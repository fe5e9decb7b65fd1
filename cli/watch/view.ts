/** What a person at a terminal sees of a run that is watched. */
import { printable } from '../output/printable.ts'
import { readableSize } from '../output/sizes.ts'
import { pairsOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { readableTime } from '../output/times.ts'
import { keptOf, type Look } from './changes.ts'

/** Lines of what happened last. */
export const MOST_LINES = 8
/** Of a curve, its newest values, one letter each. */
const SPARK_WIDTH = 30
const SPARKS = '▁▂▃▄▅▆▇█'

export interface Watched {
  readonly look: Look | undefined
  /** The newest last. */
  readonly lines: readonly string[]
  /** In seconds since 1970, of the last answer. */
  readonly heardSeconds: number
  /** Why there was no answer since; empty where there was one. */
  readonly trouble: string
}

/** A few lines, whatever there is. */
export function viewOf(
  terminal: Terminal,
  run: string,
  { look, lines, heardSeconds, trouble }: Watched,
): string {
  const heard = `heard at ${readableTime(heardSeconds)}`
  const head = `${terminal.style('bold', printable(run))}  ${terminal.style('dim', heard)}`
  const parts = [
    trouble === '' ? head : `${head}\n${terminal.style('red', printable(trouble))}`,
    look === undefined
      ? 'The hub knows no such run yet: waiting for its first upload.'
      : pairsOf(terminal, pairsIn(look)),
    lines.map(printable).join('\n'),
    terminal.style('dim', 'Ctrl-C ends it.'),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function pairsIn({ run, isEnded }: Look): (readonly [string, string])[] {
  const { best, steps, curves, storage, problems, held } = run
  const last = steps.find(({ key }) => run.last_ckpt?.endsWith(`/${key}`))
  const evicted = steps.filter(({ fate }) => fate === 'evicted').length
  return [
    ...best.map(({ metric, score, step }) => {
      const curve = curves.find((each) => each.metric === metric)
      return [`best ${metric}`, `${score} at ${step}  ${sparkOf(curve?.values ?? [])}`] as const
    }),
    [
      'last',
      last === undefined
        ? 'none yet'
        : `${last.series} ${last.step}, ${readableSize(last.size_bytes)}`,
    ],
    ['checkpoints', `${keptOf(steps)} kept, ${evicted} evicted`],
    [
      'storage',
      `${readableSize(storage.kept_bytes + storage.made_bytes)} stored, ${readableSize(storage.evicted_bytes + storage.stripped_bytes)} saved`,
    ],
    ...(held === undefined ? [] : [['held', `${held.evicts} evictions: see ckpt apply`] as const]),
    ...(problems.length === 0 ? [] : [['problems', `${problems.length}: see ckpt show`] as const]),
    ...(isEnded ? [['training', 'ended'] as const] : []),
  ]
}

/** The newest values as small columns; what is no number is a gap. */
export function sparkOf(values: readonly unknown[]): string {
  const shown = values.slice(-SPARK_WIDTH)
  const numbers = shown.filter((value) => typeof value === 'number')
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  return shown
    .map((value) => {
      if (typeof value !== 'number') return ' '
      const share = most === least ? 0 : (value - least) / (most - least)
      return SPARKS[Math.round(share * (SPARKS.length - 1))]
    })
    .join('')
}
