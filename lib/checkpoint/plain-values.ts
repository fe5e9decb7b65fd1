/** What a pickle holds, as plain JSON values for a person to read. */

import { CheckpointFormatError } from './checkpoint-format-error.ts'
import { isGlobal } from './pickle/allow-list.ts'
import {
  type GlobalNode,
  integerOf,
  type LongNode,
  type ObjectNode,
  type PickleNode,
  textOf,
} from './pickle/node.ts'
import { numpyScalar } from './pickle/numpy-scalar.ts'
import { viewOfTensor, withinParameter } from './pickle/tensors.ts'

export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }

/** Values of one answer; shared values are told each time, of which a hostile pickle can have endlessly many. */
const MAX_VALUES = 200_000
/** Characters of one answer; a configuration that MMEngine keeps as text has some ten thousand. */
const MAX_CHARACTERS = 4_000_000
/** How deep values nest in an answer; configurations have some dozen levels. */
const MAX_LEVELS = 100
/** What stands where an answer was cut. */
const CUT = '<…>'

/**
 * A value of a pickle in the words of JSON: tuples and sets are arrays, dicts and ConfigDicts objects,
 * numpy's scalars numbers. What JSON cannot say is text in angle brackets: `<nan>`, `<tensor float32 [2, 3]>`,
 * `<bytes: 12>`, `<datetime.date>`. An integer beyond 2^53 is text. The answer is bounded, whatever the pickle.
 */
export function plainValue(node: PickleNode): PlainValue {
  return new PlainValues().of(node)
}

class PlainValues {
  #left = MAX_VALUES
  #charactersLeft = MAX_CHARACTERS
  readonly #within = new Set<PickleNode>()

  of(node: PickleNode): PlainValue {
    this.#left -= 1
    if (this.#left < 0) return CUT
    switch (node.kind) {
      case 'none':
        return null
      case 'bool':
      case 'int':
        return node.value
      case 'long':
        return integerOf(node) ?? longText(node)
      case 'float':
        return plainNumber(doubleOf(node.bigEndian))
      case 'string':
        return this.#text(node.utf8, () => textOf(node) ?? '<text that is no UTF-8>')
      case 'py2-string':
        return this.#text(node.data, () => Buffer.from(node.data).toString('latin1'))
      case 'bytes':
      case 'bytearray':
        return `<${node.kind}: ${node.data.byteLength}>`
      case 'global':
        return this.#name(node)
      case 'persistent':
        return '<storage>'
      default:
        return this.#composite(node)
    }
  }

  #composite(node: PickleNode): PlainValue {
    if (this.#within.has(node)) return '<itself>'
    if (this.#within.size >= MAX_LEVELS) return CUT
    this.#within.add(node)
    try {
      if (node.kind === 'dict') return this.#pairs(node.entries)
      if (node.kind === 'object') return this.#object(node)
      return 'items' in node ? this.#items(node.items) : CUT
    } finally {
      this.#within.delete(node)
    }
  }

  #object(node: ObjectNode): PlainValue {
    const tensor = tensorText(withinParameter(node))
    if (tensor !== undefined) return tensor
    const scalar = numpyScalar(node)
    if (scalar !== undefined) return plainNumber(scalar)
    const pairs = node.changes.flatMap((change) =>
      change.kind === 'setitems' ? change.entries : [],
    )
    if (pairs.length > 0 || DICTS.some(([module, name]) => isGlobal(node.callee, module, name))) {
      return this.#pairs(pairs)
    }
    const items = node.changes.flatMap((change) => (change.kind === 'appends' ? change.items : []))
    if (items.length > 0) return this.#items(items)
    const [only] = node.args.kind === 'tuple' ? node.args.items : []
    const isSet =
      isGlobal(node.callee, 'builtins', 'set') || isGlobal(node.callee, 'builtins', 'frozenset')
    if (isSet && only !== undefined) return this.of(only)
    return this.#name(node.callee)
  }

  #text(bytes: Uint8Array, decode: () => string): string {
    this.#charactersLeft -= bytes.byteLength
    return this.#charactersLeft < 0 ? CUT : decode()
  }

  #name({ module, name }: GlobalNode): string {
    this.#charactersLeft -= module.length + name.length
    return this.#charactersLeft < 0 ? CUT : `<${module}.${name}>`
  }

  #items(items: readonly PickleNode[]): PlainValue[] {
    const plain: PlainValue[] = []
    for (const item of items) {
      plain.push(this.of(item))
      if (this.#left < 0) break
    }
    return plain
  }

  #pairs(entries: readonly PickleNode[]): PlainValue {
    const pairs = new Map<string, PlainValue>()
    for (let at = 0; at + 1 < entries.length; at += 2) {
      const [key, value] = [entries[at], entries[at + 1]]
      if (key === undefined || value === undefined || this.#left < 0) break
      const plain = this.of(key)
      pairs.set(typeof plain === 'string' ? plain : JSON.stringify(plain), this.of(value))
    }
    // Not by assignment: a key may be `__proto__`.
    return Object.fromEntries(pairs)
  }
}

/** Classes that are dicts, be they empty. */
const DICTS = [
  ['collections', 'OrderedDict'],
  ['collections', 'defaultdict'],
  ['mmengine.config.config', 'ConfigDict'],
] as const

function tensorText(node: PickleNode): string | undefined {
  try {
    const view = viewOfTensor(node)
    return view && `<tensor ${view.dtype} [${view.shape.join(', ')}]>`
  } catch (error) {
    if (error instanceof CheckpointFormatError) return '<tensor>'
    throw error
  }
}

function plainNumber(value: number | bigint | boolean): PlainValue {
  if (typeof value === 'boolean') return value
  const number = Number(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(number) ? number : String(value)
  return Number.isFinite(number) ? number : `<${String(number).toLowerCase()}>`
}

/** Longer integers are told by their size: the text of one grows with the square of its length. */
function longText({ littleEndian }: LongNode): string {
  if (littleEndian.byteLength > 64) return `<integer of ${littleEndian.byteLength} bytes>`
  const hex = Buffer.from(littleEndian).reverse().toString('hex')
  return String(BigInt.asIntN(8 * littleEndian.byteLength, BigInt(`0x${hex || '0'}`)))
}

function doubleOf(bigEndian: Uint8Array): number {
  return Buffer.from(bigEndian).readDoubleBE(0)
}
