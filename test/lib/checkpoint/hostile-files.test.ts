import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lookInto } from '../../../lib/checkpoint/look-into.ts'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { throughEveryReader } from '../../fixtures/every-reader.ts'
import { legacyOf, legacyTensor } from '../../fixtures/legacy-bytes.ts'
import { mutated, mutations } from '../../fixtures/mutations.ts'
import { dict, floatTensor, int, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../../fixtures/zip-bytes.ts'

/** Set to 17 for a campaign of 204,000 inputs: the seeds are the same, the runs more (CONTRIBUTING.md). */
const TIMES = Number(process.env['FUZZ_TIMES'] ?? 1)
const INPUTS = 3000 * TIMES
const TIMEOUT_MS = 120_000 * TIMES

const float = { 0: new Uint8Array(8), 1: new Uint8Array(24) }
const state = dict({
  w: floatTensor('1', 6, [2, 3]),
  again: ['q\x07', floatTensor('0', 2), 'q\x08'],
})
const ZIP = checkpointOf(
  pickleOf(
    dict({ meta: dict({ epoch: int(3), cfg: text('x') }), state_dict: state, optimizer: 'h\x08' }),
  ),
  float,
  [{ name: 'archive/byteorder', data: Buffer.from('little') }],
)
const LEGACY = legacyOf(
  dict({
    meta: int(1),
    state_dict: dict({ w: legacyTensor('11', 6) }),
    optimizer: legacyTensor('12', 2),
  }),
  [
    { key: '11', data: new Uint8Array(24) },
    { key: '12', data: new Uint8Array(8) },
  ],
)
const SAFE = safetensors({
  __metadata__: { format: 'pt' },
  w: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: 'U8', shape: [8], data_offsets: [24, 32] },
})

describe('a mutated file of each format ends in a refusal or a rewrite, never in another error (11):', () => {
  test('the files are sound to begin with', async () => {
    expect(await throughEveryReader(ZIP)).toEqual(['fine', 'fine', 'fine'])
    expect(await throughEveryReader(LEGACY)).toEqual(['fine', 'fine', 'fine'])
    expect(await throughEveryReader(SAFE)).toEqual(['fine', 'fine', 'fine'])
  })

  test.each([
    ['zip', 31, ZIP],
    ['legacy', 32, LEGACY],
    ['safetensors', 33, SAFE],
  ])(
    `%s, ${INPUTS} inputs of seed %i`,
    async (_, seed, bytes) => {
      await fc.assert(
        fc.asyncProperty(mutations, async (changes) => {
          await throughEveryReader(mutated(bytes, changes))
        }),
        { numRuns: INPUTS, seed },
      )
    },
    TIMEOUT_MS,
  )

  test(
    `chance bytes behind the beginning of each format, ${INPUTS} inputs of seed 34`,
    async () => {
      const beginnings = [
        ZIP.subarray(0, 30),
        LEGACY.subarray(0, 21),
        SAFE.subarray(0, 9),
        new Uint8Array(),
      ]
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...beginnings),
          fc.uint8Array({ maxLength: 400 }),
          async (first, rest) => {
            const codes = await throughEveryReader(new Uint8Array(Buffer.concat([first, rest])))
            expect(codes).not.toContain('fine')
          },
        ),
        { numRuns: INPUTS, seed: 34 },
      )
    },
    TIMEOUT_MS,
  )

  test('each of them cut short anywhere is no whole checkpoint', async () => {
    for (const bytes of [ZIP, LEGACY, SAFE]) {
      for (let lengthBytes = 0; lengthBytes < bytes.byteLength; lengthBytes += 1) {
        const { fault } = await lookInto(readerOver(bytes.subarray(0, lengthBytes)))
        expect([lengthBytes, fault]).not.toEqual([lengthBytes, undefined])
      }
    }
  })
})

