import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../../lib/checkpoint/range-reader.ts'
import { formatOf } from '../../../../lib/checkpoint/rewrite.ts'
import { readSafetensorsHeader } from '../../../../lib/checkpoint/safetensors/read-header.ts'
import { complaintOf } from '../../../fixtures/complaint.ts'

const TWO = {
  __metadata__: { format: 'pt' },
  b: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
  a: { dtype: 'BF16', shape: [2, 0], data_offsets: [8, 8] },
  c: { dtype: 'F4', shape: [4], data_offsets: [8, 10] },
}

function fileOf(header: unknown, dataBytes = 10, lengthBytes?: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(lengthBytes ?? json.byteLength))
  return new Uint8Array(Buffer.concat([length, json, Buffer.alloc(dataBytes)]))
}

const codeOf = (bytes: Uint8Array) => complaintOf(() => readSafetensorsHeader(readerOver(bytes)))

describe('a safetensors file', () => {
  test('tells its tensors in the order of their data, and its metadata', async () => {
    const bytes = fileOf(TWO)
    const { tensors, metadata, dataOffset } = await readSafetensorsHeader(readerOver(bytes))
    expect(tensors.map(({ name }) => name)).toEqual(['b', 'a', 'c'])
    expect(metadata).toEqual({ format: 'pt' })
    expect(dataOffset).toBe(bytes.byteLength - 10)
    expect(formatOf(bytes.subarray(0, 262), bytes.byteLength)).toBe('safetensors')
  })

  test('may hold no tensor', async () => {
    expect(await codeOf(fileOf({}, 0))).toBe('fine')
  })
})

describe('it is refused where', () => {
  const withA = (a: unknown) => fileOf({ b: TWO.b, a }, 12)
  test.each<[string, Uint8Array, string]>([
    ['its data are cut', fileOf(TWO, 9), 'truncated'],
    ['its header is cut', fileOf(TWO).subarray(0, 40), 'truncated'],
    ['it ends within its length', fileOf(TWO).subarray(0, 5), 'truncated'],
    ['more follows', fileOf(TWO, 11), 'bad-safetensors'],
    ['its header is longer than any', fileOf(TWO, 10, 2 ** 40), 'too-large'],
    ['its header is no JSON', fileOf('{"a": ', 0), 'bad-safetensors'],
    ['its header is a list', fileOf('[1]', 0), 'bad-safetensors'],
    [
      'its header is no UTF-8',
      Buffer.concat([fileOf('', 0, 3).subarray(0, 8), Buffer.from('7bfffe', 'hex')]),
      'bad-safetensors',
    ],
    ['a tensor is a number', withA(1), 'bad-safetensors'],
    [
      'two tensors overlap',
      withA({ dtype: 'F32', shape: [2], data_offsets: [4, 12] }),
      'bad-safetensors',
    ],
    [
      'bytes lie between two',
      withA({ dtype: 'U8', shape: [1], data_offsets: [11, 12] }),
      'bad-safetensors',
    ],
    [
      'a tensor is shorter than its shape',
      withA({ dtype: 'F32', shape: [2], data_offsets: [8, 12] }),
      'bad-safetensors',
    ],
    [
      'a dtype is unknown',
      withA({ dtype: 'F128', shape: [1], data_offsets: [8, 12] }),
      'bad-safetensors',
    ],
    [
      'a dtype is one of every object',
      withA({ dtype: 'toString', shape: [], data_offsets: [8, 12] }),
      'bad-safetensors',
    ],
    [
      'a size is negative',
      withA({ dtype: 'F32', shape: [-1, -1], data_offsets: [8, 12] }),
      'bad-safetensors',
    ],
    [
      'a shape is too large for numbers',
      withA({ dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [8, 12] }),
      'bad-safetensors',
    ],
    [
      'offsets are three',
      withA({ dtype: 'F32', shape: [1], data_offsets: [8, 12, 12] }),
      'bad-safetensors',
    ],
    ['its metadata hold a number', fileOf({ __metadata__: { a: 1 } }, 0), 'bad-safetensors'],
  ])('%s', async (_, bytes, code) => {
    expect(await codeOf(bytes)).toBe(code)
  })
})
