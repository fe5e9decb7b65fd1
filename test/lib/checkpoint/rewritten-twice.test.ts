/**
 * Invariant 12 on a detour: a file that was rewritten before, such as a best copy, gives the same bytes as
 * the upload that it was made from.
 */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { assemble, planRewrite, readCheckpoint } from '../../../lib/checkpoint/rewrite.ts'
import { dict, floatTensor, pickleOf } from '../../fixtures/pickle-bytes.ts'

const ALIGNMENT_BYTES = 64

describe('a file rewritten twice', () => {
  it('is what rewriting it once with the last keys gives, however its storages lie (12)', async () => {
    await fc.assert(
      fc.asyncProperty(sources(), async ({ source, first, second }) => {
        const best = await rewritten(source, first)
        const both = first.filter((key) => second.includes(key))
        expect(await rewritten(best, second)).toEqual(await rewritten(source, both))
      }),
      { numRuns: 300 },
    )
  })
})

async function rewritten(bytes: Uint8Array, keys: readonly string[]): Promise<Buffer> {
  const reader = readerOver(bytes)
  const plan = planRewrite(await readCheckpoint(reader), (key) => keys.includes(key))
  return Buffer.concat(await Array.fromAsync(assemble(reader, plan)))
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
      .map(({ order, first, second }) => ({ source: torchFile(sizes, order), first, second }))
  })
}

/** As torch lays a file out: an extra field pads until the data are aligned, a descriptor follows. */
function torchFile(sizes: readonly number[], order: readonly string[]): Uint8Array {
  const tensors = sizes.map((count, at) => [`key${at}`, floatTensor(String(at), count)] as const)
  const pickle = pickleOf(dict(Object.fromEntries(tensors)))
  const storages = order.map((key): [string, Uint8Array] => {
    const at = Number(key.slice('key'.length))
    return [`archive/data/${at}`, new Uint8Array((sizes[at] ?? 0) * 4).fill(at + 1)]
  })
  const entries: [string, Uint8Array][] = [
    ['archive/data.pkl', pickle],
    ...storages,
    ['archive/version', Buffer.from('3\n')],
  ]
  const body: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, data] of entries) {
    directory.push(centralHeader(name, data, offset))
    const whole = localEntry(name, data, offset)
    body.push(whole)
    offset += whole.byteLength
  }
  const headers = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(headers.byteLength, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...body, headers, end])
}

function localEntry(name: string, data: Uint8Array, offset: number): Buffer {
  const unpadded = offset + 30 + name.length + 4
  const padding = (ALIGNMENT_BYTES - (unpadded % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(0x0808, 6)
  header.writeUInt16LE(name.length, 26)
  header.writeUInt16LE(4 + padding, 28)
  const extra = Buffer.alloc(4 + padding, 'Z')
  extra.write('FB')
  extra.writeUInt16LE(padding, 2)
  const descriptor = Buffer.alloc(16)
  descriptor.writeUInt32LE(0x08074b50, 0)
  descriptor.writeUInt32LE(crc32(data), 4)
  descriptor.writeUInt32LE(data.byteLength, 8)
  descriptor.writeUInt32LE(data.byteLength, 12)
  return Buffer.concat([header, Buffer.from(name), extra, data, descriptor])
}

function centralHeader(name: string, data: Uint8Array, offset: number): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  header.writeUInt16LE(0x0808, 8)
  header.writeUInt32LE(crc32(data), 16)
  header.writeUInt32LE(data.byteLength, 20)
  header.writeUInt32LE(data.byteLength, 24)
  header.writeUInt16LE(name.length, 28)
  header.writeUInt32LE(offset, 42)
  return Buffer.concat([header, Buffer.from(name)])
}
