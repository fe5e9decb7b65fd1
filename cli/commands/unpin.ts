/** `ckpt unpin`: retention decides again. */
import type { Command } from 'commander'
import { type SayingOptions, sayingOf, withSaying } from '../facts/saying.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
What is outside of what the run's options keep is evicted at once, and can be restored for as long as the
bucket keeps noncurrent versions.

Example:
  ckpt unpin work_dirs/digits 3`

/** Adds the command. */
export function addUnpin(program: Command, shell: Shell): void {
  const command = program
    .command('unpin')
    .summary('let retention decide on a pinned checkpoint again')
    .description('Lets retention decide on a pinned checkpoint again.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .argument('<step>', 'a step, or the name of its checkpoint')
  withStack(withSaying(command))
    .addHelpText('after', MORE)
    .action((run: string, step: string, options: SayingOptions) =>
      onStack(command, shell, async (stack, terminal) => {
        const { unpinCheckpoint } = await import('../facts/pin-checkpoint.ts')
        await unpinCheckpoint(stack, terminal, run, step, sayingOf(options))
      }),
    )
}
