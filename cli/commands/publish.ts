/** `ckpt publish`: a checkpoint with fewer keys, named after its own hash. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { firstBytesOf } from '../../lib/checkpoint/file-format.ts'
import {
  formatOf,
  type GlobalName,
  type OutputFormat,
  type RewritePlan,
} from '../../lib/checkpoint/rewrite.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import { openSource } from '../open-source.ts'
import { sharedOptions, withAllowGlobal } from '../options.ts'
import { parsePlace, textOfPlace } from '../place.ts'
import { hashOf, type Moving } from '../publish/moving.ts'
import { planPublication } from '../publish/plan-publication.ts'
import { type Outcome, reportPublication } from '../publish/report.ts'
import { type Extension, type Target, targetOf } from '../publish/target.ts'
import { writeToFolder } from '../publish/write-to-folder.ts'
import type { Shell } from '../shell.ts'
import type { Source } from '../source.ts'

interface PublishOptions {
  readonly keys?: readonly string[]
  readonly output?: string
  readonly format: OutputFormat
  readonly dryRun?: true
  readonly allowGlobal?: readonly GlobalName[]
}

const MORE = `
The file is called <stem>-<first 8 digits of its SHA-256>.pth (or .safetensors), as torch.hub checks it.
The same keys of the same checkpoint always give the same bytes and name, whoever publishes them: the hub,
or this command.

No pickle is run. Tensors that stay are copied byte by byte; those that go are not in the file. It has its
name only when all of it is written. A name that is taken is left as it is; where it holds the same bytes
already, that is success.

Examples:
  ckpt publish work_dirs/digits/epoch_3.pth --keys meta,state_dict
  ckpt publish s3://bucket/run/epoch_3.pth --keys state_dict --output s3://bucket/models/
  ckpt publish epoch_3.pth --keys meta,state_dict --format safetensors --dry-run`

/** Adds the command. */
export function addPublish(program: Command, shell: Shell): void {
  const command = program
    .command('publish')
    .summary('write a checkpoint with fewer keys, named after its hash')
    .description('Writes a checkpoint with only some of its keys, named after its own hash.')
    .argument('<checkpoint>', 'a file, or s3://bucket/key')
    // Not a required option of commander: it would complain of that before a misspelt one.
    .option('--keys <list>', 'top-level keys to keep, meta,state_dict (required)', parseKeys)
    .option('--output <place>', 'folder, s3://bucket/prefix/, or whole name (default: beside it)')
    .addOption(
      new Option(
        '--format <name>',
        'pth: as the source is; safetensors: state_dict, and meta as text',
      )
        .choices(['pth', 'safetensors'])
        .default('pth'),
    )
    .option('--dry-run', 'only say what would be done; of an object, only kilobytes are read')
  withAllowGlobal(command)
    .addHelpText('after', MORE)
    .action(async (text: string, options: PublishOptions) => {
      const keys = options.keys ?? missingKeys()
      const shared = sharedOptions(command)
      const terminal = shell.terminal(shared)
      const source = await openSource(parsePlace(text), shared)
      try {
        const moving = { terminal, connection: shared, signal: shell.signal }
        await publish(source, { ...options, keys }, moving)
      } catch (error) {
        throw failureOf(error, textOfPlace(source.place))
      } finally {
        await source.close()
      }
    })
}

async function publish(
  source: Source,
  options: PublishOptions & Required<Pick<PublishOptions, 'keys'>>,
  moving: Moving,
): Promise<void> {
  const { keys, format, output, allowGlobal: permitted = [] } = options
  const target = await targetOf(source, output, await extensionOf(source, format))
  const plan = await planPublication(source.reader, { keys, format, permitted })
  const outcome =
    options.dryRun === undefined
      ? await written(source, plan, target, moving)
      : await planned(source, plan, moving)
  reportPublication(moving.terminal, { source, target, plan, outcome })
}

function missingKeys(): never {
  throw new Failure('usage', '--keys is missing: which top-level keys are to stay?', {
    advice: '`ckpt inspect` lists those that a checkpoint has. See ckpt publish --help',
  })
}

async function written(
  source: Source,
  plan: RewritePlan,
  target: Target,
  moving: Moving,
): Promise<Outcome> {
  if (target.kind === 'file') return writeToFolder(source, plan, target, moving)
  const { writeToBucket } = await import('../publish/write-to-bucket.ts')
  return writeToBucket(source, plan, target, moving)
}

/** A file of safetensors stays one. */
async function extensionOf({ reader }: Source, format: OutputFormat): Promise<Extension> {
  const isSafetensors = formatOf(await firstBytesOf(reader), reader.sizeBytes) === 'safetensors'
  return isSafetensors || format === 'safetensors' ? '.safetensors' : '.pth'
}

/** Of an object the hash would cost as many bytes as the publishing itself. */
async function planned(source: Source, plan: RewritePlan, moving: Moving): Promise<Outcome> {
  const isNear = source.place.kind === 'file'
  const sha256 = isNear ? await hashOf(source.reader, plan, moving) : undefined
  return { kind: 'planned', sha256 }
}

/** Keys by commas; a JSON list where one has a comma in it. */
function parseKeys(text: string): string[] {
  const keys = text.startsWith('[') ? jsonKeys(text) : text.split(',').map((key) => key.trim())
  if (keys.includes('')) throw new InvalidArgumentError('A key is empty.')
  return [...new Set(keys)]
}

function jsonKeys(text: string): string[] {
  try {
    const keys: unknown = JSON.parse(text)
    if (Array.isArray(keys) && keys.every((key) => typeof key === 'string')) return keys
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('What begins with [ has to be a JSON list of texts.')
}
