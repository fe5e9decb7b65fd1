/**
 * What a pickle says, as a graph. Nothing in it is an object of Python: a call is a node that names what
 * would be called. Two references to one node are two references to one Python object.
 */
export type PickleNode =
  | NoneNode
  | BoolNode
  | IntNode
  | LongNode
  | FloatNode
  | StringNode
  | BytesNode
  | Python2StringNode
  | TupleNode
  | ListNode
  | DictNode
  | SetNode
  | GlobalNode
  | PersistentNode
  | ObjectNode

export interface NoneNode {
  readonly kind: 'none'
}
export interface BoolNode {
  readonly kind: 'bool'
  readonly value: boolean
}
/** An integer of 32 bits, signed. */
export interface IntNode {
  readonly kind: 'int'
  readonly value: number
}
/** An integer of any length, as its two's complement bytes. */
export interface LongNode {
  readonly kind: 'long'
  readonly littleEndian: Uint8Array
}
/** A double as its 8 bytes, so that the payload of a NaN survives. */
export interface FloatNode {
  readonly kind: 'float'
  readonly bigEndian: Uint8Array
}
/** Text as its UTF-8 bytes, in which Python also writes lone surrogates; a history's text can be large. */
export interface StringNode {
  readonly kind: 'string'
  readonly utf8: Uint8Array
}
export interface BytesNode {
  readonly kind: 'bytes' | 'bytearray'
  readonly data: Uint8Array
}
/** Python 2's `str`, text or bytes: the reader's `encoding` decides. */
export interface Python2StringNode {
  readonly kind: 'py2-string'
  readonly data: Uint8Array
}
export interface TupleNode {
  readonly kind: 'tuple'
  readonly items: readonly PickleNode[]
}
export interface ListNode {
  readonly kind: 'list'
  readonly items: PickleNode[]
}
export interface DictNode {
  readonly kind: 'dict'
  /** Keys and values in turn, in the order of insertion; a key may come twice, then the last value holds. */
  readonly entries: PickleNode[]
}
export interface SetNode {
  readonly kind: 'set' | 'frozenset'
  readonly items: PickleNode[]
}
/** A function or class by its name. */
export interface GlobalNode {
  readonly kind: 'global'
  readonly module: string
  readonly name: string
}
/** What the reader finds by an id; torch's id is a tuple that names a storage. */
export interface PersistentNode {
  readonly kind: 'persistent'
  readonly id: PickleNode
}
/** The result of a call, with what is done to it afterwards, in order. */
export interface ObjectNode {
  readonly kind: 'object'
  /** `call`: `callee(*args)`, REDUCE. `new`: `callee.__new__(callee, *args)`, NEWOBJ. */
  readonly how: 'call' | 'new'
  readonly callee: GlobalNode
  readonly args: PickleNode
  readonly changes: Change[]
}

/** APPENDS, SETITEMS (keys and values in turn), or BUILD on an object. */
export type Change =
  | { readonly kind: 'appends'; readonly items: PickleNode[] }
  | { readonly kind: 'setitems'; readonly entries: PickleNode[] }
  | { readonly kind: 'build'; readonly state: PickleNode }

/** A whole pickle, read. */
export interface PickleGraph {
  readonly root: PickleNode
  /**
   * Every global that the pickle names, once each, in order, those of discarded values too; a `getattr` only
   * where it was called for anything else than a method that the allow-list knows.
   */
  readonly globals: readonly GlobalNode[]
  /** What its PROTO opcode says. */
  readonly protocol: number
  /** Bytes up to and with its STOP; in a legacy file another pickle follows. */
  readonly sizeBytes: number
}

/** The nodes that a node refers to, in the order in which a pickler writes them. */
export function childrenOf(node: PickleNode): readonly PickleNode[] {
  switch (node.kind) {
    case 'tuple':
    case 'list':
    case 'set':
    case 'frozenset':
      return node.items
    case 'dict':
      return node.entries
    case 'persistent':
      return [node.id]
    case 'object':
      return [node.callee, node.args, ...node.changes.flatMap(nodesOf)]
    default:
      return []
  }
}

/** The nodes that a change brings to an object. */
export function nodesOf(change: Change): readonly PickleNode[] {
  switch (change.kind) {
    case 'appends':
      return change.items
    case 'setitems':
      return change.entries
    case 'build':
      return [change.state]
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a string node; undefined for other nodes and for lone surrogates. */
export function textOf(node: PickleNode | undefined): string | undefined {
  if (node?.kind !== 'string') return undefined
  try {
    return UTF8.decode(node.utf8)
  } catch {
    return undefined
  }
}

/** Bytes of a text that names something: a key of a storage, an attribute, a class. */
const MAX_SHORT_BYTES = 4096

/**
 * As `textOf`, and undefined for a long text: where a pickle refers to one text a million times, each of them
 * must cost little.
 */
export function shortTextOf(node: PickleNode | undefined): string | undefined {
  return node?.kind === 'string' && node.utf8.byteLength > MAX_SHORT_BYTES
    ? undefined
    : textOf(node)
}

/** The first of a text node's characters, for a person to read; undefined for other nodes. */
export function beginningOf(node: PickleNode | undefined, characters: number): string | undefined {
  if (node?.kind !== 'string') return undefined
  // A character has at most 4 bytes; one that is cut in the middle is left out with the rest.
  const text = Buffer.from(node.utf8.subarray(0, 4 * characters + 4)).toString('utf8')
  return text.length > characters ? `${text.slice(0, characters)}…` : text
}

/** The value of an integer node; undefined for other nodes and beyond 2^53. */
export function integerOf(node: PickleNode | undefined): number | undefined {
  if (node?.kind === 'int') return node.value
  if (node?.kind !== 'long' || node.littleEndian.byteLength > 8) return undefined
  let value = 0n
  for (const [index, byte] of node.littleEndian.entries())
    value |= BigInt(byte) << BigInt(8 * index)
  const number = Number(BigInt.asIntN(8 * node.littleEndian.byteLength, value))
  return Number.isSafeInteger(number) ? number : undefined
}

/** A string node of a text. */
export function stringNode(text: string): StringNode {
  return { kind: 'string', utf8: new TextEncoder().encode(text) }
}
