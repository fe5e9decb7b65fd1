/** `ckpt show`: all that there is to say of one run. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
A terminal gets the newest twenty checkpoints. --json has them all, with the options and the curves of the
metrics.

Examples:
  ckpt show work_dirs/digits
  ckpt show work_dirs/digits --json | jq .curves`

/** Adds the command. */
export function addShow(program: Command, shell: Shell): void {
  const command = program
    .command('show')
    .summary('show a run: best, last, checkpoints, files, problems')
    .description(
      'Shows a run: its best and last, its checkpoints and why they are there, its files, its problems.',
    )
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string) =>
      onStack(command, shell, async (stack, terminal) => {
        const { showRun } = await import('../ask/show-run.ts')
        await showRun(stack, terminal, run)
      }),
    )
}
