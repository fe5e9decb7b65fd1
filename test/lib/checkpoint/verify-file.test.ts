import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { verifyFile } from '../../../lib/checkpoint/verify-file.ts'
import { legacyOf, legacyTensor } from '../../fixtures/legacy-bytes.ts'
import { dict, global, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'

const RECORDED = new URL('../../../examples/recorded/uploads/epoch_9.pth', import.meta.url)
const real = new Uint8Array(await readFile(RECORDED))
const legacy = legacyOf(dict({ weight: legacyTensor('0', 4) }), [
  { key: '0', data: new Uint8Array(16) },
])
const safetensors = safetensorsOf({ a: { dtype: 'F32', shape: [8], data_offsets: [0, 32] } })

describe('a file that can be read back', () => {
  test.each([
    ['of torch', real, { format: 'zip', isPickleRead: true }],
    ['of torch before 1.6', legacy, { format: 'legacy', isPickleRead: true }],
    ['of safetensors', safetensors, { format: 'safetensors', isPickleRead: false }],
  ])('%s is verified', async (_, bytes, expected) => {
    expect(await verifyFile(readerOver(bytes))).toMatchObject(expected)
  })

  test('of torch is known by its fingerprint, those of other formats by none', async () => {
    const { fingerprint } = await verifyFile(readerOver(real))
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
    for (const bytes of [legacy, safetensors]) {
      expect((await verifyFile(readerOver(bytes))).fingerprint).toBeUndefined()
    }
  })

  test('may hold names that nobody allowed: whoever resumes from it wrote it', async () => {
    const bytes = checkpointOf(pickleOf(dict({ cfg: global('my.project', 'Config') })))
    expect(await verifyFile(readerOver(bytes))).toMatchObject({ format: 'zip' })
  })

  test('has a pickle that is not read if it is larger than 32 MiB', async () => {
    const long = pickleOf(dict({ log: ['X', lengthBytes(33 << 20), Buffer.alloc(33 << 20, 'x')] }))
    const bytes = checkpointOf(long)
    expect(await verifyFile(readerOver(bytes))).toMatchObject({ isPickleRead: false })
  })
})

describe('a file that cannot', () => {
  const words = 'of an optimizer'
  const whole = checkpointOf(pickleOf(dict({ meta: text(words) })))
  const damaged = Buffer.from(whole)
  damaged[damaged.indexOf(words)] = 0xff

  test.each<[string, Uint8Array, string]>([
    ['is cut short', whole.subarray(0, -1), 'no-end-record'],
    ['has a damaged pickle', damaged, 'checksum'],
    ['has a pickle that ends early', checkpointOf(pickleOf('}').subarray(0, -1)), 'bad-pickle'],
    ['is a legacy file cut short', legacy.subarray(0, -1), 'truncated'],
    ['is a safetensors file cut short', safetensors.subarray(0, -1), 'truncated'],
    ['is none', Buffer.from('hello, world'), 'not-a-checkpoint'],
  ])('%s: the reason is thrown', async (_, bytes, code) => {
    await expect(verifyFile(readerOver(bytes))).rejects.toMatchObject({ code })
  })
})

function safetensorsOf(header: object): Uint8Array {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.byteLength))
  return Buffer.concat([length, json, Buffer.alloc(32)])
}

function lengthBytes(length: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(length)
  return bytes
}
