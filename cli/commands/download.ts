/** `ckpt download`: brings a checkpoint to this machine. */
import type { Command } from 'commander'
import { onSelected, withSelection } from '../download/select.ts'
import type { Shell } from '../shell.ts'

const MORE = `
Eight ranges are fetched at once, of one exact version. A download that was stopped is gone on with: what is
there lies under <name>.part. The file gets its name once its bytes are verified, by the SHA-256 that the hub
knows or by the ETag of the upload; one of that name with other bytes is left.

Of a directory all its files are fetched.

Examples:
  ckpt download work_dirs/digits                     # the last checkpoint
  ckpt download work_dirs/digits --best accuracy -o models/
  ckpt download work_dirs/digits 3 -o digits.pth
  ckpt download s3://bucket/any/object.pth`

/** Adds the command. */
export function addDownload(program: Command, shell: Shell): void {
  const command = program
    .command('download')
    .summary('bring a checkpoint of a run to this machine, verified')
    .description('Downloads the last checkpoint of a run, or another one, and verifies it.')
  withSelection(command)
    .option('-o, --output <path>', 'a file, or a folder', '.')
    .addHelpText('after', MORE)
    .action((run: string, step: string | undefined, { output }: { output: string }) =>
      onSelected(command, shell, [run, step], async (wanted, terminal) => {
        const { download } = await import('../download/download.ts')
        await download(wanted, terminal, shell.signal, output)
      }),
    )
}
