import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sameAttributes } from '../../../lib/message-hub/same-attributes.ts'

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>('', 'a', 0, -0, 1, Number.NaN, null, true),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('map'),
  ),
  map: fc.dictionary(fc.constantFrom('a', 'b', 'constructor', '__proto__'), tie('value'), {
    maxKeys: 3,
    noNullPrototype: true,
  }) as fc.Arbitrary<unknown>,
}))
const entry = plain.map as fc.Arbitrary<Record<string, unknown>>

describe('two entries', () => {
  test('are the same where Node finds no difference', () => {
    fc.assert(
      fc.property(entry, entry, (one, other) => {
        expect(sameAttributes(one, other)).toBe(isDeepStrictEqual(one, other))
        expect(sameAttributes(one, structuredClone(one))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('are the same where they differ in what is undefined', () => {
    const one = { a: 1, b: undefined, c: { d: undefined }, e: [{ f: undefined }] }
    expect(sameAttributes(one, { a: 1, c: {}, e: [{}], g: undefined })).toBe(true)
    expect(sameAttributes({ a: 1, c: {}, e: [{}] }, one)).toBe(true)
    expect(sameAttributes({ a: 1, c: {}, e: [] }, one)).toBe(false)
    expect(sameAttributes({ constructor: undefined }, {})).toBe(true)
  })

  test('differ where one is not there, or has what the hub never writes', () => {
    expect(sameAttributes(undefined, {})).toBe(false)
    expect(sameAttributes({ names: new Set(['a']) }, { names: new Set(['a']) })).toBe(false)
    expect(sameAttributes({ names: new Set(['a']) }, { names: {} })).toBe(false)
    expect(sameAttributes({ names: ['a'] }, { names: { 0: 'a' } })).toBe(false)
  })
})
