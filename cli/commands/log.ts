/** `ckpt log`: says the metrics of a step. */
import { type Command, InvalidArgumentError } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import type { StepOfEvent } from '../upload/metric-event.ts'
import { onRun, RUN_ARGUMENT } from '../upload/on-run.ts'

const MORE = `
The metrics are a small object below metrics/ of the run. Of the same metric and step the later one counts, so
a wrong value is corrected by saying the right one. nan, inf and -inf are values too.

No stack is asked where the run is named by its bucket. Takes s3:PutObject below the run.

Examples:
  ckpt log work_dirs/digits --epoch 3 accuracy=0.91 val/loss=0.2
  ckpt log s3://bucket/llm --iter 500 ppl=8.4`

/** Adds the command. */
export function addLog(program: Command, shell: Shell): void {
  const command = program
    .command('log')
    .summary('say the metrics of a step')
    .description('Says the metrics of a step, by which the best checkpoint is found.')
    .argument('<run>', RUN_ARGUMENT)
    .argument('<metric=value...>', 'names and numbers')
    .option('--epoch <n>', 'the epoch that they are of', parseStep)
    .option('--iter <n>', 'the iteration that they are of', parseStep)
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, metrics: string[], { epoch, iter }: StepOfEvent) =>
      onRun(command, shell, run, async (place, terminal) => {
        const { logMetrics } = await import('../upload/metric-event.ts')
        const step = { ...(epoch !== undefined && { epoch }), ...(iter !== undefined && { iter }) }
        await logMetrics(place, terminal, step, metrics)
      }),
    )
}

function parseStep(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It has to be a whole number.')
}
