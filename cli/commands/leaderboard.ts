/** `ckpt leaderboard`: runs by their best score of a metric. */
import { type Command, Option } from 'commander'
import type { Rule } from '../../lib/hook/rule.ts'
import { parseMost } from '../ask/most.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
Runs whose own rule is the other one are not ranked.

Examples:
  ckpt leaderboard accuracy
  ckpt leaderboard val/loss experiments/ -n 5`

/** Adds the command. */
export function addLeaderboard(program: Command, shell: Shell): void {
  const command = program
    .command('leaderboard')
    .summary('rank the runs by their best score of a metric')
    .description('Ranks the runs that track a metric by their best score, the best first.')
    .argument('<metric>', 'its name')
    .argument('[prefix]', 'with which the names of the runs begin', '')
  withStack(command)
    .option('-n, --most <n>', 'how many, at most', parseMost, 50)
    .addOption(
      new Option('--rule <rule>', 'which scores are better (default: as the runs have it)').choices(
        ['greater', 'less'],
      ),
    )
    .addHelpText('after', MORE)
    .action((metric: string, prefix: string, { most, rule }: { most: number; rule?: Rule }) =>
      onStack(command, shell, async (stack, terminal) => {
        const { printLeaderboard } = await import('../ask/print-leaderboard.ts')
        await printLeaderboard(stack, terminal, metric, { prefix, most, rule })
      }),
    )
}
