/** `ckpt watch`: follows a run live. */
import { type Command, InvalidArgumentError } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const SHORTEST_SECONDS = 1
const LONGEST_SECONDS = 3_600
const DEFAULT_SECONDS = 5

const MORE = `
A terminal gets a view that is drawn again; a pipe a line for each change, --json a JSON document on a line of
its own. A run that the hub does not know yet is waited for, which is said on standard error.

Each look reads one entry of the table, and the run only where it has changed. One that fails is tried again.

Ctrl-C ends it, which is no failure; with --until-done it is one, since the end was not seen.

Examples:
  ckpt watch work_dirs/digits
  ckpt watch work_dirs/digits --until-done && ckpt download work_dirs/digits --best
  ckpt watch work_dirs/digits --json | jq -r 'select(.change == "best") | .score'`

/** Adds the command. */
export function addWatch(program: Command, shell: Shell): void {
  const command = program
    .command('watch')
    .summary('follow a run live: uploads, metrics, best, evictions')
    .description('Follows a run: what is uploaded, what is best, what is evicted and made.')
    .argument('<run>', 'its prefix, or s3://bucket/prefix')
    .option(
      '--interval <seconds>',
      `between two looks, from ${SHORTEST_SECONDS} to ${LONGEST_SECONDS}`,
      parseInterval,
      DEFAULT_SECONDS,
    )
    .option('--until-done', 'end when training has ended and what it asked for is published')
  withStack(command)
    .addHelpText('after', MORE)
    .action((run: string, { interval, untilDone }: { interval: number; untilDone?: true }) =>
      onStack(command, shell, async (stack, terminal) => {
        const { watchRun } = await import('../watch/watch-run.ts')
        await watchRun(stack, terminal, shell.signal, run, {
          intervalMs: 1000 * interval,
          until: untilDone === true ? 'ended' : 'interrupted',
        })
      }),
    )
}

function parseInterval(text: string): number {
  const seconds = /^\d{1,4}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS) return seconds
  throw new InvalidArgumentError(
    `It has to be a number of seconds from ${SHORTEST_SECONDS} to ${LONGEST_SECONDS}.`,
  )
}
