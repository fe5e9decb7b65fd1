/** What trainers and people said of a run, as entries: options, beginnings, ends, pins, consents. */
import { createHash } from 'node:crypto'
import type { ControlFact, ControlKind, History } from '../hook/history.ts'
import type { Attributes } from './schema.ts'
import { isoTime } from './shown-entries.ts'

/** One entry for each version of each such file. */
export function toldEntries(history: History): [string, Attributes][] {
  return [
    ...history.options.map((fact): [string, Attributes] => [
      entryOf('options', fact),
      { ...controlOf(fact), arguments: JSON.stringify(fact.named) },
    ]),
    ...history.begins.map((fact): [string, Attributes] => [
      entryOf('begin', fact),
      { ...controlOf(fact), resume_from: fact.resumeFrom },
    ]),
    ...history.ends.map((fact): [string, Attributes] => [
      entryOf('end', fact),
      { ...controlOf(fact), last: fact.last },
    ]),
    ...history.pins.map((fact): [string, Attributes] => [
      entryOf('pin', fact),
      { ...controlOf(fact), name: fact.name, pinned: fact.pinned, by: fact.by },
    ]),
    ...history.consents.map((fact): [string, Attributes] => [
      entryOf('consent', fact),
      {
        ...controlOf(fact),
        options_version_id: fact.optionsVersionId,
        evicts: fact.evicts,
        by: fact.by,
      },
    ]),
  ]
}

/** The kinds of which a run has more than one file: the hash of the key tells those of one second apart. */
const OF_MANY_FILES: readonly ControlKind[] = ['pin', 'consent']

function entryOf(kind: ControlKind, { key, seconds, ordinal }: ControlFact): string {
  const name = kind === 'begin' ? 'life' : kind
  const entry = `${name}#${isoTime(seconds)}#${String(ordinal).padStart(6, '0')}`
  if (!OF_MANY_FILES.includes(kind)) return entry
  return `${entry}#${createHash('sha256').update(key).digest('hex').slice(0, 12)}`
}

function controlOf({ key, versionId, seconds, ordinal, fault }: ControlFact): Attributes {
  return { key, version_id: versionId, seconds, ordinal, fault }
}
