/** `ckpt best`, `last`, `resume`: one checkpoint of a run, in one line. */
import { uriOf } from '../../lib/hook/names.ts'
import { bestOf } from '../../lib/query/best.ts'
import { lastOf } from '../../lib/query/last.ts'
import type { PointedCheckpoint } from '../../lib/query/pointers.ts'
import { resumableOf } from '../../lib/query/resume.ts'
import { printable } from '../output/printable.ts'
import type { Terminal } from '../output/terminal.ts'
import { askOfRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'

/**
 * Prints where the best copy is, and its score.
 *
 * @param metric the only one that the run tracks, unless told
 * @throws {Failure} `no-run`
 * @throws {QueryError} where there is none, or which metric is not clear
 */
export async function printBest(
  stack: Stack,
  terminal: Terminal,
  text: string,
  metric: string | undefined,
): Promise<void> {
  const found = await askOfRun(stack, text, (run) => bestOf(stack, { run, metric }))
  answer(stack, terminal, found, [`${found.metric} ${found.score}`])
}

/**
 * Prints where the last checkpoint is.
 *
 * @throws {Failure} `no-run`
 * @throws {QueryError} where there is none
 */
export async function printLast(stack: Stack, terminal: Terminal, text: string): Promise<void> {
  const found = await askOfRun(stack, text, (run) => lastOf(stack, { run }))
  answer(stack, terminal, found, [])
}

/**
 * Prints where the newest checkpoint is that is verified now, and notes why each newer one is not it.
 *
 * @throws {Failure} `no-run`
 * @throws {QueryError} where there is none
 */
export async function printResumable(
  stack: Stack,
  terminal: Terminal,
  text: string,
): Promise<void> {
  const found = await askOfRun(stack, text, (run) => resumableOf(stack, { run }))
  if (!terminal.isJson) {
    for (const { key, reason } of found.passed_over) {
      terminal.note(`${uriOf(stack.bucket.name, key)}: ${reason}`)
    }
  }
  answer(stack, terminal, found, [])
}

/** For people with what else there is to say; a pipe gets the URI alone, to be given to the next command. */
function answer(
  { bucket }: Stack,
  terminal: Terminal,
  found: PointedCheckpoint,
  more: readonly string[],
): void {
  const { object, directory, step } = found
  const uri = uriOf(object.bucket ?? bucket.name, directory?.key ?? object.key)
  terminal.answer({ ...found, uri }, () =>
    printable(terminal.isForPeople ? [uri, `step ${step}`, ...more].join('  ') : uri),
  )
}
