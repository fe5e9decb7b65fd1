/** `ckpt dlq`: messages that could not be worked off. */
import type { Command } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
A message that fails five times lies in a dead-letter queue, for 14 days, with run, key and reason.
Mend what the reason names, then send all of them back: each goes to its queue before it leaves this one, so
that none is lost, and to work off one twice does no more than once.

Examples:
  ckpt dlq
  ckpt dlq --redrive
  ckpt dlq --json | jq -r '.messages[] | [.run, .reason] | @tsv'`

/** Adds the command. */
export function addDlq(program: Command, shell: Shell): void {
  const command = program
    .command('dlq')
    .summary('list messages that could not be worked off, or send them back')
    .description('Lists the messages that could not be worked off, of both queues.')
    .option('--redrive', 'send them back to their functions')
  withStack(command)
    .addHelpText('after', MORE)
    .action(({ redrive }: { readonly redrive?: true }) =>
      onStack(command, shell, async (stack, terminal) => {
        const { listDeadLetters, redriveDeadLetters } = await import('../dlq/dlq.ts')
        await (redrive === true ? redriveDeadLetters : listDeadLetters)(stack, terminal)
      }),
    )
}
