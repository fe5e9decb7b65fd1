/** `ckpt plan`: what other options would keep and delete of a run, without doing it. */
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
The file has the form of checkpoint_hook.json: the hook's arguments by name. Those that it does not name take
the stack's default, as they would if it were uploaded now. Nothing is uploaded, and nothing is deleted.

What a file evicts is decided by max_keep_ckpts; interval, save_begin and what is about saving hold for what
is uploaded from then on. Evictions beyond the stack's brake are shown as held.

Examples:
  ckpt plan work_dirs/digits --options new.json
  echo '{"max_keep_ckpts": 2}' | ckpt plan work_dirs/digits --options -
  ckpt plan work_dirs/digits --options new.json --json | jq '.freed_bytes, .held'`

/** Adds the command. */
export function addPlan(program: Command, shell: Shell): void {
  const command = program
    .command('plan')
    .summary('say what other options would keep and delete')
    .description('Says what other options would keep and delete of a run, and does nothing.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .option('--options <file>', 'arguments as JSON, or - for the standard input (required)')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, { options: path }: { readonly options?: string }) => {
      if (path === undefined) {
        throw new Failure(
          'usage',
          '--options is missing: which arguments are to be planned with?',
          {
            advice: 'See ckpt plan --help',
          },
        )
      }
      return onStack(command, shell, async (stack, terminal) => {
        const { planRun } = await import('../plan/plan-run.ts')
        await planRun(stack, terminal, run, path)
      })
    })
}
