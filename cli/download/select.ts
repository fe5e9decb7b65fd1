/** The options by which a command is told which object of a run it is about. */
import type { Command } from 'commander'
import { lookUp } from '../../lib/bucket/look-up.ts'
import { s3Client } from '../connection.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import { type SharedOptions, type StackOption, sharedOptions, withStack } from '../options.ts'
import type { Terminal } from '../output/terminal.ts'
import { parsePlace } from '../place.ts'
import type { Shell } from '../shell.ts'
import type { Wanted } from './wanted.ts'

interface SelectionOptions {
  readonly best?: string | true
  readonly published?: string | true
}

/** Adds the arguments and options that select an object. */
export function withSelection(command: Command): Command {
  return withStack(
    command
      .argument('<run>', 'its prefix, or s3://bucket/prefix; or an object, s3://bucket/key')
      .argument('[step]', 'a step, or the name of its checkpoint (default: the last)')
      .option('--best [metric]', 'the best copy, by the metric or the only one that is tracked')
      .option('--published [of]', 'the published file, of a metric or of "last"'),
  )
}

/** Finds the object that a command line selects, and lets a command work on it. */
export async function onSelected(
  command: Command,
  shell: Shell,
  [text, step]: readonly [string, string | undefined],
  work: (wanted: Wanted, terminal: Terminal) => Promise<void>,
): Promise<void> {
  const options: SharedOptions & StackOption & SelectionOptions = sharedOptions(command)
  const { best, published } = options
  if ([step, best, published].filter((each) => each !== undefined).length > 1) {
    throw new Failure('usage', 'name a step, --best or --published, and not two of them')
  }
  const terminal = shell.terminal(options)
  const isOpen = step === undefined && best === undefined && published === undefined
  const object = isOpen ? await objectNamed(options, text) : undefined
  try {
    if (object !== undefined) return await work(object, terminal)
    const { connectStack } = await import('../stack/stack.ts')
    const { wantedOf } = await import('./wanted.ts')
    const stack = await connectStack(options)
    try {
      await work(await wantedOf(stack, text, { step, best, published }), terminal)
    } finally {
      stack.close()
    }
  } catch (error) {
    throw failureOf(error)
  } finally {
    object?.bucket.s3.destroy()
  }
}

/** An object of any bucket, where the text is one's URI; a run has no object of its own name. */
async function objectNamed(options: SharedOptions, text: string): Promise<Wanted | undefined> {
  const place = parsePlace(text)
  if (place.kind === 'file' || place.key === '' || place.key.endsWith('/')) return undefined
  const bucket = { s3: s3Client(options), name: place.bucket }
  const found = await lookUp(bucket, place.key).catch((error) => {
    throw failureOf(error, text)
  })
  if (found === undefined) return undefined
  const { key, versionId: version_id, etag, sizeBytes: size_bytes } = found
  return { bucket, object: { key, version_id, etag, size_bytes }, directory: undefined }
}
