import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { isGlobal } from './allow-list.ts'
import { type Change, type DictNode, type ObjectNode, type PickleNode, textOf } from './node.ts'

/** One key of a checkpoint and what it holds. */
export interface TopLevelEntry {
  readonly key: string
  readonly keyNode: PickleNode
  readonly value: PickleNode
}

/**
 * The entries of a checkpoint's top-level dict, in order, each key once with its last value.
 *
 * @throws {CheckpointFormatError} `no-top-level-dict` for anything but a dict or OrderedDict with string keys
 */
export function topLevelEntries(root: PickleNode): TopLevelEntry[] {
  const entries = new Map<string, TopLevelEntry>()
  const pairs = pairsOf(asDict(root))
  const texts = new Map<PickleNode, string>()
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const keyNode = pairs[index]
    const value = pairs[index + 1]
    const key = keyNode && (texts.get(keyNode) ?? textOf(keyNode))
    if (keyNode === undefined || value === undefined || key === undefined) {
      throw noDict('string keys', `a key that is a ${keyNode?.kind}`)
    }
    // One text may be the key of every entry.
    texts.set(keyNode, key)
    entries.set(key, { key, keyNode: entries.get(key)?.keyNode ?? keyNode, value })
  }
  return [...entries.values()]
}

/**
 * The same dict with fewer entries, as a new node; its values are the same nodes.
 *
 * @throws {CheckpointFormatError} `no-top-level-dict` as `topLevelEntries` does
 */
export function withEntries(root: PickleNode, kept: readonly TopLevelEntry[]): PickleNode {
  const dict = asDict(root)
  const entries = kept.flatMap(({ keyNode, value }) => [keyNode, value])
  if (dict.kind === 'dict') return { kind: 'dict', entries }
  const builds = dict.changes.filter((change) => change.kind === 'build')
  const changes: Change[] = [{ kind: 'setitems', entries }, ...builds]
  return { ...dict, changes }
}

function asDict(root: PickleNode): DictNode | ObjectNode {
  if (root.kind === 'dict') return root
  if (
    root.kind === 'object' &&
    root.how === 'call' &&
    isGlobal(root.callee, 'collections', 'OrderedDict') &&
    root.args.kind === 'tuple' &&
    root.args.items.length === 0 &&
    root.changes.every((change) => change.kind !== 'appends')
  ) {
    return root
  }
  throw noDict('a dict or OrderedDict', root.kind === 'object' ? root.callee.name : root.kind)
}

function pairsOf(dict: DictNode | ObjectNode): readonly PickleNode[] {
  if (dict.kind === 'dict') return dict.entries
  return dict.changes.flatMap((change) => (change.kind === 'setitems' ? change.entries : []))
}

function noDict(expected: string, found: string): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'no-top-level-dict',
    field: 'pickle: the saved object',
    expected,
    found,
    meaning: 'Only a dict of string keys has keys that can be kept or removed.',
  })
}
