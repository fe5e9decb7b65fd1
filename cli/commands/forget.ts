/** `ckpt forget`: the hub no longer knows a run that is gone. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
For a run whose objects are gone from the bucket, and whose entries are in the way: in lists of runs, in
leaderboards, as the owner of a folder of out_dir. Its entries, pins, consents and claims go. While objects of
the run are there it is refused, and they are listed. Without --yes nothing is changed.

What retention evicted of the run lies in the bucket as noncurrent versions until these expire, and can no
longer be restored by the hub.

Examples:
  ckpt forget work_dirs/digits
  ckpt forget work_dirs/digits --yes`

/** Adds the command. */
export function addForget(program: Command, shell: Shell): void {
  const command = program
    .command('forget')
    .summary('clear what the hub knows of a run that is gone, with --yes')
    .description('Says what the hub knows of a run that is gone, and clears it with --yes.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .option('--yes', 'clear it')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, { yes }: { readonly yes?: true }) =>
      onStack(command, shell, async (stack, terminal) => {
        const { forgetNamedRun } = await import('../forget/forget-run.ts')
        await forgetNamedRun(stack, terminal, run, yes === true)
      }),
    )
}
