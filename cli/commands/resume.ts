/** `ckpt resume`: from which checkpoint to resume. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
Its size and ETag are compared, and the directory of its zip file and its pickle are read, some hundred
kilobytes. Where the newest one fails, the one before it is looked at; the reasons go to standard error. On a
pipe the URI alone is printed.

Examples:
  ckpt resume work_dirs/digits
  ckpt download "$(ckpt resume work_dirs/digits)" -o resume.pth`

/** Adds the command. */
export function addResume(program: Command, shell: Shell): void {
  const command = program
    .command('resume')
    .summary('print the newest checkpoint of a run that is verified now')
    .description(
      'Prints where the newest checkpoint of a run is that is complete and readable now.',
    )
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string) =>
      onStack(command, shell, async (stack, terminal) => {
        const { printResumable } = await import('../ask/pointed.ts')
        await printResumable(stack, terminal, run)
      }),
    )
}
