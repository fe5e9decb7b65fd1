import { childrenOf, integerOf, type PickleNode, textOf } from './node.ts'

/** A node as its parent has it. */
export interface Step {
  readonly parent: PickleNode
  /** Place among the parent's children, as `childrenOf` orders them. */
  readonly index: number
}

/** Longer paths are cut in their middle; a person reads them. */
const MAX_STEPS = 12

/**
 * The shortest path from a root to each node that a test picks, as a person would write it:
 * `optimizer.state[0].exp_avg`.
 */
export function pathsTo<Picked extends PickleNode>(
  root: PickleNode,
  picks: (node: PickleNode) => node is Picked,
): Map<Picked, string> {
  const cameFrom = new Map<PickleNode, Step | undefined>([[root, undefined]])
  const found = new Map<Picked, string>()
  const queue: PickleNode[] = [root]
  for (let at = 0; at < queue.length; at += 1) {
    const node = queue[at]
    if (node === undefined) break
    if (picks(node)) found.set(node, describe(node, cameFrom))
    for (const [index, child] of childrenOf(node).entries()) {
      if (cameFrom.has(child) || !(picks(child) || hasChildren(child))) continue
      cameFrom.set(child, { parent: node, index })
      queue.push(child)
    }
  }
  return found
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

function describe(node: PickleNode, cameFrom: ReadonlyMap<PickleNode, Step | undefined>): string {
  const labels: string[] = []
  let step = cameFrom.get(node)
  while (step !== undefined) {
    labels.push(labelOf(step))
    step = cameFrom.get(step.parent)
  }
  labels.reverse()
  const half = MAX_STEPS / 2
  const shown =
    labels.length > MAX_STEPS ? [...labels.slice(0, half), '…', ...labels.slice(-half)] : labels
  return shown.join('').replace(/^\./, '') || '(the whole value)'
}

/** What one step of a path is called: `.weight`, `[3]`. */
export function labelOf({ parent, index }: Step): string {
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
  const text = textOf(key)
  if (text !== undefined) return `.${text.length > 60 ? `${text.slice(0, 60)}…` : text}`
  return `[${integerOf(key) ?? key?.kind}]`
}

function objectLabel(parent: PickleNode & { kind: 'object' }, index: number): string {
  if (index === 0) return '()'
  if (index === 1) return '(args)'
  let first = 2
  for (const change of parent.changes) {
    const count =
      change.kind === 'build'
        ? 1
        : change.kind === 'appends'
          ? change.items.length
          : change.entries.length
    if (index < first + count) {
      if (change.kind === 'setitems') return keyLabel(change.entries, index - first)
      return change.kind === 'build' ? '(state)' : `[${index - first}]`
    }
    first += count
  }
  return ''
}
