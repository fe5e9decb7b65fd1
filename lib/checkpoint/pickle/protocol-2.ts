import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { type Allows, isGlobal } from './allow-list.ts'
import type { BytesNode, GlobalNode, ObjectNode, PickleNode, SetNode, StringNode } from './node.ts'
import { stringNode } from './node.ts'

/** Nodes that protocol 2 has opcodes for. */
export type Protocol2Node = Exclude<PickleNode, BytesNode | SetNode>

/** A text of one string cannot be longer than BINUNICODE's 4-byte length. */
const MAX_LATIN1_BYTES = 0x7fff_ffff

/**
 * Says in protocol 2 what newer protocols have opcodes for, as Python's own pickler says it: bytes as
 * `_codecs.encode(text, 'latin1')`, sets as `set([…])`, a method as `getattr(class, name)`.
 *
 * One node always gives the same node, so that what was shared stays shared.
 */
export class Protocol2 {
  readonly #said = new Map<PickleNode, Protocol2Node>()
  readonly #encode = globalNode('_codecs', 'encode')
  readonly #latin1 = stringNode('latin1')
  readonly #classes = {
    bytearray: globalNode('__builtin__', 'bytearray'),
    set: globalNode('__builtin__', 'set'),
    frozenset: globalNode('__builtin__', 'frozenset'),
  }
  readonly #getattr = globalNode('__builtin__', 'getattr')
  readonly #globals = new Map<string, GlobalNode>()
  readonly #allows: Allows

  constructor(allows: Allows) {
    this.#allows = allows
  }

  /** @throws {CheckpointFormatError} `not-expressible` for a dotted global that is not on the allow-list */
  say(node: PickleNode): Protocol2Node {
    switch (node.kind) {
      case 'bytes':
      case 'bytearray':
      case 'set':
      case 'frozenset':
      case 'global': {
        const said = this.#said.get(node) ?? this.#translate(node)
        this.#said.set(node, said)
        return said
      }
      default:
        return node
    }
  }

  #translate(node: PickleNode): Protocol2Node {
    switch (node.kind) {
      case 'bytes':
        return call(this.#encode, [latin1Node(node.data), this.#latin1])
      case 'bytearray':
        return call(this.#classes.bytearray, [{ kind: 'bytes', data: node.data }])
      case 'set':
      case 'frozenset':
        return call(this.#classes[node.kind], [{ kind: 'list', items: node.items }])
      case 'global':
        return this.#global(node)
      default:
        throw notExpressible(node.kind)
    }
  }

  #global(node: GlobalNode): Protocol2Node {
    const dot = node.name.lastIndexOf('.')
    if (dot < 0) return this.#known(node)
    const [owner, attribute] = [node.name.slice(0, dot), node.name.slice(dot + 1)]
    // A call of getattr reads back as a name only where the name is allowed, and once, not in a row.
    if (owner.includes('.') || !this.#allows(node)) {
      throw notExpressible(`the dotted name ${node.name}`)
    }
    return call(this.#getattr, [this.#known(globalNode(node.module, owner)), stringNode(attribute)])
  }

  /** One node of each global that is also used here, so that each is written once. */
  #known(node: GlobalNode): GlobalNode {
    if (/[\n\r]/.test(node.module + node.name)) throw notExpressible('a name with a line feed')
    if (isGlobal(node, this.#encode.module, this.#encode.name)) return this.#encode
    const pair = `${node.module}\n${node.name}`
    const known = this.#globals.get(pair) ?? node
    this.#globals.set(pair, known)
    return known
  }
}

function call(callee: GlobalNode, items: readonly PickleNode[]): ObjectNode {
  return { kind: 'object', how: 'call', callee, args: { kind: 'tuple', items }, changes: [] }
}

function globalNode(module: string, name: string): GlobalNode {
  return { kind: 'global', module, name }
}

/** Bytes as the text whose Latin-1 encoding they are: those from 0x80 on take two bytes of UTF-8. */
function latin1Node(data: Uint8Array): StringNode {
  if (data.byteLength > MAX_LATIN1_BYTES)
    throw notExpressible(`${data.byteLength} bytes in one value`)
  const high = data.reduce((count, byte) => count + (byte >> 7), 0)
  const utf8 = new Uint8Array(data.byteLength + high)
  let at = 0
  for (const byte of data) {
    if (byte < 0x80) {
      utf8[at] = byte
      at += 1
    } else {
      utf8[at] = 0xc0 | (byte >> 6)
      utf8[at + 1] = 0x80 | (byte & 0x3f)
      at += 2
    }
  }
  return { kind: 'string', utf8 }
}

function notExpressible(found: string): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'not-expressible',
    field: 'pickle: protocol 2',
    expected: 'a value that protocol 2 can write',
    found,
    meaning: 'The checkpoint was saved with a newer pickle protocol; save it with the default one.',
  })
}
