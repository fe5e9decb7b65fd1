/** `ckpt done`: says that training ended. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onRun, RUN_ARGUMENT } from '../upload/on-run.ts'

const MORE = `
The hub then publishes what the run's options name: the best and the last checkpoint, with published_keys
alone. Where the last checkpoint may still be on its way, --last has publishing wait for it.

No stack is asked where the run is named by its bucket. Takes s3:PutObject below the run.

Examples:
  ckpt done work_dirs/digits
  ckpt done work_dirs/digits --last epoch_8.pth`

/** Adds the command. */
export function addDone(program: Command, shell: Shell): void {
  const command = program
    .command('done')
    .summary('say that training ended, so that its checkpoints are published')
    .description('Says that training ended: what the options name is published.')
    .argument('<run>', RUN_ARGUMENT)
    .option('--last <name>', 'the checkpoint whose upload publishing waits for')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, { last }: { last?: string }) =>
      onRun(command, shell, run, async (place, terminal) => {
        const { endTraining } = await import('../upload/end-training.ts')
        await endTraining(place, terminal, last)
      }),
    )
}
