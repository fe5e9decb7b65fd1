import { describe, expect, test } from 'vitest'
import { inspectCheckpoint } from '../../../lib/checkpoint/inspect.ts'
import { type RangeReader, readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { call, dict, floatTensor, int, pickleOf, text, tuple } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'

const weight = ['q\x07', floatTensor('1', 6, [2, 3]), 'q\x08'] as const
const PICKLE = pickleOf(
  dict({
    meta: dict({ epoch: int(3), classes: tuple(text('cat'), text('dog')) }),
    state_dict: dict({ weight, tied: 'h\x08', bias: floatTensor('2', 3) }),
    optimizer: dict({ exp_avg: floatTensor('0', 6), weight: 'h\x08' }),
  }),
)
const STORAGES = { 0: new Uint8Array(24), 1: new Uint8Array(24), 2: new Uint8Array(12) }
const inspect = (bytes: Uint8Array) => inspectCheckpoint(readerOver(bytes))

describe('an inspection', () => {
  test('tells each tensor at each of its places, with shape, dtype and size in bytes', async () => {
    const { tensors } = await inspect(checkpointOf(PICKLE, STORAGES))
    expect(
      tensors.map(({ path, shape, dtype, sizeBytes }) => [path, shape, dtype, sizeBytes]),
    ).toEqual([
      ['state_dict.weight', [2, 3], 'float32', 24],
      ['state_dict.tied', [2, 3], 'float32', 24],
      ['state_dict.bias', [3], 'float32', 12],
      ['optimizer.exp_avg', [6], 'float32', 24],
      ['optimizer.weight', [2, 3], 'float32', 24],
    ])
  })

  test('tells which tensors lie in one storage', async () => {
    const { tensors } = await inspect(checkpointOf(PICKLE, STORAGES))
    expect(tensors.filter(({ storage }) => storage.isShared).map(({ path }) => path)).toEqual([
      'state_dict.weight',
      'state_dict.tied',
      'optimizer.weight',
    ])
  })

  test('tells what each key takes, and what would go with it', async () => {
    const { keys } = await inspect(checkpointOf(PICKLE, STORAGES))
    expect(keys).toEqual([
      {
        key: 'meta',
        kind: 'dict',
        tensors: 0,
        tensorBytes: 0,
        storageBytes: 0,
        ownStorageBytes: 0,
      },
      {
        key: 'state_dict',
        kind: 'dict',
        tensors: 3,
        tensorBytes: 60,
        storageBytes: 36,
        ownStorageBytes: 12,
      },
      {
        key: 'optimizer',
        kind: 'dict',
        tensors: 2,
        tensorBytes: 48,
        storageBytes: 48,
        ownStorageBytes: 24,
      },
    ])
  })

  test('has meta as plain values, no findings, and what the file says of itself', async () => {
    const byteOrder = { name: 'archive/byteorder', data: Buffer.from('little') }
    const { meta, findings, facts, format, writtenBy, totals } = await inspect(
      checkpointOf(PICKLE, { ...STORAGES, 9: new Uint8Array(5) }, [byteOrder]),
    )
    expect(meta).toEqual({ epoch: 3, classes: ['cat', 'dog'] })
    expect(findings).toEqual([])
    expect([format, writtenBy]).toEqual(['zip', 'torch 2.1 or newer'])
    expect(facts).toMatchObject({ pickleProtocol: 2, byteOrder: 'little', hasChecksums: true })
    expect(totals).toEqual({ storageBytes: 65, unusedStorageBytes: 5 })
  })

  test('reads kilobytes of a file with large storages', async () => {
    const large = { ...STORAGES, 9: new Uint8Array(50_000_000) }
    const reader = counting(readerOver(checkpointOf(PICKLE, large)))
    await inspectCheckpoint(reader)
    expect(reader.bytes()).toBeLessThan(100_000)
  })
})

describe('what is wrong is a finding with its place:', () => {
  const findingsOf = async (bytes: Uint8Array) =>
    (await inspect(bytes)).findings.map(({ code, place }) => `${code} at ${place}`)

  test('a name that is not allowed', async () => {
    const hostile = checkpointOf(pickleOf(dict({ meta: call('os', 'system', text('true')) })))
    expect(await findingsOf(hostile)).toEqual(['forbidden-global at meta()'])
  })

  test('a name that someone permits is none, and is marked', async () => {
    const own = checkpointOf(pickleOf(dict({ meta: call('mine', 'Config') })))
    const allowedGlobals = [{ module: 'mine', name: 'Config' }]
    const { findings, globals } = await inspectCheckpoint(readerOver(own), { allowedGlobals })
    expect(findings).toEqual([])
    expect(globals).toEqual([
      { module: 'mine', name: 'Config', allowed: true, byOption: true, path: 'meta()' },
    ])
  })

  test('a storage that is missing or of another length, a tensor beyond its storage', async () => {
    const beyond = pickleOf(dict({ state_dict: dict({ w: floatTensor('0', 2, [3]) }) }))
    expect(await findingsOf(checkpointOf(beyond, { 0: new Uint8Array(8) }))).toEqual([
      'bad-storage at state_dict.w',
    ])
    expect(await findingsOf(checkpointOf(PICKLE, { ...STORAGES, 2: new Uint8Array(1) }))).toEqual([
      'bad-storage at state_dict',
    ])
    expect(await findingsOf(checkpointOf(beyond.slice(), {}))).toEqual([
      'bad-storage at state_dict.w',
      'bad-storage at state_dict',
    ])
  })

  test('a value that is no dict', async () => {
    const { keys, findings } = await inspect(checkpointOf(pickleOf(int(1))))
    expect(keys).toEqual([])
    expect(findings.map(({ code }) => code)).toEqual(['no-top-level-dict'])
  })
})

test('values that hold each other a billion times end in a finding, not in a hang', async () => {
  const levels = Array.from({ length: 40 }, (_, level) => [
    `](${level === 0 ? 'N' : `h${chr(level - 1)}h${chr(level - 1)}`}eq${chr(level)}0`,
  ])
  const bomb = pickleOf(levels, '}(', text('meta'), `h${chr(39)}`, text('x'), `h${chr(39)}`, 'u')
  const { findings } = await inspect(checkpointOf(bomb))
  expect(findings.map(({ code }) => code)).toEqual(['too-large', 'too-large'])
})

test('a file that cannot be read is refused', async () => {
  expect(await complaintOf(() => inspect(Buffer.from('text')))).toBe('not-a-checkpoint')
})

const chr = (code: number) => String.fromCharCode(code)

function counting(reader: RangeReader): RangeReader & { bytes(): number } {
  let bytes = 0
  return {
    sizeBytes: reader.sizeBytes,
    bytes: () => bytes,
    read: (offset, lengthBytes) => {
      bytes += lengthBytes
      return reader.read(offset, lengthBytes)
    },
  }
}
