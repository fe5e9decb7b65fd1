/** Directory checkpoints for the tests: what a trainer uploads, file by file. */

import type { ListedVersion } from '../../../lib/bucket/versions.ts'
import { keyIn } from '../../../lib/hook/names.ts'
import { liveKeys, put } from '../bucket/objects.ts'
import { RUN, type TestWorker } from './worker.ts'

/** Files of a directory by name, their texts, and the marker that lists them. */
export function directory(
  name: string,
  texts: Record<string, string>,
  markerName = '.complete.json',
): Record<string, string> {
  const files = Object.entries(texts).map(([file, text]) => ({ name: file, size: text.length }))
  const contents = Object.entries(texts).map(([file, text]) => [`${name}/${file}`, text])
  const marker = [`${name}/${markerName}`, JSON.stringify({ files })]
  return Object.fromEntries([...contents, marker])
}

/** Uploads files of a run and tells nobody. */
export async function putAll(
  { bucket }: TestWorker,
  files: Record<string, string | Uint8Array>,
): Promise<ListedVersion[]> {
  const uploaded: ListedVersion[] = []
  for (const [name, body] of Object.entries(files)) {
    uploaded.push(await put(bucket, keyIn(RUN, name), body))
  }
  return uploaded
}

/** Names of the files that the run's prefix shows, the hub's own left out. */
export async function liveNames({ bucket }: TestWorker): Promise<string[]> {
  const keys = await liveKeys(bucket, keyIn(RUN, ''))
  return keys
    .map((key) => key.slice(keyIn(RUN, '').length))
    .filter((name) => name !== 'last_checkpoint')
}
