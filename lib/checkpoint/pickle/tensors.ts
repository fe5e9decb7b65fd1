import { isGlobal } from './allow-list.ts'
import { dtypeOfStorage, elementBytesOf } from './dtypes.ts'
import { integerOf, type ObjectNode, type PickleNode } from './node.ts'
import { badStorage, type StorageReference, storageOf } from './storages.ts'

/** A tensor as its pickle describes it: a view of a storage. */
export interface TensorView {
  readonly storage: StorageReference
  /** torch's name, `float32`. */
  readonly dtype: string
  /** Bytes of one element, less than 1 where several share a byte. */
  readonly elementBytes: number
  /** First element, counted in elements from the start of the storage. */
  readonly offset: number
  readonly shape: readonly number[]
  /** In elements. */
  readonly strides: readonly number[]
  /** Whether its bytes are its value: false for quantized, conjugated and negated tensors. */
  readonly isPlain: boolean
}

/** Calls of `torch._utils` whose first arguments are storage, offset, size and stride. */
const REBUILDS = ['_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_tensor_v3', '_rebuild_qtensor']

/** Axes of one tensor. */
const MAX_AXES = 64

/**
 * Refuses tensors that reach beyond their storage: older torch reads foreign memory there.
 *
 * @param nodes of a graph, as `reachable` gives them
 * @throws {CheckpointFormatError} `bad-storage`
 */
export function checkTensors(nodes: readonly PickleNode[]): void {
  for (const node of nodes) {
    const view = viewOfTensor(node)
    if (view !== undefined) checkTensor(view)
  }
}

/**
 * The view that a call makes; undefined for any other node. A parameter is none: it wraps a call that is.
 *
 * @throws {CheckpointFormatError} `bad-storage` where its arguments are none of a tensor
 */
export function viewOfTensor(node: PickleNode): TensorView | undefined {
  if (node.kind !== 'object') return undefined
  const { callee, args } = node
  if (isRebuild(callee)) return viewBy(callee.name, itemsOf(args))
  // A subclass names the call instead of making it: (function, class, arguments, state).
  if (!isGlobal(callee, 'torch._tensor', '_rebuild_from_type_v2')) return undefined
  const [function_, , inner] = itemsOf(args)
  if (function_ === undefined || !isRebuild(function_)) return undefined
  return viewBy(function_.name, itemsOf(inner))
}

/** @throws {CheckpointFormatError} `bad-storage` where the view reaches beyond its storage */
export function checkTensor(view: TensorView): void {
  const { storage } = view
  const neededBytes = Math.ceil(elementsReached(view) * view.elementBytes)
  if (neededBytes <= storage.sizeBytes) return
  throw badStorage(
    `tensor in storage ${storage.key}`,
    `at most the storage's ${storage.sizeBytes} bytes`,
    `${neededBytes}`,
  )
}

/** Elements of a tensor, by its shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Whether the elements lie one after the other, in the order of the shape. */
export function isContiguous({ shape, strides }: TensorView): boolean {
  if (shape.includes(0)) return true
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = shape[axis] ?? 1
    // The stride of an axis of one element is never used.
    if (size !== 1 && strides[axis] !== expected) return false
    expected *= size
  }
  return true
}

function isRebuild(node: PickleNode): node is PickleNode & { kind: 'global' } {
  return node.kind === 'global' && REBUILDS.some((name) => isGlobal(node, 'torch._utils', name))
}

function viewBy(name: string, args: readonly PickleNode[]): TensorView {
  const [storageNode, offsetNode, sizeNode, strideNode] = args
  const offset = integerOf(offsetNode)
  const shape = integersOf(sizeNode)
  const strides = integersOf(strideNode)
  if (
    storageNode?.kind !== 'persistent' ||
    offset === undefined ||
    offset < 0 ||
    shape === undefined ||
    strides === undefined ||
    shape.length !== strides.length
  ) {
    throw badStorage(name, 'a storage, an offset, and as many sizes as strides', 'other arguments')
  }
  const storage = storageOf(storageNode)
  const dtype = namedDtype(name, args) ?? dtypeOfStorage(storage.className) ?? ''
  const elementBytes = elementBytesOf(dtype)
  if (elementBytes === undefined) throw badStorage(name, 'a dtype of torch', dtype)
  const isPlain = name !== '_rebuild_qtensor' && !hasMetadata(name, args)
  return { storage, dtype, elementBytes, offset, shape, strides, isPlain }
}

/** One more than the highest element that a view touches; 0 for one without elements. */
function elementsReached({ offset, shape, strides }: TensorView): number {
  if (shape.includes(0)) return 0
  return shape.reduce((last, size, axis) => last + (size - 1) * (strides[axis] ?? 0), offset) + 1
}

/** `_rebuild_tensor_v3` names the dtype as its seventh argument. */
function namedDtype(name: string, args: readonly PickleNode[]): string | undefined {
  if (name !== '_rebuild_tensor_v3') return undefined
  const dtype = args[6]
  return dtype?.kind === 'global' && dtype.module === 'torch' ? dtype.name : 'no dtype'
}

/** The last argument, where it is there, tells that the tensor is conjugated or negated. */
function hasMetadata(name: string, args: readonly PickleNode[]): boolean {
  const metadata = args[name === '_rebuild_tensor_v3' ? 7 : 6]
  return metadata !== undefined && metadata.kind !== 'none'
}

function itemsOf(node: PickleNode | undefined): readonly PickleNode[] {
  return node?.kind === 'tuple' ? node.items : []
}

/** Non-negative integers of a tuple or list, or of `torch.Size` around one. */
function integersOf(node: PickleNode | undefined): number[] | undefined {
  if (node?.kind === 'object' && isGlobal(node.callee, 'torch', 'Size')) {
    return integersOf(itemsOf(node.args)[0])
  }
  if (node?.kind !== 'tuple' && node?.kind !== 'list') return undefined
  // torch itself computes with 64 at most. One list may be the shape of every tensor.
  if (node.items.length > MAX_AXES) return undefined
  const numbers: number[] = []
  for (const item of node.items) {
    const number = integerOf(item)
    if (number === undefined || number < 0) return undefined
    numbers.push(number)
  }
  return numbers
}

/** The call within a parameter, or the node itself. */
export function withinParameter(node: ObjectNode): PickleNode {
  const isParameter = ['_rebuild_parameter', '_rebuild_parameter_with_state'].some((name) =>
    isGlobal(node.callee, 'torch._utils', name),
  )
  return (isParameter ? itemsOf(node.args)[0] : undefined) ?? node
}
