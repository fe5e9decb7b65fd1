import { BATCH_ITEMS } from './limits.ts'
import type { Change, PickleNode } from './node.ts'
import { OPCODE } from './opcode.ts'
import type { Protocol2Node } from './protocol-2.ts'
import type { AtomNode, LeafNode } from './write-leaf.ts'

/** A node with children, in the words of protocol 2. */
export type CompositeNode = Exclude<Protocol2Node, AtomNode | LeafNode>

/** What is left to write: a node, an opcode, or the note that the node begun last now exists or is finished. */
export type Step =
  | PickleNode
  | { readonly kind: 'opcode'; readonly opcode: number }
  | { readonly kind: 'made' | 'done' }

export const MADE: Step = { kind: 'made' }
export const DONE: Step = { kind: 'done' }

const opcodeStep = (opcode: number): Step => ({ kind: 'opcode', opcode })
const MARK = opcodeStep(OPCODE.MARK)
const EMPTY_LIST = opcodeStep(OPCODE.EMPTY_LIST)
const EMPTY_DICT = opcodeStep(OPCODE.EMPTY_DICT)
const SHORT_TUPLES = [OPCODE.EMPTY_TUPLE, OPCODE.TUPLE1, OPCODE.TUPLE2, OPCODE.TUPLE3].map(
  opcodeStep,
)
const TUPLE = opcodeStep(OPCODE.TUPLE)
const BINPERSID = opcodeStep(OPCODE.BINPERSID)
const CALLS = { call: opcodeStep(OPCODE.REDUCE), new: opcodeStep(OPCODE.NEWOBJ) }
const BUILD = opcodeStep(OPCODE.BUILD)
const APPENDS = { one: opcodeStep(OPCODE.APPEND), many: opcodeStep(OPCODE.APPENDS) }
const SETITEMS = { one: opcodeStep(OPCODE.SETITEM), many: opcodeStep(OPCODE.SETITEMS) }

/** Puts the steps that make a node exist, so that others may refer to it, onto a stack: the first on top. */
export function pushMaking(pending: Step[], node: CompositeNode): void {
  switch (node.kind) {
    case 'list':
      pending.push(EMPTY_LIST)
      break
    case 'dict':
      pending.push(EMPTY_DICT)
      break
    case 'tuple': {
      const short = SHORT_TUPLES[node.items.length]
      pending.push(short ?? TUPLE)
      pushLastFirst(pending, node.items, 0, node.items.length)
      if (short === undefined) pending.push(MARK)
      break
    }
    case 'persistent':
      pending.push(BINPERSID, node.id)
      break
    case 'object':
      pending.push(CALLS[node.how], node.args, node.callee)
      break
  }
}

/** Puts the steps that fill a node which exists already onto a stack, the first on top. */
export function pushFilling(pending: Step[], node: CompositeNode): void {
  switch (node.kind) {
    case 'list':
      pushBatches(pending, node.items, 1, APPENDS)
      break
    case 'dict':
      pushBatches(pending, node.entries, 2, SETITEMS)
      break
    case 'object':
      for (let at = node.changes.length - 1; at >= 0; at -= 1) pushChange(pending, node.changes[at])
      break
  }
}

function pushChange(pending: Step[], change: Change | undefined): void {
  switch (change?.kind) {
    case 'appends':
      pushBatches(pending, change.items, 1, APPENDS)
      break
    case 'setitems':
      pushBatches(pending, change.entries, 2, SETITEMS)
      break
    case 'build':
      pending.push(BUILD, change.state)
      break
  }
}

function pushBatches(
  pending: Step[],
  nodes: readonly PickleNode[],
  nodesPerItem: number,
  opcodes: { readonly one: Step; readonly many: Step },
): void {
  const batch = BATCH_ITEMS * nodesPerItem
  const batches = Math.ceil(nodes.length / batch)
  for (let number = batches - 1; number >= 0; number -= 1) {
    const first = number * batch
    const end = Math.min(first + batch, nodes.length)
    const isOne = end - first <= nodesPerItem
    pending.push(isOne ? opcodes.one : opcodes.many)
    pushLastFirst(pending, nodes, first, end)
    if (!isOne) pending.push(MARK)
  }
}

function pushLastFirst(
  pending: Step[],
  nodes: readonly PickleNode[],
  first: number,
  end: number,
): void {
  for (let at = end - 1; at >= first; at -= 1) {
    const node = nodes[at]
    if (node !== undefined) pending.push(node)
  }
}
