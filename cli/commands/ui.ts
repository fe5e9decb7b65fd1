/** `ckpt ui`: the dashboard. */
import { type Command, InvalidArgumentError } from 'commander'
import { withStack } from '../options.ts'
import type { Shell } from '../shell.ts'
import { onStack } from '../stack/on-stack.ts'

const MORE = `
It answers on 127.0.0.1 alone, asks the stack with your own credentials, and changes nothing. The address has
a key in it, which other people of this machine do not know. The page asks nobody else for anything.

Ctrl-C ends it, which is no failure. On a pipe the address alone is printed.

Examples:
  ckpt ui --open
  ckpt ui --port 8123        # through a tunnel: ssh -L 8123:127.0.0.1:8123 …`

/** Adds the command. */
export function addUi(program: Command, shell: Shell): void {
  const command = program
    .command('ui')
    .summary('look at runs, curves and checkpoints in the browser')
    .description('Serves the dashboard on this machine: runs, curves, checkpoints, comparisons.')
    .option('-p, --port <number>', 'where it listens (default: any port that is free)', parsePort)
    .option('--open', 'open it in the browser')
  withStack(command)
    .addHelpText('after', MORE)
    .action(({ port = 0, open = false }: { port?: number; open?: boolean }) =>
      onStack(command, shell, async (stack, terminal) => {
        const { showDashboard } = await import('../ui/show-dashboard.ts')
        await showDashboard(stack, terminal, shell.signal, { port, open })
      }),
    )
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('It has to be a whole number from 1 to 65535.')
}