describe('a hostile container ends in its error:', () => {
  const pickle = { name: 'a/data.pkl', data: pickleOf(dict({ state_dict: '}' })) }
  const version = { name: 'a/version', data: Buffer.from('3') }
  const viewOf = (key: string, count: number) =>
    pickleOf(dict({ state_dict: dict({ w: floatTensor(key, count) }) }))
  /** A sound file, but for one field of its first local header. */
  const changed = (at: number, lengthBytes: number, value: number) => {
    const bytes = Buffer.from(ZIP)
    bytes.writeUIntLE(value, at, lengthBytes)
    return new Uint8Array(bytes)
  }
  const part = (data_offsets: number[], shape: number[]) => ({ dtype: 'F32', shape, data_offsets })
  const deep = (open: string, close: string, levels: number) =>
    pickleOf(dict({ state_dict: [open.repeat(levels), 'N', close.repeat(levels)] }))
  test.each<[string, Uint8Array, string]>([
    [
      'an entry that declares 4 GB',
      zipOf([{ ...pickle, sizeBytes: 0xfffffffe }, version]),
      'overlap',
    ],
    ['a compressed pickle', zipOf([{ ...pickle, method: 8 }, version]), 'compressed-entry'],
    [
      'names that differ in case only',
      zipOf([pickle, { ...pickle, name: 'a/DATA.PKL' }, version]),
      'duplicate-name',
    ],
    ['two entries in one place', zipOf([pickle, { ...version, headerOffset: 0 }]), 'overlap'],
    [
      'a header of another name',
      zipOf([{ ...pickle, localName: 'a/data.pkx' }, version]),
      'bad-zip',
    ],
    [
      'a name that leaves the folder',
      zipOf([{ ...pickle, name: '../data.pkl' }, version]),
      'bad-zip',
    ],
    [
      'a folder that is the one above',
      zipOf([
        { ...pickle, name: '../data.pkl' },
        { ...version, name: '../version' },
      ]),
      'bad-zip',
    ],
    [
      'a name that leaves the folder beside good ones',
      zipOf([pickle, version, { name: 'a/../../evil', data: Buffer.from('x') }]),
      'bad-zip',
    ],
    [
      'a name that leaves it in the way of Windows',
      zipOf([pickle, version, { name: 'a\\..\\evil', data: Buffer.from('x') }]),
      'bad-zip',
    ],
    [
      'a name from the root',
      zipOf([
        { ...pickle, name: '/data.pkl' },
        { ...version, name: '/version' },
      ]),
      'bad-zip',
    ],
    [
      'a storage that leaves the folder',
      checkpointOf(viewOf('../version', 2), float),
      'bad-storage',
    ],
    ['a storage that is not there', checkpointOf(viewOf('7', 2), float), 'bad-storage'],
    [
      'a storage shorter than it is said to be',
      checkpointOf(viewOf('0', 200), float),
      'bad-storage',
    ],
    ['a storage longer than it is said to be', checkpointOf(viewOf('0', 1), float), 'bad-storage'],
    ['an entry within another', zipOf([pickle, { ...version, headerOffset: 20 }]), 'overlap'],
    ['a local header of another method', changed(8, 2, 8), 'bad-zip'],
    ['a local header of another CRC', changed(14, 4, 9999), 'bad-zip'],
    ['a local header of another compressed size', changed(18, 4, 9999), 'bad-zip'],
    ['a local header of another size', changed(22, 4, 9999), 'bad-zip'],
    ['a local header whose name is shorter', changed(26, 2, 3), 'bad-zip'],
    ['a local header whose extra field is longer', changed(28, 2, 60_000), 'bad-zip'],
    ['a pickle of another CRC', zipOf([{ ...pickle, crc32: 5 }, version]), 'checksum'],
    [
      'a place of the memo that was never filled',
      checkpointOf(pickleOf(dict({ state_dict: 'h\x09' }))),
      'bad-pickle',
    ],
    [
      'bytes that declare 2^63',
      checkpointOf(pickleOf(`\x8e${'\xff'.repeat(7)}\x7f`)),
      'bad-pickle',
    ],
    [
      'a bytearray that declares 2^63',
      checkpointOf(pickleOf(`\x96${'\xff'.repeat(7)}\x7f`)),
      'bad-pickle',
    ],
    ['a name without an end', checkpointOf(pickleOf(`c${'x'.repeat(100_000)}`)), 'bad-pickle'],
    ['marks within marks of a legacy file', legacyOf(['('.repeat(20_000), 'N'], []), 'too-deep'],
    [
      'a legacy storage that counts 2^52',
      legacyOf(dict({ w: legacyTensor('1', 2) }), [
        { key: '1', data: new Uint8Array(8), count: 2 ** 52 },
      ]),
      'bad-legacy',
    ],
    [
      'a legacy storage of 8 GB by its pickle',
      legacyOf(dict({ w: legacyTensor('1', 2 ** 31 - 1) }), [
        { key: '1', data: new Uint8Array(8) },
      ]),
      'truncated',
    ],
    [
      'tensors of safetensors that overlap',
      safetensors({ a: part([0, 32], [8]), b: part([4, 32], [7]) }),
      'bad-safetensors',
    ],
    [
      'a tensor of safetensors beyond the file',
      safetensors({ a: part([0, 2 ** 50], [2 ** 48]) }),
      'truncated',
    ],
    [
      'a shape of safetensors of 2^80',
      safetensors({ a: part([0, 32], [2 ** 40, 2 ** 40]) }),
      'bad-safetensors',
    ],
    ['marks within marks', checkpointOf(deep('(', 't', 20_000)), 'too-deep'],
    ['an integer that declares 2 GB', checkpointOf(pickleOf('\x8b\xff\xff\xff\x7f')), 'bad-pickle'],
    [
      'a text that declares 2^64 bytes',
      checkpointOf(pickleOf(`\x8d${'\xff'.repeat(8)}`)),
      'bad-pickle',
    ],
    [
      'a legacy text that declares 4 GB',
      Buffer.concat([LEGACY.subarray(0, 21), Buffer.from('800258ffffffff', 'hex')]),
      'truncated',
    ],
    [
      'a header of safetensors that declares 2^64 bytes',
      Buffer.concat([Buffer.alloc(8, 0xff), Buffer.from('{}')]),
      'not-a-checkpoint',
    ],
    [
      'lists within a header of safetensors',
      safetensors(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      'bad-safetensors',
    ],
  ])('%s', async (_, bytes, code) => {
    expect((await throughEveryReader(bytes))[1]).toBe(code)
  })

  test('a value that doubles forty times is as small as its pickle, and too large to show', async () => {
    const doubled = [']', '2\x86'.repeat(40)]
    const value = dict({ meta: doubled, state_dict: '}' })
    const codes = await throughEveryReader(checkpointOf(pickleOf(value)))
    expect(codes).toEqual(['too-large', 'fine', 'fine'])
  })

  test('tuples within tuples, which a list holds, are too deep to write', async () => {
    const codes = await throughEveryReader(checkpointOf(deep('', '\x85', 20_000)))
    expect(codes[1]).toBe('too-deep')
  })
})

function safetensors(header: unknown): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.byteLength))
  return new Uint8Array(Buffer.concat([length, json, Buffer.alloc(32)]))
}
