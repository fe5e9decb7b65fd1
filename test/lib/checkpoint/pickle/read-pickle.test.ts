import { describe, expect, test } from 'vitest'
import { type PickleNode, textOf } from '../../../../lib/checkpoint/pickle/node.ts'
import { readPickle } from '../../../../lib/checkpoint/pickle/read-pickle.ts'
import { complaintOf } from '../../../fixtures/complaint.ts'
import { int, type Piece, pickleOf, text } from '../../../fixtures/pickle-bytes.ts'

const rootOf = (...pieces: readonly Piece[]): PickleNode => readPickle(pickleOf(...pieces)).root
const codeOf = (bytes: Uint8Array) => complaintOf(() => readPickle(bytes))

describe('reading', () => {
  test('keeps a NaN with its payload', () => {
    const bits = Buffer.from('7ff80000deadbeef', 'hex')
    expect(rootOf('G', bits)).toEqual({ kind: 'float', bigEndian: new Uint8Array(bits) })
  })

  test('keeps an integer of any length as its bytes', () => {
    expect(rootOf('\x8a\x03\x01\x02\x03')).toEqual({
      kind: 'long',
      littleEndian: Uint8Array.of(1, 2, 3),
    })
  })

  test('gives one node for what the memo shares', () => {
    const root = rootOf('(]q\x05h\x05t')
    if (root.kind !== 'tuple') throw new Error(root.kind)
    expect(root.items[0]).toBe(root.items[1])
  })

  test('lets a list contain itself', () => {
    const root = rootOf(']q\0h\0a')
    if (root.kind !== 'list') throw new Error(root.kind)
    expect(root.items[0]).toBe(root)
  })

  test('stops at the first STOP', () => {
    const two = Buffer.concat([pickleOf(text('first')), pickleOf(text('second'))])
    expect(textOf(readPickle(new Uint8Array(two)).root)).toBe('first')
  })
})

describe('a pickle is refused where', () => {
  test.each<[string, Piece, string]>([
    ['it fetches what the memo does not have', 'h\x07', 'bad-pickle'],
    ['it takes more than is on the stack', '\x86', 'bad-pickle'],
    ['it goes back to a mark that is not there', 't', 'bad-pickle'],
    ['it leaves nothing', '', 'bad-pickle'],
    ['it appends to a number', [int(1), int(2), 'a'], 'bad-pickle'],
    ['it sets a key without a value', ['}(', int(1), 'u'], 'bad-pickle'],
    ['it calls with a list', 'ctorch\nSize\n]R', 'bad-pickle'],
    ['a text is longer than the file', 'X\xff\xff\xff\x7fabc', 'bad-pickle'],
    ['a length has 8 bytes of ones', '\x8e\xff\xff\xff\xff\xff\xff\xff\xff', 'bad-pickle'],
    ['an integer is longer than the file', '\x8b\xff\xff\xff\x7f', 'bad-pickle'],
    ['a global has no end', `c${'x'.repeat(5000)}`, 'bad-pickle'],
    ['a global is named by a number', [int(1), int(2), '\x93'], 'bad-pickle'],
    ['it has an opcode of the extension registry', '\x82\x01', 'unknown-opcode'],
    ['it has an opcode of protocol 0', 'I1\n', 'unknown-opcode'],
    ['it hands out-of-band buffers', '\x97', 'unknown-opcode'],
    ['marks lie deeper than any value nests', '('.repeat(20_000), 'too-deep'],
  ])('%s', async (_, piece, code) => {
    expect(await codeOf(pickleOf(piece))).toBe(code)
  })

  test.each([
    ['it does not begin with its protocol', 'N.', 'bad-pickle'],
    ['its protocol is unknown', '\x80\x06N.', 'bad-pickle'],
    ['it has no STOP', '\x80\x02N', 'bad-pickle'],
    ['it is empty', '', 'bad-pickle'],
  ])('%s', async (_, latin1, code) => {
    expect(await codeOf(new Uint8Array(Buffer.from(latin1, 'latin1')))).toBe(code)
  })

  test('it has more opcodes than any checkpoint', async () => {
    expect(await codeOf(pickleOf('N0'.repeat(2_600_000)))).toBe('too-large')
  })
})
