import { describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { readCheckpoint } from '../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { call, dict, floatTensor, int, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../../fixtures/zip-bytes.ts'

const PICKLE = pickleOf(dict({ meta: int(1), state_dict: floatTensor('0', 2) }))
const read = (bytes: Uint8Array) => readCheckpoint(readerOver(bytes))
const codeOf = (bytes: Uint8Array) => complaintOf(() => read(new Uint8Array(bytes)))

describe('a checkpoint', () => {
  test('shows its keys, its format and what its pickle names', async () => {
    const bytes = checkpointOf(PICKLE, { 0: new Uint8Array(8) }, [
      { name: 'archive/byteorder', data: Buffer.from('little') },
      { name: 'archive/.storage_alignment', data: Buffer.from('4096') },
    ])
    const checkpoint = await read(bytes)
    expect(checkpoint.entries.map(({ key }) => key)).toEqual(['meta', 'state_dict'])
    expect(checkpoint.facts).toEqual({
      pickleProtocol: 2,
      formatVersion: 3,
      byteOrder: 'little',
      storageAlignmentBytes: 4096,
    })
    expect(checkpoint.globals.map(({ module, name }) => `${module}.${name}`)).toEqual([
      'collections.OrderedDict',
      'torch.FloatStorage',
      'torch._utils._rebuild_tensor_v2',
    ])
  })

  test('without a recorded CRC is read, with a wrong one refused', async () => {
    const version = { name: 'archive/version', data: Buffer.from('3') }
    const withCrc = (crc32: number) =>
      zipOf([{ name: 'archive/data.pkl', data: PICKLE, crc32 }, version])
    expect(await codeOf(withCrc(0))).toBe('fine')
    expect(await codeOf(withCrc(1))).toBe('checksum')
  })
})

describe('a file is refused, with the reason, where', () => {
  const version = { name: 'a/version', data: Buffer.from('3') }
  const pickle = { name: 'a/data.pkl', data: PICKLE }
  test.each([
    ['it is empty', new Uint8Array(), 'not-a-checkpoint'],
    ['it is text', Buffer.from('not a checkpoint'), 'not-a-checkpoint'],
    [
      'a torch before 1.6 wrote it',
      Buffer.from('80028a0a6cfc9c46f9206aa850192e80', 'hex'),
      'legacy-format',
    ],
    [
      'it is a tar file',
      Buffer.concat([Buffer.alloc(257), Buffer.from('ustar\0')]),
      'legacy-format',
    ],
    ['its upload was cut short', checkpointOf(PICKLE).subarray(0, 100), 'no-end-record'],
    [
      'it is TorchScript, with constants',
      zipOf([pickle, version, { name: 'a/constants.pkl', data: PICKLE }]),
      'torchscript',
    ],
    [
      'it is TorchScript, with code',
      zipOf([pickle, version, { name: 'a/code/m.py', data: PICKLE }]),
      'torchscript',
    ],
    ['it is some other zip file', zipOf([{ name: 'a/readme', data: PICKLE }]), 'no-pickle'],
    ['it has no version', zipOf([pickle]), 'no-pickle'],
    [
      'its pickle lies in another folder than its first entry',
      zipOf([{ ...version, name: 'b/version' }, pickle]),
      'no-pickle',
    ],
    ['its pickle is compressed', zipOf([{ ...pickle, method: 8 }, version]), 'compressed-entry'],
    [
      'the local header names another entry',
      zipOf([{ ...pickle, localName: 'a/data.pkx' }, version]),
      'bad-zip',
    ],
    ['it holds a number', checkpointOf(pickleOf(int(1))), 'no-top-level-dict'],
    ['its keys are numbers', checkpointOf(pickleOf('}', int(1), int(2), 's')), 'no-top-level-dict'],
    [
      'it is not even a dict, and dangerous',
      checkpointOf(pickleOf(call('os', 'system', text('true')))),
      'forbidden-global',
    ],
  ])('%s', async (_, bytes, code) => {
    expect(await codeOf(bytes)).toBe(code)
  })

  test('the message says what was expected, what was found and what that means', async () => {
    await expect(read(checkpointOf(pickleOf(int(1))))).rejects.toThrow(
      'pickle: the saved object: expected a dict or OrderedDict, found int. ' +
        'Only a dict of string keys has keys that can be kept or removed.',
    )
  })
})
