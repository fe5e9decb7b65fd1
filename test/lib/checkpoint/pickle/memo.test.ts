import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memo } from '../../../../lib/checkpoint/pickle/memo.ts'
import type { PickleNode } from '../../../../lib/checkpoint/pickle/node.ts'

const index = fc.oneof(fc.nat(10), fc.constantFrom(1000, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1))

test('a memo holds what was put last under each number, whatever the numbers', () => {
  fc.assert(
    fc.property(fc.array(index, { maxLength: 30 }), (indexes) => {
      const memo = new Memo()
      const expected = new Map<number, PickleNode>()
      for (const [value, at] of indexes.entries()) {
        const node: PickleNode = { kind: 'int', value }
        memo.set(at, node)
        expected.set(at, node)
        expect(memo.size).toBe(expected.size)
      }
      for (const at of [...indexes, 0, 11, 2 ** 32 - 1]) {
        expect(memo.get(at)).toBe(expected.get(at))
      }
    }),
  )
})
