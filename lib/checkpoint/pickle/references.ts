import { childrenOf, type PickleNode } from './node.ts'
import type { Protocol2, Protocol2Node } from './protocol-2.ts'

/** How often each node of a graph is referred to, the root once by the pickle itself. */
export function countReferences(
  root: PickleNode,
  protocol2: Protocol2,
): ReadonlyMap<Protocol2Node, number> {
  const counts = new Map<Protocol2Node, number>()
  const pending: PickleNode[] = [root]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = protocol2.say(next)
    const count = counts.get(node)
    counts.set(node, (count ?? 0) + 1)
    if (count !== undefined) continue
    for (const child of childrenOf(node)) pending.push(child)
  }
  return counts
}
