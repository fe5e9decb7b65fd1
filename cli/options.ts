/** Options that more than one command has, and how their texts are read. */
import { type Command, InvalidArgumentError } from 'commander'
import { type GlobalName, globalNamed } from '../lib/checkpoint/pickle/allow-list.ts'
import type { ConnectionOptions } from './connection.ts'

/** Options that may stand before or after the command. */
export interface SharedOptions extends ConnectionOptions {
  readonly json?: true
}

/** The shared options of a command line, wherever in it they stand. */
export function sharedOptions(command: Command): SharedOptions {
  return command.optsWithGlobals<SharedOptions>()
}

/** The option of the commands that ask a stack. */
export interface StackOption {
  readonly stack?: string
}

/** Adds `--stack`, which gives `stack`. */
export function withStack(command: Command): Command {
  return command.option(
    '--stack <name>',
    'name of the CloudFormation stack (default: CKPT_STACK, or CheckpointHub)',
  )
}

/** Adds `--allow-global`, which gives `allowGlobal`. */
export function withAllowGlobal(command: Command): Command {
  return command.option(
    '--allow-global <module.name>',
    'allow a name of the pickle that is not known to be harmless (repeatable)',
    parseGlobal,
  )
}

function parseGlobal(text: string, before: readonly GlobalName[] = []): GlobalName[] {
  const named = globalNamed(text)
  if (named === undefined) {
    throw new InvalidArgumentError('It has to be a module and a name: package.module.Name')
  }
  return [...before, named]
}
