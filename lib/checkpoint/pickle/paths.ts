import {
  beginningOf,
  type Change,
  childrenOf,
  integerOf,
  nodesOf,
  type ObjectNode,
  type PickleNode,
} from './node.ts'

interface Step {
  readonly parent: PickleNode
  /** Place among the parent's children, as `childrenOf` orders them. */
  readonly index: number
}

/** Longer paths are cut in their middle; a person reads them. */
const MAX_STEPS = 12
/** Steps back that all paths of one answer take together; past that they show their ends only. */
const MAX_STEPS_BACK = 5_000_000

/**
 * The shortest path from a root to each node that a test picks, as a person would write it:
 * `optimizer.state[0].exp_avg`.
 */
export function pathsTo<Picked extends PickleNode>(
  root: PickleNode,
  picks: (node: PickleNode) => node is Picked,
): Map<Picked, string> {
  const search: Search = { nodes: [root], parents: [-1], indexes: [-1] }
  const met = new Set<PickleNode>(search.nodes)
  const found = new Map<Picked, string>()
  const budget = { steps: MAX_STEPS_BACK }
  for (let at = 0; at < search.nodes.length; at += 1) {
    const node = search.nodes[at]
    if (node === undefined) break
    if (picks(node)) found.set(node, describe(search, at, budget))
    const children = childrenOf(node)
    for (let index = 0; index < children.length; index += 1) {
      const child = children[index]
      if (child === undefined || !(picks(child) || hasChildren(child)) || met.has(child)) continue
      met.add(child)
      search.nodes.push(child)
      search.parents.push(at)
      search.indexes.push(index)
    }
  }
  return found
}

/** The nodes in the order in which they were met. In columns: a step for each would be an object for each. */
interface Search {
  readonly nodes: PickleNode[]
  /** Where each one's parent is in that order; -1 for the root. */
  readonly parents: number[]
  /** Each one's place among its parent's children. */
  readonly indexes: number[]
}

function hasChildren(node: PickleNode): boolean {
  switch (node.kind) {
    case 'tuple':
    case 'list':
    case 'dict':
    case 'set':
    case 'frozenset':
    case 'persistent':
    case 'object':
      return true
    default:
      return false
  }
}

function describe(search: Search, found: number, budget: { steps: number }): string {
  const steps: Step[] = []
  let at = found
  for (; at > 0; at = search.parents[at] ?? 0) {
    if (budget.steps <= 0 && steps.length > MAX_STEPS) break
    budget.steps -= 1
    steps.push(stepTo(search, at))
  }
  steps.reverse()
  const half = MAX_STEPS / 2
  const first = (at === 0 ? steps.slice(0, half) : []).map(labelOf)
  const shown =
    steps.length > MAX_STEPS
      ? [...first, '…', ...steps.slice(-half).map(labelOf)]
      : steps.map(labelOf)
  return shown.join('').replace(/^\./, '') || '(the whole value)'
}

function stepTo({ nodes, parents, indexes }: Search, at: number): Step {
  const parent = nodes[parents[at] ?? -1]
  if (parent === undefined) throw new RangeError(`no step leads to node ${at}`)
  return { parent, index: indexes[at] ?? -1 }
}

/** What one step is called: `.weight`, `[3]`. */
function labelOf({ parent, index }: Step): string {
  switch (parent.kind) {
    case 'dict':
      return keyLabel(parent.entries, index)
    case 'object':
      return objectLabel(parent, index)
    case 'persistent':
      return '(persistent id)'
    case 'set':
    case 'frozenset':
      return '{}'
    default:
      return `[${index}]`
  }
}

function keyLabel(entries: readonly PickleNode[], index: number): string {
  if (index % 2 === 0) return '(key)'
  const key = entries[index - 1]
  const text = beginningOf(key, 60)
  if (text !== undefined) return `.${text}`
  return `[${integerOf(key) ?? key?.kind}]`
}

function objectLabel(parent: ObjectNode, index: number): string {
  if (index === 0) return '()'
  if (index === 1) return '(args)'
  let first = 2
  for (const change of parent.changes) {
    const count = nodesOf(change).length
    if (index < first + count) return changeLabel(change, index - first)
    first += count
  }
  return ''
}

function changeLabel(change: Change, index: number): string {
  if (change.kind === 'setitems') return keyLabel(change.entries, index)
  return change.kind === 'build' ? '(state)' : `[${index}]`
}

/** The children of a node that a test picks, with what the step to each is called. */
export function labelledChildren(
  parent: PickleNode,
  picks: (child: PickleNode) => boolean,
): { readonly child: PickleNode; readonly label: string }[] {
  // By its changes, for to find the label of a child by its number looks at all changes before it.
  if (parent.kind === 'object') {
    const within = parent.changes.flatMap((change) =>
      labelled(nodesOf(change), picks, (index) => changeLabel(change, index)),
    )
    return [...labelled([parent.args], picks, () => '(args)'), ...within]
  }
  return labelled(childrenOf(parent), picks, (index) => labelOf({ parent, index }))
}

function labelled(
  nodes: readonly PickleNode[],
  picks: (child: PickleNode) => boolean,
  labelAt: (index: number) => string,
): { child: PickleNode; label: string }[] {
  return nodes.flatMap((child, index) => (picks(child) ? [{ child, label: labelAt(index) }] : []))
}
