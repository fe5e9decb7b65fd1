/** `ckpt explain`: why each checkpoint of a run is or is not there. */
import type { Command } from 'commander'
import { CHECKPOINTS_DECIDED } from '../explain/limits.ts'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
For each checkpoint: the rule that kept or evicted it, the newer ones that took its place, its scores and
its place by each tracked metric, the event that decided, and until when it can be restored. With a step,
all that there is to say of that one.

Of a run with more than ${CHECKPOINTS_DECIDED} checkpoints the event that decided is only told of one step.

Examples:
  ckpt explain work_dirs/digits
  ckpt explain work_dirs/digits 3
  ckpt explain s3://bucket/work_dirs/digits epoch_3.pth
  ckpt explain work_dirs/digits --json | jq '.checkpoints[] | select(.fate == "evicted") | .step'`

/** Adds the command. */
export function addExplain(program: Command, shell: Shell): void {
  const command = program
    .command('explain')
    .summary('say why each checkpoint of a run is or is not there')
    .description('Says why each checkpoint of a run, or one of them, is or is not there.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .argument('[step]', 'a step, or the name of its checkpoint')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, step: string | undefined) =>
      onStack(command, shell, async (stack, terminal) => {
        const { explainRun } = await import('../explain/explain-run.ts')
        await explainRun(stack, terminal, run, step)
      }),
    )
}
