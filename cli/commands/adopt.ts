/** `ckpt adopt` and `ckpt rebuild`: what the hub does not know of is looked at. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const ADOPT_MORE = `
For uploads that were there before the stack, or came while its notifications did not. All versions below the
prefix are listed; each that the hub does not have is looked at as if it had just been uploaded, at its own
time. What the hub does not know is never deleted; what it then knows falls under the run's options: upload a
checkpoint_hook.json first if the stack's defaults are not to hold.

Without --yes it only says what would come of it, for which it reads a little of each checkpoint.

Examples:
  ckpt adopt work_dirs
  ckpt adopt s3://bucket/work_dirs/digits --yes
  ckpt adopt . --json | jq '.runs[] | {run, evicts}'`

const REBUILD_MORE = `
For a table that was lost. The run's entries are made again from the versions that the bucket has: uploads,
metrics, options, ends of training, and what people said of it. What was evicted is then told as removed.

Without --yes it only says what would come of it.

Examples:
  ckpt rebuild work_dirs/digits
  ckpt rebuild work_dirs/digits --yes`

/** Adds both commands. */
export function addAdopt(program: Command, shell: Shell): void {
  const adoption = program
    .command('adopt')
    .summary('let the hub look at uploads that it does not know of')
    .description('Lets the hub look at uploads below a prefix that it does not know of.')
    .argument('<prefix>', 'of a run or of many, or s3://bucket/prefix; . is all of the bucket')
  add(adoption, shell, 'adopt', ADOPT_MORE)
  const rebuilding = program
    .command('rebuild')
    .summary('make the entries of a run again that were lost')
    .description('Makes the entries of a run again, from what lies in the bucket.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
  add(rebuilding, shell, 'rebuild', REBUILD_MORE)
}

function add(command: Command, shell: Shell, work: 'adopt' | 'rebuild', more: string): void {
  command.option('--yes', 'do it, and do not only say what would come of it')
  withStack(command)
    .addHelpText('after', more)
    .action((text: string, { yes }: { readonly yes?: true }) =>
      onStack(command, shell, async (stack, terminal) => {
        const works = await import('../adopt/adopt.ts')
        await works[work](stack, terminal, text, yes === true ? 'for real' : 'dry run')
      }),
    )
}
