import { BATCH_ITEMS } from './limits.ts'
import type { Change, PickleNode } from './node.ts'
import { OPCODE } from './opcode.ts'
import type { Protocol2Node } from './protocol-2.ts'
import type { AtomNode, LeafNode } from './write-leaf.ts'

/** A node with children, in the words of protocol 2. */
export type CompositeNode = Exclude<Protocol2Node, AtomNode | LeafNode>

/** What is left to write: a node, an opcode, or the note that a node now exists or is finished. */
export type Step =
  | PickleNode
  | { readonly kind: 'opcode'; readonly opcode: number }
  | { readonly kind: 'made' | 'done'; readonly node: CompositeNode }

const opcodeStep = (opcode: number): Step => ({ kind: 'opcode', opcode })
const MARK = opcodeStep(OPCODE.MARK)
const SHORT_TUPLES = [OPCODE.EMPTY_TUPLE, OPCODE.TUPLE1, OPCODE.TUPLE2, OPCODE.TUPLE3].map(
  opcodeStep,
)
const APPENDS = { one: opcodeStep(OPCODE.APPEND), many: opcodeStep(OPCODE.APPENDS) }
const SETITEMS = { one: opcodeStep(OPCODE.SETITEM), many: opcodeStep(OPCODE.SETITEMS) }

/** The steps that make a node exist, so that others may refer to it. */
export function stepsToMake(node: CompositeNode): Step[] {
  switch (node.kind) {
    case 'list':
      return [opcodeStep(OPCODE.EMPTY_LIST)]
    case 'dict':
      return [opcodeStep(OPCODE.EMPTY_DICT)]
    case 'tuple': {
      const short = SHORT_TUPLES[node.items.length]
      return short === undefined
        ? [MARK, ...node.items, opcodeStep(OPCODE.TUPLE)]
        : [...node.items, short]
    }
    case 'persistent':
      return [node.id, opcodeStep(OPCODE.BINPERSID)]
    case 'object':
      return [
        node.callee,
        node.args,
        opcodeStep(node.how === 'new' ? OPCODE.NEWOBJ : OPCODE.REDUCE),
      ]
  }
}

/** The steps that fill a node which exists already. */
export function stepsToFill(node: CompositeNode): Step[] {
  switch (node.kind) {
    case 'list':
      return inBatches(node.items, 1, APPENDS)
    case 'dict':
      return inBatches(node.entries, 2, SETITEMS)
    case 'object':
      return node.changes.flatMap(stepsOfChange)
    default:
      return []
  }
}

function stepsOfChange(change: Change): Step[] {
  switch (change.kind) {
    case 'appends':
      return inBatches(change.items, 1, APPENDS)
    case 'setitems':
      return inBatches(change.entries, 2, SETITEMS)
    case 'build':
      return [change.state, opcodeStep(OPCODE.BUILD)]
  }
}

function inBatches(
  nodes: readonly PickleNode[],
  nodesPerItem: number,
  opcodes: { readonly one: Step; readonly many: Step },
): Step[] {
  const steps: Step[] = []
  const batch = BATCH_ITEMS * nodesPerItem
  for (let first = 0; first < nodes.length; first += batch) {
    const members = nodes.slice(first, first + batch)
    if (members.length > nodesPerItem) steps.push(MARK)
    for (const member of members) steps.push(member)
    steps.push(members.length > nodesPerItem ? opcodes.many : opcodes.one)
  }
  return steps
}
