/** `ckpt inspect`: what is in a checkpoint, without reading its tensors. */
import type { Command } from 'commander'
import { inspectCheckpoint } from '../../lib/checkpoint/inspect.ts'
import type { GlobalName } from '../../lib/checkpoint/pickle/allow-list.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import { jsonOfInspection } from '../inspect/json.ts'
import { textOfInspection } from '../inspect/text.ts'
import { openSource } from '../open-source.ts'
import { sharedOptions, withAllowGlobal } from '../options.ts'
import { parsePlace, textOfPlace } from '../place.ts'
import type { Shell } from '../shell.ts'

interface InspectOptions {
  readonly all?: true
  readonly stats?: true
  readonly allowGlobal?: readonly GlobalName[]
}

const MORE = `
Of a file of any size only the parts that describe its tensors are read, by a handful of requests, and no
pickle is run. "size" of a key is what its tensors take, "alone" what a file without that key is smaller by.

Findings are what would keep the hub, or \`ckpt publish\`, from publishing the file, such as a global that is
not known to be harmless. With findings the exit code is 4, so that \`ckpt inspect x.pth && python load.py\`
loads nothing doubtful.

Examples:
  ckpt inspect work_dirs/digits/epoch_3.pth
  ckpt inspect s3://bucket/run/epoch_3.pth --stats
  ckpt inspect epoch_3.pth --json | jq '.keys[] | {key, storage_bytes}'`

/** Adds the command. */
export function addInspect(program: Command, shell: Shell): void {
  const command = program
    .command('inspect')
    .summary('list the keys, tensors, meta and globals of a checkpoint')
    .description(
      'Lists what a checkpoint holds: keys, tensors, sizes, meta, and what its pickle names.',
    )
    .argument('<checkpoint>', 'a file, or s3://bucket/key')
    .option('--all', 'every tensor, global and value in full; a terminal gets the first of them')
    .option('--stats', 'also how many requests and bytes it took')
  withAllowGlobal(command)
    .addHelpText('after', MORE)
    .action(async (text: string, options: InspectOptions) => {
      const shared = sharedOptions(command)
      const terminal = shell.terminal(shared)
      const source = await openSource(parsePlace(text), shared)
      try {
        const allowedGlobals = options.allowGlobal ?? []
        const inspection = await inspectCheckpoint(source.reader, { allowedGlobals })
        const extent = { all: options.all === true, stats: options.stats === true }
        terminal.answer(jsonOfInspection(source, inspection), () =>
          textOfInspection(terminal, source, inspection, extent),
        )
        refuseFindings(textOfPlace(source.place), inspection.findings)
      } catch (error) {
        throw failureOf(error, textOfPlace(source.place))
      } finally {
        await source.close()
      }
    })
}

function refuseFindings(place: string, findings: readonly { readonly code: string }[]): void {
  const [first] = findings
  if (first === undefined) return
  const codes = [...new Set(findings.map(({ code }) => code))].join(', ')
  const count = findings.length === 1 ? 'a finding' : `${findings.length} findings`
  throw new Failure('refused', `${place}: ${count}: ${codes}`, { code: first.code })
}
