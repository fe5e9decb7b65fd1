/** Whether an entry has to be written: what is to be there, against what was read. */
import type { Attributes } from './schema.ts'

/**
 * Whether two entries say the same: texts, numbers, lists and maps, as the hub writes them. DynamoDB keeps no undefined
 * values, so an attribute without one is as good as none. What the hub never writes, such as a set, is never the same.
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
  return isMap(one) && isMap(other) && isWithin(one, other) && hasNoOther(other, one)
}

function isWithin(one: Attributes, other: Attributes): boolean {
  for (const name of Object.keys(one)) if (!isSame(one[name], own(other, name))) return false
  return true
}

function hasNoOther(other: Attributes, one: Attributes): boolean {
  for (const name of Object.keys(other)) {
    if (other[name] !== undefined && own(one, name) === undefined) return false
  }
  return true
}

/** A metric may be called `constructor`, which every map seems to have. */
function own(attributes: Attributes, name: string): unknown {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}

function isMap(value: unknown): value is Attributes {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
