/** The command within the test's own process: a second quicker each time, and what is printed is the same. */
import { PassThrough } from 'node:stream'
import { CommanderError } from 'commander'
import { failureOf } from '../../cli/failure-of.ts'
import { type Stream, terminalOn } from '../../cli/output/terminal.ts'
import { programOf } from '../../cli/program.ts'
import type { Ended } from './run-ckpt.ts'

/** Runs a command to its end with some variables set; its output is on pipes. */
export async function ckptHere(
  args: readonly string[],
  { env }: { readonly env: Readonly<Record<string, string>> },
): Promise<Ended> {
  const before = { ...process.env }
  process.env = { ...before, ...env }
  const [out, err] = [new PassThrough(), new PassThrough()]
  const on = (isJson: boolean) =>
    terminalOn(out as unknown as Stream, err as unknown as Stream, { isJson })
  let isJson = args.includes('--json')
  const shell = {
    signal: new AbortController().signal,
    terminal: ({ json }: { readonly json?: true }) => {
      isJson = json === true
      return on(isJson)
    },
  }
  let code = 0
  try {
    await programOf(shell, '0').parseAsync(args, { from: 'user' })
  } catch (error) {
    // The command line itself is `main.ts`'s matter, which the tests of the help run as a process.
    if (error instanceof CommanderError) throw error
    const failure = failureOf(error)
    on(isJson).fail(failure)
    code = failure.exitCode
  } finally {
    process.env = before
  }
  return { code, out: textIn(out), err: textIn(err) }
}

/** The JSON that a command printed. */
export async function jsonHere<T>(
  args: readonly string[],
  where: { readonly env: Readonly<Record<string, string>> },
): Promise<T> {
  const { code, out, err } = await ckptHere([...args, '--json'], where)
  if (code !== 0) throw new Error(`ckpt ${args.join(' ')} ended with ${code}:\n${err}`)
  return JSON.parse(out) as T
}

function textIn(stream: PassThrough): string {
  return (stream.read() ?? '').toString()
}
