/** `ckpt url`: a signed URL of a checkpoint. */
import { type Command, InvalidArgumentError } from 'commander'
import { onSelected, withSelection } from '../download/select.ts'
import type { Shell } from '../shell.ts'

/** S3 signs for seven days at most; temporary credentials end sooner, and the URL with them. */
const LONGEST_SECONDS = 7 * 24 * 3600
const SECONDS = 3600

const MORE = `
Whoever has the URL downloads that one version until it expires, or until the credentials that signed it do.

Examples:
  curl -OJ "$(ckpt url work_dirs/digits --best)"
  ckpt url work_dirs/digits --published last --expires 86400`

/** Adds the command. */
export function addUrl(program: Command, shell: Shell): void {
  const command = program
    .command('url')
    .summary('print a signed URL of a checkpoint of a run')
    .description('Prints a signed URL of the last checkpoint of a run, or of another one.')
  withSelection(command)
    .option('--expires <seconds>', `for how long it is good (default: ${SECONDS})`, parseExpires)
    .addHelpText('after', MORE)
    .action((run: string, step: string | undefined, { expires }: { expires?: number }) =>
      onSelected(command, shell, [run, step], async (wanted, terminal) => {
        const { printUrl } = await import('../download/print-url.ts')
        await printUrl(wanted, terminal, expires ?? SECONDS)
      }),
    )
}

function parseExpires(text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds
  throw new InvalidArgumentError(`It has to be from 1 to ${LONGEST_SECONDS} seconds.`)
}
