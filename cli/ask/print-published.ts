/** `ckpt published`: the published files of a run. */
import { uriOf } from '../../lib/hook/names.ts'
import { publishedOf } from '../../lib/query/published.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { askOfRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'

/**
 * Prints the published files with their hashes.
 *
 * @throws {Failure} `no-run`
 */
export async function printPublished(
  stack: Stack,
  terminal: Terminal,
  text: string,
): Promise<void> {
  const { run, published } = await askOfRun(stack, text, (named) =>
    publishedOf(stack, { run: named }),
  )
  const files = published.map((file) => {
    const { bucket, key } = file.object
    return { ...file, uri: uriOf(bucket ?? stack.bucket.name, key) }
  })
  terminal.answer({ run, published: files }, () => {
    if (files.length === 0 && terminal.isForPeople) {
      return 'Nothing is published yet: say `ckpt done` once training ended.'
    }
    const rows = files.map(({ of, step, uri, object }) => [
      of,
      step,
      uri,
      { sizeBytes: object.size_bytes ?? 0 },
      object.sha256 ?? '',
    ])
    return tableOf(terminal, ['of', 'step', 'file', 'size', 'SHA-256'], rows)
  })
}
