import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { childrenOf, type PickleNode } from './node.ts'
import { labelledChildren } from './paths.ts'
import { checkTensor, type TensorView, viewOfTensor, withinParameter } from './tensors.ts'

/** A tensor at one of its places; one that has two names is at two places. */
export interface PlacedTensor {
  readonly path: string
  readonly view: TensorView
}

export interface TensorPlaces {
  readonly tensors: readonly PlacedTensor[]
  /** Tensors whose arguments are none, or that reach beyond their storage. */
  readonly faults: readonly { readonly path: string; readonly fault: CheckpointFormatError }[]
  /** Whether values were left out, because shared values made the walk too long. */
  readonly isCut: boolean
}

/** Values looked at on one walk of one key; shared ones are looked at once for each of their places. */
const MAX_VISITS = 1_000_000
/** Tensors of one answer; the largest optimizers have some ten thousand. */
const MAX_TENSORS = 200_000
/** Names of modules within each other have some hundred. */
const MAX_PATH_CHARACTERS = 1000

interface Visit {
  readonly node: PickleNode
  readonly path: string
  /** Set where the node's children are done. */
  readonly leaves?: true
}

/** Every tensor within a value, in the order of the pickle, at each of its places. */
export function tensorPlaces(root: PickleNode, rootPath: string): TensorPlaces {
  const tensors: PlacedTensor[] = []
  const faults: { path: string; fault: CheckpointFormatError }[] = []
  const within = new Set<PickleNode>()
  const pending: Visit[] = [{ node: root, path: rootPath }]
  let visits = 0
  for (let visit = pending.pop(); visit !== undefined; visit = pending.pop()) {
    const { node, path } = visit
    if (visit.leaves) {
      within.delete(node)
      continue
    }
    visits += 1
    if (visits > MAX_VISITS || tensors.length + faults.length >= MAX_TENSORS) {
      return { tensors, faults, isCut: true }
    }
    const placed = placedAt(node, path)
    if (placed !== undefined) {
      if ('view' in placed) tensors.push(placed)
      else faults.push(placed)
      continue
    }
    const count = childrenOf(node).length
    if (count === 0 || within.has(node)) continue
    // Each is looked at, whether it may hold tensors or not.
    visits += count
    within.add(node)
    pending.push({ node, path, leaves: true })
    for (const { child, label } of labelledChildren(node, mayHoldTensors).reverse()) {
      pending.push({ node: child, path: longer(path, label) })
    }
  }
  return { tensors, faults, isCut: false }
}

function placedAt(
  node: PickleNode,
  path: string,
): PlacedTensor | { path: string; fault: CheckpointFormatError } | undefined {
  if (node.kind !== 'object') return undefined
  try {
    const view = viewOfTensor(withinParameter(node))
    if (view === undefined) return undefined
    checkTensor(view)
    return { path, view }
  } catch (error) {
    if (error instanceof CheckpointFormatError) return { path, fault: error }
    throw error
  }
}

/** A path is no longer than a person reads, however deep the value. */
function longer(path: string, label: string): string {
  if (path.length > MAX_PATH_CHARACTERS) return path
  const grown = `${path}${label}`
  return grown.length > MAX_PATH_CHARACTERS ? `${grown.slice(0, MAX_PATH_CHARACTERS)}…` : grown
}

function mayHoldTensors(node: PickleNode): boolean {
  switch (node.kind) {
    case 'tuple':
    case 'list':
    case 'dict':
    case 'object':
      return true
    default:
      return false
  }
}
