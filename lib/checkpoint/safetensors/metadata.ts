import type { PickleNode } from '../pickle/node.ts'
import { type PlainValue, plainValue } from '../plain-values.ts'

/**
 * `__metadata__` of a checkpoint's `meta`, which the format wants as texts: a text stays as it is, anything else
 * is its JSON. `format` says `pt`, as safetensors' own functions for torch write, and loaders look for.
 */
export function metadataOf(meta: PickleNode | undefined): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  const value = meta === undefined ? {} : plainValue(meta)
  const members = isMap(value) ? Object.entries(value) : [['meta', value] as const]
  for (const [key, member] of members) {
    texts.set(key, typeof member === 'string' ? member : JSON.stringify(member))
  }
  return texts.set('format', 'pt')
}

function isMap(value: PlainValue): value is { readonly [key: string]: PlainValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
