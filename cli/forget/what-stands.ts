/** What of a run is still in the bucket. */
import { headOf } from '../../lib/bucket/head.ts'
import { objectsBelow } from '../../lib/bucket/present.ts'
import type { Ledger } from '../../lib/hook/ledger.ts'
import { bareKey, folderOf, isDirectory, keyIn, meaningOf, uriOf } from '../../lib/hook/names.ts'
import type { Stack } from '../stack/stack.ts'

/**
 * The objects that a run consists of: what the protocol or the hub knows as the run's. What belongs to runs
 * below it, or to nobody, is not among them.
 *
 * @returns their addresses, in S3's order
 */
export async function standingObjects({ bucket }: Stack, ledger: Ledger): Promise<string[]> {
  const found: string[] = []
  const isKnown = knownKeys(ledger)
  for await (const { key } of objectsBelow(bucket, keyIn(ledger.run, ''), 'everywhere')) {
    const meaning = meaningOf(key)
    const isNamed = meaning.kind !== 'outside' && meaning.kind !== 'other'
    if ((isNamed && meaning.run === ledger.run) || isKnown(key)) found.push(uriOf(bucket.name, key))
  }
  for (const [key, artifact] of ledger.artifacts) {
    if (folderOf(key) === ledger.run || artifact.state === 'refused') continue
    const at = bareKey(key)
    const place = { s3: bucket.s3, name: at.bucket ?? bucket.name }
    if ((await headOf(place, at.key)) !== undefined) found.push(uriOf(bucket.name, key))
  }
  return found
}

function knownKeys({ history, artifacts }: Ledger): (key: string) => boolean {
  const uploads = [...history.steps.values()].flatMap((facts) =>
    facts.uploads.map(({ key }) => key),
  )
  const directories = [...new Set(uploads.filter(isDirectory))]
  const files = new Set(uploads)
  return (key) =>
    files.has(key) ||
    artifacts.has(key) ||
    directories.some((directory) => key.startsWith(directory))
}
