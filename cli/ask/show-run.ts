/** `ckpt show`: all that there is to say of one run. */
import { describeRun, type RunAnswer } from '../../lib/query/describe-run.ts'
import { readableSize } from '../output/sizes.ts'
import { pairsOf, tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { askOfRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'

/** Steps in one question, as the query API has it. */
const MOST_STEPS = 2_000
/** Checkpoints that a person gets to see; `--json` has all. */
const SHOWN = 20

/**
 * Prints a run: its best and last, its newest checkpoints, its files, its problems, its storage.
 *
 * @throws {Failure} `no-run`
 */
export async function showRun(stack: Stack, terminal: Terminal, text: string): Promise<void> {
  const told = await askOfRun(stack, text, (run) => describeRun(stack, { run, limit: MOST_STEPS }))
  terminal.answer(told, () => textOf(terminal, told))
}

function textOf(terminal: Terminal, run: RunAnswer): string {
  const sections = [
    pairsOf(terminal, headOf(terminal, run)),
    sectionOf(terminal, 'checkpoints', stepsOf(terminal, run)),
    sectionOf(terminal, 'files', filesOf(terminal, run)),
    sectionOf(terminal, 'problems', problemsOf(terminal, run)),
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

function sectionOf(terminal: Terminal, title: string, text: string): string {
  return text === '' ? '' : `${terminal.style('bold', title)}\n${text}`
}

type Pair = readonly [name: string, value: string]

function headOf(
  terminal: Terminal,
  { run, last_ckpt, best, storage, publish_due, held }: RunAnswer,
): Pair[] {
  const size = (bytes: number) => (terminal.isForPeople ? readableSize(bytes) : String(bytes))
  return [
    ['run', run],
    ['last', last_ckpt ?? 'none yet'],
    ...best.map(
      ({ metric, score, step, copy, state }): Pair => [
        `best ${metric}`,
        `${score} at step ${step}: ${copy ?? state}`,
      ],
    ),
    ['stored', `${size(storage.kept_bytes)} of checkpoints, ${size(storage.made_bytes)} of copies`],
    ['freed', `${size(storage.evicted_bytes)} evicted, ${size(storage.stripped_bytes)} stripped`],
    ...(publish_due ? [['publish', 'is due'] as Pair] : []),
    ...(held === undefined
      ? []
      : [['held', `${held.evicts} evictions: see \`ckpt apply\``] as Pair]),
  ]
}

function stepsOf(terminal: Terminal, { steps }: RunAnswer): string {
  if (steps.length === 0) return ''
  const shown = terminal.isForPeople ? steps.slice(-SHOWN) : steps
  const rows = shown.map(({ series, step, fate, set_record, size_bytes, reason }) => [
    `${series} ${step}`,
    fate,
    set_record ? 'record' : '',
    { sizeBytes: size_bytes },
    reason,
  ])
  const table = tableOf(terminal, ['step', 'fate', 'best', 'size', 'reason'], rows)
  const left = steps.length - shown.length
  return left === 0 ? table : `${table}\n${left} older ones: \`ckpt explain\` has them`
}

function filesOf(terminal: Terminal, { artifacts }: RunAnswer): string {
  if (artifacts.length === 0) return ''
  const rows = artifacts.map(({ key, kind, state, size_bytes }) => [
    String(key),
    String(kind),
    String(state),
    typeof size_bytes === 'number' ? { sizeBytes: size_bytes } : '',
  ])
  return tableOf(terminal, ['key', 'kind', 'state', 'size'], rows)
}

function problemsOf(terminal: Terminal, { problems }: RunAnswer): string {
  if (problems.length === 0) return ''
  const rows = problems.map(({ time, severity, key, field, reason }) => [
    time,
    severity,
    key,
    field,
    reason,
  ])
  return tableOf(terminal, ['time', 'severity', 'key', 'field', 'reason'], rows)
}
