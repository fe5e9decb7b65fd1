import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Change,
  chainAfter,
  chainOf,
  changedSince,
} from '../../../lib/message-hub/commit-chain.ts'

const names = fc.string({ minLength: 1, maxLength: 60 })
const change = fc.tuple(names, fc.option(fc.dictionary(names, names), { nil: undefined }))
const commits = fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), { maxLength: 30 })

function chainOfAll(all: readonly (readonly Change[])[]) {
  const chains: ReturnType<typeof chainAfter>[] = []
  for (const changes of all) chains.push(chainAfter(chains.at(-1), changes))
  return chains
}

describe('the chain of commits', () => {
  test('tells what changed since any commit that it still has, and of an older one nothing', () => {
    fc.assert(
      fc.property(commits, (all) => {
        const chains = chainOfAll(all)
        const last = chains.at(-1)
        if (last === undefined) return
        for (const [at, chain] of chains.entries()) {
          const told = changedSince(last, chain.commit)
          if (told === undefined) continue
          const changed = all.slice(at + 1).flatMap((each) => each.map(([entry]) => entry))
          expect(new Set(told)).toEqual(new Set(changed.filter((each) => each !== 'runtime_info')))
        }
        expect(changedSince(last, last.commit)).toEqual([])
        expect(changedSince(last, 'of another run')).toBeUndefined()
      }),
    )
  })

  test('is the same for the same changes, and another for others', () => {
    fc.assert(
      fc.property(commits, commits, (some, others) => {
        const [one, two] = [chainOfAll(some).at(-1), chainOfAll(others).at(-1)]
        const areSame = JSON.stringify(some) === JSON.stringify(others)
        expect(one?.commit === two?.commit).toBe(areSame)
        expect(chainOfAll(some).at(-1)).toEqual(one)
      }),
    )
  })

  test('stays small', () => {
    fc.assert(
      fc.property(commits, (all) => {
        for (const chain of chainOfAll(all)) {
          const told = chain.recent_commits.flatMap(({ entries }) => entries)
          expect(told.length).toBeLessThanOrEqual(98)
          expect(Buffer.byteLength(told.join(''))).toBeLessThanOrEqual(2_000)
        }
      }),
    )
  })

  test('is none where an entry has none, or something else under its name', () => {
    expect(chainOf(new Map())).toBeUndefined()
    expect(chainOf(new Map([['runtime_info', { version: 3 }]]))).toBeUndefined()
    const odd = { commit: 'c', recent_commits: [{ after: 1 }] }
    expect(chainOf(new Map([['runtime_info', odd]]))).toBeUndefined()
  })
})
