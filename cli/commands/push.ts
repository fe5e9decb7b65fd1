/** `ckpt push`: uploads a checkpoint into a run. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onRun, RUN_ARGUMENT } from '../upload/on-run.ts'

const MORE = `
A file is uploaded in parts of 16 MiB, each with a checksum that S3 verifies. Of a directory (DCP, FSDP,
DeepSpeed) all files are uploaded, then its marker: .complete.json or .metadata, or a .complete.json with the
names and sizes of all. Only from then on the directory counts.

No stack is asked where the run is named by its bucket. Takes s3:PutObject below the run.

Examples:
  ckpt push work_dirs/digits/epoch_3.pth work_dirs/digits
  ckpt push checkpoints/step-500 s3://bucket/llm --as iter_500`

/** Adds the command. */
export function addPush(program: Command, shell: Shell): void {
  const command = program
    .command('push')
    .summary('upload a checkpoint into a run')
    .description('Uploads a checkpoint, a file or a directory, into a run.')
    .argument('<path>', 'a file, or a directory with its files')
    .argument('<run>', RUN_ARGUMENT)
    .option('--as <name>', 'another name in the run than that of the path')
  withStack(command)
    .addHelpText('after', MORE)
    .action((path: string, run: string, { as }: { as?: string }) =>
      onRun(command, shell, run, async (place, terminal) => {
        const { push } = await import('../upload/push.ts')
        await push(place, terminal, shell.signal, { path, as })
      }),
    )
}
