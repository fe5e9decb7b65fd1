/** `ckpt best`: where the best checkpoint of a run is. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
On a pipe the URI alone is printed.

Examples:
  ckpt best work_dirs/digits
  aws s3 cp "$(ckpt best work_dirs/digits accuracy)" .`

/** Adds the command. */
export function addBest(program: Command, shell: Shell): void {
  const command = program
    .command('best')
    .summary('print where the best checkpoint of a run is')
    .description(
      'Prints where the best checkpoint of a run is: its copy without optimizer and schedulers.',
    )
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .argument('[metric]', 'one that the run tracks (default: the only one)')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, metric: string | undefined) =>
      onStack(command, shell, async (stack, terminal) => {
        const { printBest } = await import('../ask/pointed.ts')
        await printBest(stack, terminal, run, metric)
      }),
    )
}
