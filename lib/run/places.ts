/** Which runs and which checkpoint a key may belong to, by the protocol and by templates of a run's own. */
import { MARKERS } from '../checkpoint/directory-marker.ts'
import { compareTexts } from '../hook/history.ts'
import type { NamedArguments } from '../hook/hook-arguments.ts'
import type { Ledger } from '../hook/ledger.ts'
import {
  checkpointName,
  folderOf,
  isElsewhere,
  keyIn,
  meaningOf,
  type Run,
  runsAbove,
  type Series,
  stemOf,
  stepIn,
} from '../hook/names.ts'

/** A checkpoint's key, a directory's with the slash at its end, and the step that its name says. */
export interface CheckpointPlace {
  key: string
  series: Series
  step: number
}

/**
 * The runs that a key may belong to: one, unless it may be a file of a directory that is a checkpoint by
 * some run's own template. None where the key is outside the protocol; a key of another bucket belongs to its
 * folder, which some run may have claimed.
 */
export function runsOfKey(key: string): Run[] {
  if (isElsewhere(key)) return [folderOf(key) as Run]
  const meaning = meaningOf(key)
  if (meaning.kind === 'outside') return []
  return meaning.kind === 'other' ? [meaning.run, ...runsAbove(key)] : [meaning.run]
}

/** Of keys within one directory the first: whichever is looked at, the whole directory is. */
export function onePerPlace(ledger: Ledger, keys: readonly string[]): string[] {
  const byPlace = new Map<string, string>()
  for (const key of keys) {
    const place = placeOf(ledger, key)
    if (!byPlace.has(place)) byPlace.set(place, key)
  }
  return [...byPlace.values()]
}

function placeOf(ledger: Ledger, key: string): string {
  if (!runsOfKey(key).includes(ledger.run)) return key
  const meaning = meaningOf(key)
  if (meaning.kind === 'directory') return `${meaning.directory}/`
  if (meaning.kind !== 'other') return key
  const places = policiesOf(ledger).map((policy) => placeByTemplate(policy, ledger.run, key))
  return places.find((place) => place !== undefined)?.key ?? key
}

/** The arguments that a run's versions of its options named, over those of the stack. */
export function policiesOf({ history: { stackArguments, options } }: Ledger): NamedArguments[] {
  return [stackArguments, ...options.map(({ named }) => ({ ...stackArguments, ...named }))]
}

/**
 * The markers that a directory of the run may have, the one that counts first: those that any version of
 * the options names, so that it does not matter which of them is read first.
 */
export function markerNames(policies: readonly NamedArguments[]): string[] {
  const named = policies.flatMap(({ directory_marker }) => directory_marker ?? [])
  return [...new Set([...named.toSorted(compareTexts), ...MARKERS])]
}

/** The checkpoint that a key is, or is a file of, by the template that a policy names. */
export function placeByTemplate(
  named: NamedArguments,
  run: Run,
  key: string,
): CheckpointPlace | undefined {
  const template = named.filename_tmpl ?? undefined
  const prefix = keyIn(run, '')
  if (template === undefined || template.split('{}').length !== 2 || !key.startsWith(prefix)) {
    return undefined
  }
  const [name = '', ...deeper] = key.slice(prefix.length).split('/')
  const series = (named.by_epoch ?? true) ? 'epoch' : 'iter'
  for (const each of deeper.length === 0 ? [template] : [template, stemOf(template)]) {
    const step = stepIn(each, name)
    if (step === undefined || checkpointName(each, step) !== name) continue
    return { key: keyIn(run, deeper.length === 0 ? name : `${name}/`), series, step }
  }
  return undefined
}
