/** Whether an entry has to be written: what is to be there, against what was read. */
import type { Attributes } from './schema.ts'

/**
 * Whether two entries say the same: texts, numbers, lists and maps, as the hub writes them. What it never writes, such
 * as a set, is the same as nothing.
 */
export function sameAttributes(one: Attributes | undefined, other: Attributes): boolean {
  return one !== undefined && isSame(one, other)
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false
    return one.every((each, at) => isSame(each, other[at]))
  }
  if (!isMap(one) || !isMap(other)) return false
  const names = Object.keys(one)
  if (names.length !== Object.keys(other).length) return false
  return names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
}

function isMap(value: unknown): value is Attributes {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
