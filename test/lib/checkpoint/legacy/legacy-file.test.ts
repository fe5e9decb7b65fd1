import { describe, expect, test } from 'vitest'
import { lookInto } from '../../../../lib/checkpoint/look-into.ts'
import { readerOver } from '../../../../lib/checkpoint/range-reader.ts'
import { assemble, planOutput } from '../../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../../fixtures/complaint.ts'
import { type LegacyParts, legacyOf, legacyTensor } from '../../../fixtures/legacy-bytes.ts'
import { call, dict, global, int, text, tuple } from '../../../fixtures/pickle-bytes.ts'

const VALUE = dict({
  meta: int(1),
  optimizer: legacyTensor('10', 2),
  state_dict: dict({ a: legacyTensor('11', 1), b: legacyTensor('12', 3) }),
})
const filled = (byte: number, count: number) => new Uint8Array(count).fill(byte)
const STORAGES = [
  { key: '10', data: filled(0xaa, 8) },
  { key: '11', data: filled(0xbb, 4) },
  { key: '12', data: filled(0xcc, 12) },
]
const FILE = legacyOf(VALUE, STORAGES)

const planned = (bytes: Uint8Array, removed = 'optimizer') =>
  planOutput(readerOver(bytes), { format: 'pth', wanted: (key) => key !== removed })

async function outputOf(bytes: Uint8Array): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of assemble(readerOver(bytes), await planned(bytes))) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a legacy file, rewritten,', () => {
  test('is a legacy file of the kept storages, with their counts, as one range where they lie together', async () => {
    const { pieces, keptKeys, removedKeys } = await planned(FILE)
    expect(pieces.map(({ kind }) => kind)).toEqual(['bytes', 'copy'])
    expect([keptKeys, removedKeys]).toEqual([['meta', 'state_dict'], ['optimizer']])
    const output = await outputOf(FILE)
    expect(output.includes(Buffer.alloc(8, 0xaa))).toBe(false)
    expect(await lookInto(readerOver(output))).toEqual({ fingerprint: undefined, fault: undefined })
  })

  test('begins with the pickles that torch begins with', async () => {
    expect((await outputOf(FILE)).subarray(0, 21).toString('hex')).toBe(
      '80028a0a6cfc9c46f9206aa850192e80024de9032e',
    )
  })

  test('is bytes alone where no storage is kept', async () => {
    const { pieces } = await planOutput(readerOver(FILE), {
      format: 'pth',
      wanted: (key) => key === 'meta',
    })
    expect(pieces.map(({ kind }) => kind)).toEqual(['bytes'])
  })
})

describe('a legacy file is no whole checkpoint where', () => {
  const withParts = (parts: LegacyParts) => legacyOf(VALUE, STORAGES, parts)
  test.each<[string, Uint8Array, string]>([
    ['its version is unknown', withParts({ version: 'M\xea\x03' }), 'bad-legacy'],
    ['its facts of the machine are no dict', withParts({ systemInfo: int(1) }), 'bad-legacy'],
    [
      'the facts of the machine name a function',
      withParts({ systemInfo: dict({ x: call('os', 'system', text('id')) }) }),
      'bad-legacy',
    ],
    ['the keys are none', withParts({ keys: int(1) }), 'bad-legacy'],
    ['the keys name a class', withParts({ keys: [']', global('os', 'abort'), 'a'] }), 'bad-legacy'],
    [
      'a key is there twice',
      withParts({ keys: [']', text('10'), 'a', text('10'), 'a', text('11'), 'a'] }),
      'bad-legacy',
    ],
    [
      'a storage is not listed',
      withParts({ keys: [']', text('10'), 'a', text('11'), 'a'] }),
      'bad-legacy',
    ],
    [
      'another is listed',
      withParts({ keys: [']', text('10'), 'a', text('11'), 'a', text('13'), 'a'] }),
      'bad-legacy',
    ],
    ['bytes follow its storages', withParts({ after: filled(0, 1) }), 'bad-legacy'],
    ['it is cut in a storage', FILE.subarray(0, -1), 'truncated'],
    ['it is cut in a pickle', FILE.subarray(0, 100), 'truncated'],
    ['it is cut after its magic number', FILE.subarray(0, 15), 'truncated'],
    [
      'a storage is a view of another, as torch before 0.4 had them',
      legacyOf(dict({ a: legacyTensor('10', 2, tuple(text('11'), int(0), int(1))) }), [
        { key: '10', data: filled(1, 8) },
      ]),
      'bad-storage',
    ],
    [
      'it holds a module with its source',
      legacyOf(
        dict({ model: [tuple(text('module'), global('models', 'Net'), 'N', 'N'), 'Q'] }),
        [],
      ),
      'bad-storage',
    ],
  ])('%s', async (_, bytes, code) => {
    expect((await lookInto(readerOver(bytes))).fault).toBeDefined()
    expect(await complaintOf(() => planned(bytes))).toBe(code)
  })
})

describe('a rewrite of a legacy file is refused where', () => {
  test('a count is another than the object says, which a look does not read', async () => {
    const counted = STORAGES.map((each) => (each.key === '11' ? { ...each, count: 2 } : each))
    const wrong = legacyOf(VALUE, counted)
    expect((await lookInto(readerOver(wrong))).fault).toBeUndefined()
    expect(await complaintOf(() => planned(wrong))).toBe('bad-legacy')
    expect(await complaintOf(() => planned(wrong, 'state_dict'))).toBe('fine')
  })

  test('its pickle names what is not allowed, and is not where someone permits it', async () => {
    const own = legacyOf(dict({ meta: call('mine', 'Config') }), [])
    expect(await complaintOf(() => planned(own))).toBe('forbidden-global')
    const { globals } = await planOutput(readerOver(own), {
      format: 'pth',
      wanted: () => true,
      permitted: [{ module: 'mine', name: 'Config' }],
    })
    expect(globals).toEqual([
      { module: 'mine', name: 'Config', allowed: true, byOption: true, path: 'meta()' },
    ])
  })

  test('it is no dict', async () => {
    expect(await complaintOf(() => planned(legacyOf(int(1), [])))).toBe('no-top-level-dict')
  })
})
