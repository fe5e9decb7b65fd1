/** `ckpt last`: where the last checkpoint of a run is. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
The last is the highest step of the newest life. It was whole when it was uploaded; \`ckpt resume\` looks
whether it still is. On a pipe the URI alone is printed.

Examples:
  ckpt last work_dirs/digits
  ckpt last work_dirs/digits --json | jq .step`

/** Adds the command. */
export function addLast(program: Command, shell: Shell): void {
  const command = program
    .command('last')
    .summary('print where the last checkpoint of a run is')
    .description('Prints where the last complete checkpoint of a run is.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string) =>
      onStack(command, shell, async (stack, terminal) => {
        const { printLast } = await import('../ask/pointed.ts')
        await printLast(stack, terminal, run)
      }),
    )
}
