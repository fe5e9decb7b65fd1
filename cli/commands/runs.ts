/** `ckpt runs`: which runs there are. */
import type { Command } from 'commander'
import { parseMost } from '../ask/most.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
Examples:
  ckpt runs
  ckpt runs work_dirs/ -n 10
  ckpt runs --json | jq -r '.runs[].run'`

/** Adds the command. */
export function addRuns(program: Command, shell: Shell): void {
  const command = program
    .command('runs')
    .summary('list the runs, the newest upload first')
    .description('Lists the runs that the hub knows, the one with the newest upload first.')
    .argument('[prefix]', 'with which their names begin', '')
  withStack(command)
    .option('-n, --most <n>', 'how many, at most', parseMost, 50)
    .addHelpText('after', MORE)
    .action((prefix: string, { most }: { most: number }) =>
      onStack(command, shell, async (stack, terminal) => {
        const { printRuns } = await import('../ask/print-runs.ts')
        await printRuns(stack, terminal, { prefix, most })
      }),
    )
}
