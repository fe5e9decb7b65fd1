/** `ckpt pin`: a checkpoint stays, whatever retention decides. */
import type { Command } from 'commander'
import { type SayingOptions, sayingOf, withSaying } from '../facts/saying.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
A pinned checkpoint is kept beyond max_keep_ckpts, with all its keys, until \`ckpt unpin\`. It takes no place
from others. One that retention evicted comes back, as with \`ckpt restore\`.

The pin is a small object, .checkpoint-hub/facts/<run>/pin-<checkpoint>.json, and takes s3:PutObject there.

Examples:
  ckpt pin work_dirs/digits 3
  ckpt pin s3://bucket/work_dirs/digits epoch_3.pth --by ada`

/** Adds the command. */
export function addPin(program: Command, shell: Shell): void {
  const command = program
    .command('pin')
    .summary('keep a checkpoint, whatever retention decides')
    .description('Keeps a checkpoint, whatever retention decides, until it is unpinned.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .argument('<step>', 'a step, or the name of its checkpoint')
  withStack(withSaying(command))
    .addHelpText('after', MORE)
    .action((run: string, step: string, options: SayingOptions) =>
      onStack(command, shell, async (stack, terminal) => {
        const { pinCheckpoint } = await import('../facts/pin-checkpoint.ts')
        await pinCheckpoint(stack, terminal, run, step, sayingOf(options))
      }),
    )
}
