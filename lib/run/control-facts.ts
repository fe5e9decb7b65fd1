/** The versions of a control file, of a pin or of a consent, as the facts that they are. */
import type { Bucket } from '../bucket/bucket.ts'
import { versionsOf } from '../bucket/versions.ts'
import type { ControlFact } from '../hook/history.ts'
import type { Control } from './read-control.ts'
import { textOf } from './version-text.ts'

/** A control file is a few hundred bytes; it becomes part of an entry, which DynamoDB limits to 400 KB. */
export const MAX_CONTROL_BYTES = 64 * 1024

/**
 * Reads the versions of a key that are not known yet, from the oldest.
 *
 * @param read reads the text of one version
 */
export async function controlFacts<Fact extends object>(
  bucket: Bucket,
  key: string,
  known: { key: string; versionId: string }[],
  read: (text: string) => Control<Fact>,
): Promise<(Fact & ControlFact)[]> {
  const { uploads } = await versionsOf(bucket, key)
  const ofKey = known.filter((fact) => fact.key === key)
  const fresh = uploads.filter(
    ({ versionId }) => !ofKey.some((fact) => fact.versionId === versionId),
  )
  const facts: (Fact & ControlFact)[] = []
  for (const version of fresh) {
    const text = await textOf(bucket, version, MAX_CONTROL_BYTES)
    if (text.kind === 'gone') continue
    const control: Control<Fact> =
      text.kind === 'text'
        ? read(text.text)
        : { ...read('{}'), fault: { field: 'text', reason: text.reason } }
    const ordinal = ofKey.length + facts.length
    const { versionId, seconds } = version
    facts.push({ key, versionId, seconds, ordinal, ...control })
  }
  return facts
}
