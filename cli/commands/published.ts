/** `ckpt published`: the published files of a run. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
Examples:
  ckpt published work_dirs/digits
  ckpt download work_dirs/digits --published last`

/** Adds the command. */
export function addPublished(program: Command, shell: Shell): void {
  const command = program
    .command('published')
    .summary('list the published files of a run')
    .description('Lists the published files of a run, with their hashes.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string) =>
      onStack(command, shell, async (stack, terminal) => {
        const { printPublished } = await import('../ask/print-published.ts')
        await printPublished(stack, terminal, run)
      }),
    )
}
