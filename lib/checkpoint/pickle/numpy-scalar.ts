import { isGlobal } from './allow-list.ts'
import type { ObjectNode, PickleNode } from './node.ts'

const MODULES = ['numpy.core.multiarray', 'numpy._core.multiarray']
/** The 8 bytes of the largest number, as text that needs two bytes for each. */
const MAX_TEXT_BYTES = 16
/** Readers by the name of numpy's dtype, whose byte order is `<` or does not matter. */
const READERS: Readonly<Record<string, (bytes: Buffer) => number | bigint | boolean>> = {
  f8: (bytes) => bytes.readDoubleLE(0),
  f4: (bytes) => bytes.readFloatLE(0),
  i8: (bytes) => bytes.readBigInt64LE(0),
  i4: (bytes) => bytes.readInt32LE(0),
  i2: (bytes) => bytes.readInt16LE(0),
  i1: (bytes) => bytes.readInt8(0),
  u1: (bytes) => bytes.readUInt8(0),
  b1: (bytes) => bytes.readUInt8(0) !== 0,
}

/** The number of `numpy.core.multiarray.scalar(dtype('f8'), bytes)`; undefined for any other call. */
export function numpyScalar(node: ObjectNode): number | bigint | boolean | undefined {
  if (!MODULES.some((module) => isGlobal(node.callee, module, 'scalar'))) return undefined
  const [dtype, value] = itemsOf(node.args)
  const name = dtypeName(dtype)
  const bytes = bytesOf(value)
  const read = name !== undefined && Object.hasOwn(READERS, name) ? READERS[name] : undefined
  if (read === undefined || bytes?.byteLength !== Number(name?.slice(1))) return undefined
  return read(bytes)
}

/** `numpy.dtype('f8', …)` with the state `(3, '<', …)`. */
function dtypeName(node: PickleNode | undefined): string | undefined {
  if (node?.kind !== 'object' || !isGlobal(node.callee, 'numpy', 'dtype')) return undefined
  const state = node.changes.at(-1)
  const order = state?.kind === 'build' ? itemsOf(state.state)[1] : undefined
  if (latin1(order) === '>') return undefined
  return latin1(itemsOf(node.args)[0])
}

/** Bytes, which protocol 2 says as `_codecs.encode(text, 'latin1')`. */
function bytesOf(node: PickleNode | undefined): Buffer | undefined {
  if (node?.kind === 'bytes') return Buffer.from(node.data)
  if (node?.kind !== 'object' || !isGlobal(node.callee, '_codecs', 'encode')) return undefined
  const text = itemsOf(node.args)[0]
  if (text?.kind !== 'string' || text.utf8.byteLength > MAX_TEXT_BYTES) return undefined
  return Buffer.from(Buffer.from(text.utf8).toString('utf8'), 'latin1')
}

function latin1(node: PickleNode | undefined): string | undefined {
  if (node?.kind !== 'string' || node.utf8.byteLength > MAX_TEXT_BYTES) return undefined
  return Buffer.from(node.utf8).toString('latin1')
}

function itemsOf(node: PickleNode | undefined): readonly PickleNode[] {
  return node?.kind === 'tuple' ? node.items : []
}
