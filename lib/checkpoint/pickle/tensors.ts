import { isGlobal } from './allow-list.ts'
import { integerOf, type ObjectNode, type PickleNode } from './node.ts'
import { badStorage, reachable, storageOf } from './storages.ts'

/** Calls of `torch._utils` whose first arguments are storage, offset, size and stride. */
const REBUILDS = ['_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_tensor_v3', '_rebuild_qtensor']

/** Bytes of an element by dtype, where the call names one and the storage is untyped. */
const DTYPE_BYTES: Readonly<Record<string, number>> = {
  complex128: 16,
  complex64: 8,
  complex32: 4,
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  qint32: 4,
  int16: 2,
  uint16: 2,
  bits16: 2,
}

/**
 * Refuses tensors that reach beyond their storage: older torch reads foreign memory there.
 *
 * @throws {CheckpointFormatError} `bad-storage`
 */
export function checkTensors(root: PickleNode): void {
  for (const node of reachable(root)) {
    if (
      node.kind === 'object' &&
      REBUILDS.some((name) => isGlobal(node.callee, 'torch._utils', name))
    ) {
      checkTensor(node)
    }
  }
}

function checkTensor(node: ObjectNode): void {
  const args = node.args.kind === 'tuple' ? node.args.items : []
  const [storageNode, offsetNode, sizeNode, strideNode] = args
  const offset = integerOf(offsetNode)
  const sizes = integersOf(sizeNode)
  const strides = integersOf(strideNode)
  if (
    storageNode?.kind !== 'persistent' ||
    offset === undefined ||
    offset < 0 ||
    sizes === undefined ||
    strides === undefined ||
    sizes.length !== strides.length
  ) {
    throw badStorage(
      node.callee.name,
      'a storage, an offset, and as many sizes as strides',
      'other arguments',
    )
  }
  const storage = storageOf(storageNode)
  const elementBytes = dtypeBytes(node, args) ?? storage.elementBytes
  const neededBytes = Math.ceil(elementsReached(offset, sizes, strides) * elementBytes)
  if (neededBytes > storage.sizeBytes) {
    throw badStorage(
      `tensor in storage ${storage.key}`,
      `at most the storage's ${storage.sizeBytes} bytes`,
      `${neededBytes}`,
    )
  }
}

/** One more than the highest element that a view touches; 0 for one without elements. */
function elementsReached(
  offset: number,
  sizes: readonly number[],
  strides: readonly number[],
): number {
  if (sizes.includes(0)) return 0
  return sizes.reduce((last, size, axis) => last + (size - 1) * (strides[axis] ?? 0), offset) + 1
}

/** `_rebuild_tensor_v3` names the dtype as its seventh argument. */
function dtypeBytes(node: ObjectNode, args: readonly PickleNode[]): number | undefined {
  const dtype = args[6]
  if (node.callee.name !== '_rebuild_tensor_v3' || dtype?.kind !== 'global') return undefined
  return Object.hasOwn(DTYPE_BYTES, dtype.name) ? DTYPE_BYTES[dtype.name] : 1
}

/** Non-negative integers of a tuple or list, or of `torch.Size` around one. */
function integersOf(node: PickleNode | undefined): number[] | undefined {
  if (node?.kind === 'object' && isGlobal(node.callee, 'torch', 'Size')) {
    return node.args.kind === 'tuple' ? integersOf(node.args.items[0]) : undefined
  }
  if (node?.kind !== 'tuple' && node?.kind !== 'list') return undefined
  const numbers: number[] = []
  for (const item of node.items) {
    const number = integerOf(item)
    if (number === undefined || number < 0) return undefined
    numbers.push(number)
  }
  return numbers
}
