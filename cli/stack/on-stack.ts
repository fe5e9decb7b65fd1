/** What the commands that ask a stack have in common. */
import type { Command } from 'commander'
import { failureOf } from '../failure-of.ts'
import { type SharedOptions, type StackOption, sharedOptions } from '../options.ts'
import type { Terminal } from '../output/terminal.ts'
import type { Shell } from '../shell.ts'
import type { Stack } from './stack.ts'

/**
 * Finds the stack that a command line names, and lets a command work on it.
 *
 * @param work prints its one answer on the terminal
 */
export async function onStack(
  command: Command,
  shell: Shell,
  work: (stack: Stack, terminal: Terminal) => Promise<void>,
): Promise<void> {
  const options: SharedOptions & StackOption = sharedOptions(command)
  const terminal = shell.terminal(options)
  // Only here: the clients of four services take longer to read than a file takes to inspect.
  const { connectStack } = await import('./stack.ts')
  const stack = await connectStack(options)
  try {
    await work(stack, terminal)
  } catch (error) {
    throw failureOf(error)
  } finally {
    stack.close()
  }
}
