import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../../lib/checkpoint/range-reader.ts'
import { planOutput } from '../../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../../fixtures/complaint.ts'
import {
  call,
  dict,
  floatTensor,
  global,
  int,
  type Piece,
  pickleOf,
  text,
  tuple,
} from '../../../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../../../fixtures/zip-bytes.ts'

const planned = (bytes: Uint8Array, keys = ['state_dict', 'meta']) =>
  planOutput(readerOver(bytes), { format: 'safetensors', wanted: (key) => keys.includes(key) })
const sourceOf = (state: Piece, meta: Piece = int(1)) =>
  checkpointOf(pickleOf(dict({ state_dict: state, meta, optimizer: floatTensor('0', 2) })), {
    0: new Uint8Array(8),
    1: new Uint8Array(24),
    2: new Uint8Array(6),
  })
const storage = (name: string, key: string, count: number): Piece => [
  tuple(text('storage'), global('torch', name), text(key), text('cpu'), int(count)),
  'Q',
]
const tensor = (of: Piece, offset: number, shape: number[], strides: number[], ...more: Piece[]) =>
  call(
    'torch._utils',
    '_rebuild_tensor_v2',
    of,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    '\x89',
    call('collections', 'OrderedDict'),
    ...more,
  )

async function headerOf(bytes: Uint8Array): Promise<Record<string, unknown>> {
  const [head] = (await planned(bytes)).pieces
  if (head?.kind !== 'bytes') throw new Error('no header')
  expect(head.bytes.byteLength % 8).toBe(0)
  expect(Buffer.from(head.bytes).readBigUInt64LE(0)).toBe(BigInt(head.bytes.byteLength - 8))
  return JSON.parse(Buffer.from(head.bytes.subarray(8)).toString('utf8'))
}

describe('a plan of safetensors', () => {
  const half = tensor(storage('HalfStorage', '2', 3), 0, [3], [1])
  const source = sourceOf(
    dict({
      half,
      w: floatTensor('1', 6, [2, 3]),
      row: tensor(storage('FloatStorage', '1', 6), 3, [3], [1]),
    }),
    dict({ epoch: int(3), cfg: text('text'), list: tuple(int(1), text('x')) }),
  )

  test('puts tensors of larger elements first, without gaps, each a range of its storage', async () => {
    expect(await headerOf(source)).toEqual({
      __metadata__: { epoch: '3', cfg: 'text', list: '[1,"x"]', format: 'pt' },
      w: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
      row: { dtype: 'F32', shape: [3], data_offsets: [24, 36] },
      half: { dtype: 'F16', shape: [3], data_offsets: [36, 42] },
    })
    const { pieces, keptKeys, removedKeys } = await planned(source)
    expect(pieces.map((piece) => (piece.kind === 'copy' ? piece.lengthBytes : 'bytes'))).toEqual([
      'bytes',
      24,
      12,
      6,
    ])
    expect([keptKeys, removedKeys]).toEqual([['state_dict', 'meta'], ['optimizer']])
  })

  test('tells nothing of a meta that is not wanted', async () => {
    const { pieces, keptKeys, removedKeys } = await planned(source, ['state_dict'])
    const [head] = pieces
    expect(head?.kind === 'bytes' && Buffer.from(head.bytes).includes('epoch')).toBe(false)
    expect([keptKeys, removedKeys]).toEqual([['state_dict'], ['meta', 'optimizer']])
  })

  test('joins tensors that follow each other in one storage to one range', async () => {
    const rows = [0, 3].map((offset) => tensor(storage('FloatStorage', '1', 6), offset, [3], [1]))
    const { pieces } = await planned(sourceOf(dict({ a: rows[0] ?? '', b: rows[1] ?? '' })))
    expect(pieces.map((piece) => (piece.kind === 'copy' ? piece.lengthBytes : 'bytes'))).toEqual([
      'bytes',
      24,
    ])
  })
})

describe('it is refused, with the names, where', () => {
  const complex = storage('ComplexFloatStorage', '1', 3)
  test.each<[string, Piece, string]>([
    [
      'a tensor is not contiguous',
      tensor(storage('FloatStorage', '1', 6), 0, [3, 2], [1, 3]),
      'w (not contiguous)',
    ],
    [
      'a tensor is one value seen often',
      tensor(storage('FloatStorage', '1', 6), 0, [4], [0]),
      'w (not contiguous)',
    ],
    ['a tensor is complex', tensor(complex, 0, [3], [1]), 'w (of dtype complex64)'],
    [
      'a tensor is negated',
      tensor(storage('FloatStorage', '1', 6), 0, [6], [1], dict({ neg: '\x88' })),
      'w (quantized, conjugated or negated)',
    ],
    ['a value is no tensor', int(1), 'w (a int)'],
    ['a value is a dict', dict({ v: floatTensor('1', 6) }), 'w (a dict)'],
    [
      'a value is another object',
      call('collections', 'OrderedDict'),
      'w (a collections.OrderedDict)',
    ],
  ])('%s', async (_, value, found) => {
    const source = sourceOf(dict({ fine: floatTensor('1', 6), w: value }))
    await expect(planned(source)).rejects.toThrow(`found ${found}. `)
    expect(await complaintOf(() => planned(source))).toBe('not-expressible')
  })

  test('a name is the one that the format keeps for itself', async () => {
    expect(
      await complaintOf(() => planned(sourceOf(dict({ __metadata__: floatTensor('1', 6) })))),
    ).toBe('not-expressible')
  })

  test('state_dict is not there, not wanted, or no dict', async () => {
    const without = checkpointOf(pickleOf(dict({ model: int(1) })))
    expect(await complaintOf(() => planned(without))).toBe('not-expressible')
    expect(await complaintOf(() => planned(sourceOf(dict({})), ['meta']))).toBe('not-expressible')
    expect(await complaintOf(() => planned(sourceOf(int(1))))).toBe('no-top-level-dict')
  })

  test('its bytes are big-endian', async () => {
    const pickle = pickleOf(dict({ state_dict: dict({ w: floatTensor('0', 2) }) }))
    const order = { name: 'archive/byteorder', data: Buffer.from('big') }
    const bytes = checkpointOf(pickle, { 0: new Uint8Array(8) }, [order])
    await expect(planned(bytes)).rejects.toThrow('byteorder little')
  })

  test('its pickle names what is not allowed', async () => {
    const hostile = sourceOf(dict({}), call('os', 'system', text('id')))
    expect(await complaintOf(() => planned(hostile))).toBe('forbidden-global')
  })

  test('a storage is of another length, missing, or compressed, or its header tells of another entry', async () => {
    const pickle = pickleOf(dict({ state_dict: dict({ w: floatTensor('0', 2) }) }))
    expect(await complaintOf(() => planned(checkpointOf(pickle, { 0: new Uint8Array(7) })))).toBe(
      'bad-storage',
    )
    expect(await complaintOf(() => planned(checkpointOf(pickle)))).toBe('bad-storage')
    const entry = { name: 'a/data/0', data: new Uint8Array(8) }
    const withEntry = (wrong: object) =>
      zipOf([
        { name: 'a/data.pkl', data: pickle },
        { ...entry, ...wrong },
        { name: 'a/version', data: Buffer.from('3') },
      ])
    expect(await complaintOf(() => planned(withEntry({ method: 8 })))).toBe('compressed-entry')
    expect(await complaintOf(() => planned(withEntry({ localName: 'a/data/1' })))).toBe('bad-zip')
  })
})
