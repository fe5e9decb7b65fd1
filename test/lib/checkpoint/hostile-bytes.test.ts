import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { assemble, planRewrite, readCheckpoint } from '../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { call, dict, floatTensor, int, pickleOf, text, tuple } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'

const PICKLE = pickleOf(
  dict({
    meta: dict({
      epoch: int(3),
      cfg: text('model'),
      own: [']q\x01h\x01a'],
      time: ['G', new Uint8Array(8)],
    }),
    state_dict: [
      call('collections', 'OrderedDict'),
      'q\x02(',
      text('w'),
      floatTensor('0', 4, [2, 2]),
      text('again'),
      'h\x02u',
    ],
    optimizer: tuple(floatTensor('1', 3), call('_codecs', 'encode', text('x'), text('latin1'))),
  }),
)
const WHOLE = checkpointOf(PICKLE, { 0: new Uint8Array(16), 1: new Uint8Array(12) })

async function rewriteAll(bytes: Uint8Array): Promise<void> {
  const reader = readerOver(bytes)
  const plan = planRewrite(await readCheckpoint(reader), (key) => key !== 'optimizer')
  let sizeBytes = 0
  for await (const chunk of assemble(reader, plan)) sizeBytes += chunk.byteLength
  expect(sizeBytes).toBe(plan.sizeBytes)
}

const changes = (lengthBytes: number) =>
  fc.array(fc.tuple(fc.nat(lengthBytes - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })

function changed(bytes: Uint8Array, at: readonly (readonly [number, number])[]): Uint8Array {
  const copy = bytes.slice()
  for (const [offset, value] of at) copy[offset] = value
  return copy
}

describe('damaged bytes end in a refusal or a rewrite, never in another error (invariant 11):', () => {
  test('the whole file is sound to begin with', async () => {
    expect(await complaintOf(() => rewriteAll(WHOLE))).toBe('fine')
  })

  test('a file cut short anywhere is refused', async () => {
    for (let lengthBytes = 0; lengthBytes < WHOLE.byteLength; lengthBytes += 1) {
      expect(await complaintOf(() => rewriteAll(WHOLE.subarray(0, lengthBytes)))).not.toBe('fine')
    }
  })

  test('bytes changed anywhere in the file', async () => {
    await fc.assert(
      fc.asyncProperty(changes(WHOLE.byteLength), async (at) => {
        await complaintOf(() => rewriteAll(changed(WHOLE, at)))
      }),
      { numRuns: 4000, seed: 21 },
    )
  })

  test('bytes changed in the pickle, under a right CRC', async () => {
    await fc.assert(
      fc.asyncProperty(changes(PICKLE.byteLength), async (at) => {
        const storages = { 0: new Uint8Array(16), 1: new Uint8Array(12) }
        await complaintOf(() => rewriteAll(checkpointOf(changed(PICKLE, at), storages)))
      }),
      { numRuns: 6000, seed: 22 },
    )
  })

  test('a pickle of chance opcodes', async () => {
    const opcodes = fc.constantFrom(
      ...'(.012KN]}al)ecRbQqhjrsutX',
      '\x81',
      '\x85',
      '\x86',
      '\x87',
      '\x8f',
      '\x90',
      '\x91',
      '\x94',
      '\0',
      '\x01',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(opcodes, { maxLength: 60 }), async (pieces) => {
        await complaintOf(() => rewriteAll(checkpointOf(pickleOf(pieces))))
      }),
      { numRuns: 6000, seed: 23 },
    )
  })
})
