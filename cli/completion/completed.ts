/** What there is to complete on a command line: the tree of commands, as data. */
import type { Command } from 'commander'

export interface CompletedOption {
  /** `--json`; of one with a short name, both. */
  readonly flags: readonly string[]
  readonly description: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  /** Its own, then those of the whole command. */
  readonly options: readonly CompletedOption[]
}

/** All commands with their options. */
export function completedCommands(program: Command): CompletedCommand[] {
  const everywhere = optionsOf(program)
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary() || command.description(),
    options: [...optionsOf(command), ...everywhere],
  }))
}

/** The options that may stand before a command. */
export function optionsOf(command: Command): CompletedOption[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description, required, optional, argChoices }) => ({
      flags: [short, long].filter((flag) => flag !== undefined && flag !== null),
      description,
      takesValue: required || optional,
      choices: argChoices ?? [],
    }))
}
