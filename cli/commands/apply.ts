/** `ckpt apply`: what the brake holds may go. */
import type { Command } from 'commander'
import type { ApplyOptions } from '../facts/apply-held.ts'
import { type SayingOptions, sayingOf, withSaying } from '../facts/saying.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
A version of checkpoint_hook.json that would evict more checkpoints at once than the stack's brake allows is
not followed in that: they are held. Without --yes this lists them, and does nothing.

A consent is to one version of the options and to as many evictions as it showed. It says nothing of a later
version, nor of many more that are found later. What is pinned stays.

Examples:
  ckpt apply work_dirs/digits
  ckpt apply work_dirs/digits --yes`

/** Adds the command. */
export function addApply(program: Command, shell: Shell): void {
  const command = program
    .command('apply')
    .summary('list what the brake holds, and let it go with --yes')
    .description('Lists the checkpoints that the brake holds, and lets them go with --yes.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .option('--yes', 'agree: they are evicted')
    .option('--options-version <id>', 'agree only if this version of checkpoint_hook.json is held')
  withStack(withSaying(command))
    .addHelpText('after', MORE)
    .action((run: string, options: ApplyOptions & SayingOptions) =>
      onStack(command, shell, async (stack, terminal) => {
        const { applyHeld } = await import('../facts/apply-held.ts')
        await applyHeld(stack, terminal, run, options, sayingOf(options))
      }),
    )
}
