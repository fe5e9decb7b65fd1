/**
 * Invariant 12 on a detour: a file that was rewritten before, such as a best copy, gives the same bytes as
 * the upload that it was made from.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assemble,
  checkLocalHeaders,
  planRewrite,
  readCheckpoint,
} from '../../../lib/checkpoint/rewrite.ts'
import { dict, floatTensor, pickleOf } from '../../fixtures/pickle-bytes.ts'
import { keyedCheckpoint } from '../../fixtures/shaped-checkpoints.ts'
import { fileOf, haveSameBytes, type SparseFile, sparseFile } from '../../fixtures/sparse-file.ts'
import { type TorchEntry, torchFile } from '../../fixtures/torch-layout.ts'

describe('a file rewritten twice', () => {
  it('is so too where long and short runs alternate, of whatever alignment (12)', async () => {
    await fc.assert(
      fc.asyncProperty(largeSources(), async ({ sizes, order, first, second }) => {
        const source = keyedCheckpoint(sizes, order)
        const best = await planned(source, first)
        const both = first.filter((key) => second.includes(key))
        const twice = await planned(best, second)
        expect(await haveSameBytes(twice, await planned(source, both))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('is what rewriting it once with the last keys gives, however its storages lie (12)', async () => {
    await fc.assert(
      fc.asyncProperty(sources(), async ({ source, first, second }) => {
        const best = await rewritten(source, first)
        const both = first.filter((key) => second.includes(key))
        const twice = await rewritten(best, second)
        expect(await haveSameBytes(twice, await rewritten(source, both))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

async function rewritten(source: SparseFile, keys: readonly string[]): Promise<SparseFile> {
  const plan = planRewrite(await readCheckpoint(source), (key) => keys.includes(key))
  const bytes = Buffer.concat(await Array.fromAsync(assemble(source, plan)))
  return sparseFile(bytes.byteLength, [{ offset: 0, bytes }])
}

async function planned(source: SparseFile, keys: readonly string[]): Promise<SparseFile> {
  const plan = planRewrite(await readCheckpoint(source), (key) => keys.includes(key))
  await checkLocalHeaders(source, plan)
  return fileOf(plan.pieces, source)
}

/** Checkpoints of both orders, with storages that are longer and shorter than what S3 can copy. */
function largeSources() {
  const MIB = 1024 ** 2
  const lengths = fc.tuple(fc.constantFrom(4, 3 * MIB, 6 * MIB, 1300 * MIB), fc.nat(70))
  return fc.array(lengths, { minLength: 3, maxLength: 14 }).chain((sizes) => {
    const keys = sizes.map((_, at) => `key${at}`)
    return fc.record({
      sizes: fc.constant(sizes.map(([size, odd]) => size + odd)),
      order: fc.constantFrom('older' as const, 'newer' as const),
      first: fc.subarray(keys, { minLength: 1 }),
      second: fc.subarray(keys, { minLength: 1 }),
    })
  })
}

/** Checkpoints with one storage a key, in any order and of any size, and two choices of keys. */
function sources() {
  const counts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 9 })
  return counts.chain((sizes) => {
    const keys = sizes.map((_, at) => `key${at}`)
    return fc
      .record({
        order: fc.shuffledSubarray(keys, { minLength: keys.length, maxLength: keys.length }),
        first: fc.subarray(keys, { minLength: 1 }),
        second: fc.subarray(keys, { minLength: 1 }),
      })
      .map(({ order, first, second }) => ({ source: torchFileOf(sizes, order), first, second }))
  })
}

/** With one storage a key. */
function torchFileOf(sizes: readonly number[], order: readonly string[]): SparseFile {
  const tensors = sizes.map((count, at) => [`key${at}`, floatTensor(String(at), count)] as const)
  const small = (name: string, data: Uint8Array): TorchEntry => ({
    name: `archive/${name}`,
    sizeBytes: data.byteLength,
    data,
  })
  const storages = order.map((key) => {
    const at = Number(key.slice('key'.length))
    return small(`data/${at}`, new Uint8Array((sizes[at] ?? 0) * 4).fill(at + 1))
  })
  const pickle = pickleOf(dict(Object.fromEntries(tensors)))
  return torchFile([small('data.pkl', pickle), ...storages, small('version', Buffer.from('3\n'))])
}
