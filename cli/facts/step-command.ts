/** What the commands that say something of one checkpoint have in common. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Terminal } from '../output/terminal.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'
import type { Stack } from '../stack/stack.ts'
import { type Saying, type SayingOptions, sayingOf, withSaying } from './saying.ts'

/** Says something of a checkpoint: run and step as they were typed. */
type Say = (
  stack: Stack,
  terminal: Terminal,
  run: string,
  step: string,
  saying: Saying,
) => Promise<void>

/**
 * Gives a command its run, its step, and the options of how it is said.
 *
 * @param more what its help ends with
 * @param load loads what it does, only when it is asked to
 */
export function sayOfStep(
  command: Command,
  shell: Shell,
  more: string,
  load: () => Promise<Say>,
): void {
  command
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .argument('<step>', 'a step, or the name of its checkpoint')
  withStack(withSaying(command))
    .addHelpText('after', more)
    .action((run: string, step: string, options: SayingOptions) =>
      onStack(command, shell, async (stack, terminal) => {
        const say = await load()
        await say(stack, terminal, run, step, sayingOf(options))
      }),
    )
}
