import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import {
  assemble,
  checkLocalHeaders,
  planRewrite,
  readCheckpoint,
} from '../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import {
  dict,
  floatTensor,
  int,
  type Piece,
  pickleOf,
  text,
  tuple,
} from '../../fixtures/pickle-bytes.ts'
import { keyedCheckpoint } from '../../fixtures/shaped-checkpoints.ts'
import { checkpointOf, zipOf } from '../../fixtures/zip-bytes.ts'

const keepState = (key: string): boolean => key === 'state_dict'

async function planOf(bytes: Uint8Array, wanted = keepState) {
  return planRewrite(await readCheckpoint(readerOver(bytes)), wanted)
}

async function outputOf(bytes: Uint8Array, wanted = keepState): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of assemble(readerOver(bytes), await planOf(bytes, wanted)))
    chunks.push(chunk)
  return Buffer.concat(chunks)
}

const codeOf = (bytes: Uint8Array) => complaintOf(() => outputOf(bytes))
const filled = (byte: number, count = 8) => Buffer.alloc(count, byte)
const tensors = (entries: Record<string, Piece>) => pickleOf(dict(entries))

describe('a plan', () => {
  const pickle = tensors({
    optimizer: floatTensor('0', 2),
    state_dict: ['(', floatTensor('1', 2), floatTensor('2', 2), 't'],
    message_hub: int(1),
  })
  const source = checkpointOf(pickle, { 0: filled(0xaa), 1: filled(0xbb), 2: filled(0xcc) })

  test('tells the keys that it keeps and removes, in the order of the file', async () => {
    const plan = await planOf(source, (key) => key !== 'optimizer')
    expect(plan.keptKeys).toEqual(['state_dict', 'message_hub'])
    expect(plan.removedKeys).toEqual(['optimizer'])
  })

  test('is as long as the file that comes of it', async () => {
    expect((await outputOf(source)).byteLength).toBe((await planOf(source)).sizeBytes)
  })

  test('is the same each time', async () => {
    expect(await planOf(source)).toEqual(await planOf(source))
  })

  test('begins with a local header and copies neighbours as one range', async () => {
    const { pieces } = await planOf(source)
    expect(pieces.map(({ kind }) => kind)).toEqual(['bytes', 'copy', 'bytes'])
    expect((await outputOf(source)).subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
  })

  test('leaves no byte of a removed storage, and every byte of a kept one', async () => {
    const output = await outputOf(source)
    expect(output.includes(filled(0xaa))).toBe(false)
    expect(output.includes(filled(0xbb))).toBe(true)
    expect(output.includes(filled(0xcc))).toBe(true)
  })

  test('keeps every range at its offset modulo 64', async () => {
    let at = 0
    for (const piece of (await planOf(source)).pieces) {
      if (piece.kind === 'copy') expect(at % 64).toBe(piece.offset % 64)
      at += piece.kind === 'copy' ? piece.lengthBytes : piece.bytes.byteLength
    }
  })

  test('drops the promise that storages follow each other, and keeps entries that it does not know', async () => {
    const others = ['.format_version', 'byteorder', '.data/serialization_id', 'unknown'].map(
      (name) => ({
        name: `archive/${name}`,
        data: Buffer.from('little'),
      }),
    )
    const output = await outputOf(checkpointOf(pickle, { 1: filled(1), 2: filled(2) }, others))
    const { directory } = await readCheckpoint(readerOver(new Uint8Array(output)))
    expect(directory.entries.map(({ name }) => name.slice('archive/'.length))).toEqual([
      'data.pkl',
      'byteorder',
      '.data/serialization_id',
      'unknown',
      'data/1',
      'data/2',
      'version',
    ])
  })

  test('of a plan is the same again: rewriting with the same keys changes nothing', async () => {
    const once = await outputOf(source)
    expect((await outputOf(new Uint8Array(once))).equals(once)).toBe(true)
  })
})

describe('a rewrite is refused where', () => {
  const withStorage = (data: Uint8Array, tensor = floatTensor('0', 2)) =>
    checkpointOf(tensors({ state_dict: tensor }), { 0: data })
  const persistent = (...id: readonly Piece[]) => [tuple(...id), 'Q']
  const storage = (key: string, name: string, count: number) =>
    persistent(text('storage'), ['ctorch\n', name, '\n'], text(key), text('cpu'), int(count))

  test.each([
    [
      'a storage is missing',
      checkpointOf(tensors({ state_dict: floatTensor('0', 2) })),
      'bad-storage',
    ],
    ['a storage is shorter than its count says', withStorage(filled(1, 7)), 'bad-storage'],
    ['a storage is longer than its count says', withStorage(filled(1, 9)), 'bad-storage'],
    [
      'a tensor reaches beyond its storage',
      withStorage(filled(1), floatTensor('0', 2, [3])),
      'bad-storage',
    ],
    [
      'two ids of one storage differ in size',
      withStorage(filled(1), [
        '(',
        storage('0', 'FloatStorage', 2),
        storage('0', 'FloatStorage', 1),
        't',
      ]),
      'bad-storage',
    ],
    [
      'a persistent id is of no storage',
      withStorage(filled(1), persistent(text('module'), int(1))),
      'bad-storage',
    ],
    [
      'a storage is of no known class',
      withStorage(filled(1), storage('0', 'Tensor', 8)),
      'bad-storage',
    ],
    [
      'a storage is compressed',
      zipOf([
        { name: 'a/data.pkl', data: tensors({ state_dict: floatTensor('0', 2) }) },
        { name: 'a/data/0', data: filled(1), method: 8 },
        { name: 'a/version', data: filled(1) },
      ]),
      'compressed-entry',
    ],
    [
      'the local header of a storage names another one',
      zipOf([
        { name: 'a/data.pkl', data: tensors({ state_dict: floatTensor('0', 2) }) },
        { name: 'a/data/0', data: filled(1), localName: 'a/data/1' },
        { name: 'a/version', data: filled(1) },
      ]),
      'bad-zip',
    ],
    [
      'bytes that no entry accounts for follow a kept one',
      zipOf([
        { name: 'a/data.pkl', data: tensors({ state_dict: floatTensor('0', 2) }) },
        { name: 'a/data/0', data: filled(1), gapBytes: 5000 },
        { name: 'a/version', data: filled(1) },
      ]),
      'bad-zip',
    ],
    [
      'a value that would be removed names what is forbidden',
      checkpointOf(tensors({ state_dict: int(1), optimizer: 'cos\nsystem\n' })),
      'forbidden-global',
    ],
    [
      'a kept value holds the checkpoint itself',
      checkpointOf(pickleOf('}q\0', text('state_dict'), 'h\0s')),
      'not-expressible',
    ],
  ])('%s', async (_, bytes, code) => {
    expect(await codeOf(bytes)).toBe(code)
  })

  test('what would be copied as filler is something else', async () => {
    const MIB = 1024 ** 2
    // A removed storage of odd size lies between two that S3 copies.
    const source = keyedCheckpoint([6 * MIB, 4, 6 * MIB], 'older')
    const plan = planRewrite(await readCheckpoint(source), (key) => key !== 'key1')
    expect(plan.borrowed.map(({ lengthBytes }) => lengthBytes)).toEqual([4])
    await checkLocalHeaders(source, plan)
    const changed = {
      ...source,
      read: async (offset: number, lengthBytes: number) => {
        const bytes = await source.read(offset, lengthBytes)
        return offset === plan.borrowed[0]?.offset ? bytes.fill(1) : bytes
      },
    }
    expect(await complaintOf(() => checkLocalHeaders(changed, plan))).toBe('bad-zip')
  })

  test('the source is not the one that the plan was made for', async () => {
    const plan = await planOf(withStorage(filled(1)))
    const other = readerOver(checkpointOf(pickleOf('}')))
    expect(await complaintOf(() => assemble(other, plan).next())).toBe('bad-zip')
  })
})
