/** `ckpt`: reads the command line, runs one command, and ends with its exit code. */
import { readFile } from 'node:fs/promises'
import { type Command, CommanderError } from 'commander'
import { Failure } from './failure.ts'
import { failureOf } from './failure-of.ts'
import { terminalOn } from './output/terminal.ts'
import { programOf } from './program.ts'
import type { Shell } from './shell.ts'

const interruption = new AbortController()
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
// `ckpt … | head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  // Errors of the command line itself come before its options are known.
  let isJson = argv.includes('--json')
  const shell: Shell = {
    signal: interruption.signal,
    terminal: ({ json }) => {
      isJson = json === true
      return terminalOn(process.stdout, process.stderr, { isJson })
    },
  }
  const program = programOf(shell, await version())
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const failure =
      error instanceof CommanderError ? usageFailure(error, program, argv) : failureOf(error)
    terminalOn(process.stdout, process.stderr, { isJson }).fail(failure)
    return failure.exitCode
  }
}

/** commander says what is wrong on the first line, and may guess on the second what was meant. */
function usageFailure(error: CommanderError, program: Command, argv: readonly string[]): Failure {
  const [message = '', guess = ''] = error.message.replace(/^error: /, '').split('\n')
  const command = program.commands.find((each) => argv.includes(each.name()))
  const help = `See ${command === undefined ? 'ckpt' : `ckpt ${command.name()}`} --help`
  const advice = [guess.replace(/^\((.*)\)$/, '$1'), help].filter((text) => text !== '').join(' ')
  return new Failure('usage', message, { code: error.code, advice })
}

/** The first signal lets the command clean up; the second ends it as it is. */
function interrupt(): void {
  const failure = new Failure('interrupted', 'interrupted')
  if (interruption.signal.aborted) process.exit(failure.exitCode)
  interruption.abort(failure)
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return JSON.parse(text).version
}
