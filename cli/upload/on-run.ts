/** What the commands that upload into a run have in common. */
import type { Command } from 'commander'
import { failureOf } from '../failure-of.ts'
import { type SharedOptions, type StackOption, sharedOptions } from '../options.ts'
import type { Terminal } from '../output/terminal.ts'
import type { Shell } from '../shell.ts'
import type { RunPlace } from './named-place.ts'

/** Said in the help of each of them. */
export const RUN_ARGUMENT = 'its prefix in the stack’s bucket, or s3://bucket/prefix'

/** Finds the bucket of a run that a command line names, and lets a command upload into it. */
export async function onRun(
  command: Command,
  shell: Shell,
  run: string,
  work: (place: RunPlace, terminal: Terminal) => Promise<void>,
): Promise<void> {
  const options: SharedOptions & StackOption = sharedOptions(command)
  const terminal = shell.terminal(options)
  const { placeOfRun } = await import('./named-place.ts')
  const place = await placeOfRun(options, run)
  try {
    await work(place, terminal)
  } catch (error) {
    throw failureOf(error)
  } finally {
    place.close()
  }
}
