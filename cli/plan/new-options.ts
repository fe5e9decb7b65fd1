/** The options to plan with: a file of arguments, read as the hub reads `checkpoint_hook.json`. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { NamedArguments } from '../../lib/hook/hook-arguments.ts'
import { readOptions } from '../../lib/run/read-control.ts'
import { Failure } from '../failure.ts'

/**
 * Reads a file of arguments.
 *
 * @param path `-` is the standard input
 * @throws {Failure} `hook-argument` where an argument is wrong or the text is no JSON, or the file's own
 */
export async function readNewOptions(path: string): Promise<NamedArguments> {
  const content = path === '-' ? await text(process.stdin) : await readFile(path, 'utf8')
  const { named, fault } = readOptions(content)
  if (fault !== undefined) throw wrongOptions(path, fault)
  return named
}

/** That the hub would refuse these options, with the field and the reason that it would give. */
export function wrongOptions(
  path: string,
  { field, reason }: { field: string; reason: string },
): Failure {
  return new Failure('refused', `${path}: ${field} ${reason}`, {
    code: 'hook-argument',
    advice: 'The hub would not follow this file at all. docs/hook.md lists the arguments.',
  })
}
