/**
 * Writes a graph as a pickle of protocol 2, within the opcodes that torch's weights-only loader knows where
 * the graph itself is within them. The same graph always gives the same bytes.
 */
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { type Allows, isAllowed } from './allow-list.ts'
import type { PickleNode } from './node.ts'
import { Pickler } from './pickler.ts'
import { Protocol2 } from './protocol-2.ts'
import { sharedNodes } from './references.ts'
import type { CompositeNode } from './steps.ts'

/** Every round finds all cycles of one order of writing; real pickles need none. */
const MAX_ROUNDS = 8

/**
 * Writes a graph.
 *
 * Python's pickler leaves a tuple that contains itself with POP, which the weights-only loader does not know.
 * Here the containers of such a cycle are made empty and filled at the very beginning, and what that leaves
 * at the bottom of the stack stays there: readers take the top.
 *
 * @param allows which dotted names, all others being refused
 * @throws {CheckpointFormatError} `too-deep`, `too-large`, or `not-expressible` where protocol 2 has no way
 *   to write it: a set or a call's argument that contains itself, a dotted global
 */
export function writePickle(root: PickleNode, allows: Allows = isAllowed): Uint8Array {
  const protocol2 = new Protocol2(allows)
  const shared = sharedNodes(root, protocol2)
  let early: ReadonlySet<CompositeNode> = new Set()
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const pickler = new Pickler(protocol2, shared, early)
    const bytes = pickler.write(root)
    if (pickler.neededEarly.size === 0) return bytes
    early = new Set([...early, ...pickler.neededEarly])
  }
  throw new CheckpointFormatError({
    code: 'not-expressible',
    field: 'pickle: protocol 2',
    expected: 'values that can be made before what contains them',
    found: 'tuples or calls in each other',
    meaning: 'The pickle is made to deceive: no program builds such values.',
  })
}
