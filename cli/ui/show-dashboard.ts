/** `ckpt ui`: serves the dashboard until Ctrl-C. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Terminal } from '../output/terminal.ts'
import type { Stack } from '../stack/stack.ts'
import { serveDashboard } from './serve.ts'

/** What opens an address in the browser, by platform; elsewhere it is freedesktop's. */
const OPENERS: Readonly<Record<string, string>> = { darwin: 'open', win32: 'explorer' }

/**
 * Serves the dashboard, prints its address, and ends when it is told to.
 *
 * @param port 0 for any that is free
 * @throws {Failure} `port-taken`, `port-forbidden`
 */
export async function showDashboard(
  stack: Stack,
  terminal: Terminal,
  signal: AbortSignal,
  { port, open }: { port: number; open: boolean },
): Promise<void> {
  const { address, addressForOnce, close } = await serveDashboard(stack, port)
  try {
    const { name, region, bucket } = stack
    terminal.answer({ address, stack: name, region, bucket: bucket.name }, () =>
      terminal.isForPeople
        ? `${terminal.style('bold', address)}\n${name} in ${region}, with your own rights. Ctrl-C ends it.`
        : address,
    )
    if (open) openInBrowser(addressForOnce(), terminal)
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await close()
  }
}

function openInBrowser(address: string, terminal: Terminal): void {
  const command = OPENERS[process.platform] ?? 'xdg-open'
  const child = spawn(command, [address], { stdio: 'ignore', detached: true })
  child.on('error', () => terminal.note(`${command} is not there: open the address yourself.`))
  child.unref()
}
