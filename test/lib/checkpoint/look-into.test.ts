import { describe, expect, test } from 'vitest'
import { lookInto } from '../../../lib/checkpoint/look-into.ts'
import { type RangeReader, readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { legacyOf } from '../../fixtures/legacy-bytes.ts'
import { dict, floatTensor, int, pickleOf } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../../fixtures/zip-bytes.ts'

const WEIGHTS = 512 * 1024
const CHECKPOINT = checkpointOf(
  pickleOf(dict({ state_dict: dict({ weight: floatTensor('0', WEIGHTS) }) })),
  { 0: new Uint8Array(4 * WEIGHTS) },
)

/** Remembers where it was read. */
function watched(bytes: Uint8Array): RangeReader & { offsets: number[] } {
  const reader = readerOver(bytes)
  const offsets: number[] = []
  const read: RangeReader['read'] = (offset, lengthBytes) => {
    offsets.push(offset)
    return reader.read(offset, lengthBytes)
  }
  return { sizeBytes: reader.sizeBytes, read, offsets }
}

describe('looking into', () => {
  test('a whole checkpoint of torch reads its end alone', async () => {
    const reader = watched(CHECKPOINT)
    const { fingerprint, fault } = await lookInto(reader)
    expect(fault).toBeUndefined()
    expect(fingerprint).toBeDefined()
    expect(Math.min(...reader.offsets)).toBeGreaterThan(CHECKPOINT.byteLength - 256 * 1024)
  })

  test('one that is cut short says so', async () => {
    const { fingerprint, fault } = await lookInto(readerOver(CHECKPOINT.subarray(0, -30)))
    expect(fault).toContain('The upload was cut short')
    expect(fingerprint).toBeUndefined()
  })

  test('a legacy file that ends like a zip file goes by its start, as torch does', async () => {
    const legacy = legacyOf(dict({ meta: int(1) }), [])
    const both = Buffer.concat([legacy, CHECKPOINT])
    const { fingerprint, fault } = await lookInto(readerOver(both))
    expect(fingerprint).toBeUndefined()
    expect(fault).toBeDefined()
  })

  test('a zip file of something else says what it is not', async () => {
    const { fault } = await lookInto(
      readerOver(zipOf([{ name: 'a/b.txt', data: new Uint8Array(3) }])),
    )
    expect(fault).toContain('not one that torch.save wrote')
  })
})
