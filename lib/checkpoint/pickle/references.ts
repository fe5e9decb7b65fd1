import { childrenOf, type PickleNode } from './node.ts'
import type { Protocol2, Protocol2Node } from './protocol-2.ts'

/** The nodes of a graph that are referred to more than once; the pickle itself refers to the root. */
export function sharedNodes(root: PickleNode, protocol2: Protocol2): ReadonlySet<Protocol2Node> {
  const seen = new Set<Protocol2Node>()
  const shared = new Set<Protocol2Node>()
  const pending: PickleNode[] = [root]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = protocol2.say(next)
    if (seen.has(node)) {
      shared.add(node)
      continue
    }
    seen.add(node)
    for (const child of childrenOf(node)) pending.push(child)
  }
  return shared
}
