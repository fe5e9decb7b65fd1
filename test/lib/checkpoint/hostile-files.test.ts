import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lookInto } from '../../../lib/checkpoint/look-into.ts'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { throughEveryReader } from '../../fixtures/every-reader.ts'
import { legacyOf, legacyTensor } from '../../fixtures/legacy-bytes.ts'
import { mutated, mutations } from '../../fixtures/mutations.ts'
import { dict, floatTensor, int, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../../fixtures/zip-bytes.ts'

/** Set to 10 or more for a long campaign: the seeds are the same, the runs more. */
const TIMES = Number(process.env['FUZZ_TIMES'] ?? 1)
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
    ['zip', ZIP, 31],
    ['legacy', LEGACY, 32],
    ['safetensors', SAFE, 33],
  ])(
    '%s',
    async (_, bytes, seed) => {
      await fc.assert(
        fc.asyncProperty(mutations, async (changes) => {
          await throughEveryReader(mutated(bytes, changes))
        }),
        { numRuns: 3000 * TIMES, seed },
      )
    },
    TIMEOUT_MS,
  )

  test(
    'chance bytes behind the beginning of each format',
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
        { numRuns: 3000 * TIMES, seed: 34 },
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
      'no-pickle',
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
