import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { filesInDcpMetadata } from '../../../lib/checkpoint/dcp-metadata.ts'
import { isAllowed } from '../../../lib/checkpoint/pickle/allow-list.ts'
import { isDcpGlobal } from '../../../lib/checkpoint/pickle/dcp-allow-list.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { call, dict, global, int, type Piece, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { PythonSession } from '../../fixtures/python-session.ts'

const METADATA = 'torch.distributed.checkpoint.metadata'
const FILESYSTEM = 'torch.distributed.checkpoint.filesystem'

describe("what torch's own torch.distributed.checkpoint wrote", () => {
  let folder: string
  let session: PythonSession

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dcp-'))
    session = await PythonSession.start('dcp_checkpoints.py', [folder])
    await session.answer()
  })
  afterAll(async () => {
    session?.end()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(['one_rank', 'a_file_each', 'two_ranks'])(
    '%s names every file that is there, up to its last byte',
    async (name) => {
      const found = filesInDcpMetadata(await readFile(join(folder, name, '.metadata')))
      const names = (await readdir(join(folder, name))).filter((each) => each !== '.metadata')
      expect(found.map((file) => file.name).toSorted()).toEqual(names.toSorted())
      for (const { name: file, size } of found) {
        expect(size.leastBytes).toBeGreaterThan(0)
        expect(size.leastBytes).toBeLessThanOrEqual((await stat(join(folder, name, file))).size)
      }
    },
  )
})

/** An object as protocol 2 writes a dataclass: `cls.__new__(cls)`, then its attributes. */
function dataclass(module: string, name: string, attributes: Record<string, Piece>): Piece {
  return [global(module, name), ')\x81', dict(attributes), 'b']
}

function storageInfo(path: string, offset: number, length: number): Piece {
  const attributes = { relative_path: text(path), offset: int(offset), length: int(length) }
  return dataclass(FILESYSTEM, '_StorageInfo', attributes)
}

function metadata(pieces: Record<string, Piece>): Uint8Array {
  return pickleOf(dataclass(METADATA, 'Metadata', { storage_data: dict(pieces) }))
}

const complain = (bytes: Uint8Array) => complaintOf(async () => filesInDcpMetadata(bytes))

describe('a .metadata', () => {
  test('names each file once, with the end of its last piece', () => {
    const pieces = {
      a: storageInfo('__0_0.distcp', 0, 10),
      b: storageInfo('__0_0.distcp', 10, 200),
      c: storageInfo('__1_0.distcp', 0, 7),
      d: storageInfo('__0_0.distcp', 5, 5),
    }
    expect(filesInDcpMetadata(metadata(pieces))).toEqual([
      { name: '__0_0.distcp', size: { leastBytes: 210 } },
      { name: '__1_0.distcp', size: { leastBytes: 7 } },
    ])
  })

  test('that would run something is refused, wherever it says so', async () => {
    const evil = call('os', 'system', text('true'))
    const places = [
      metadata({ a: evil }),
      pickleOf(evil, '0', dataclass(METADATA, 'Metadata', { storage_data: dict({}) })),
      pickleOf(dataclass(METADATA, 'Metadata', { storage_data: dict({}), planner_data: evil })),
    ]
    for (const bytes of places) {
      await expect(complain(bytes)).resolves.toBe('forbidden-global')
    }
  })

  test.each([
    ['of another class', pickleOf(dataclass(METADATA, 'StorageMeta', {}))],
    ['without storage_data', pickleOf(dataclass(METADATA, 'Metadata', {}))],
    ['with pieces of another class', metadata({ a: dataclass(METADATA, 'StorageMeta', {}) })],
    ['with a piece that has no length', metadata({ a: dataclass(FILESYSTEM, '_StorageInfo', {}) })],
    ['that is a dict', pickleOf(dict({ storage_data: dict({}) }))],
  ])('%s is refused', async (_, bytes) => {
    await expect(complain(bytes)).resolves.toBe('bad-marker')
  })

  test.each([new Uint8Array(), Buffer.from('{"files": []}'), metadata({}).subarray(0, -3)])(
    'that is no pickle is refused',
    async (bytes) => {
      await expect(complain(bytes)).resolves.toBe('bad-pickle')
    },
  )
})

test('its allow-list and that of published checkpoints do not grow for each other', () => {
  const own = { kind: 'global', module: FILESYSTEM, name: '_StorageInfo' } as const
  const rebuild = { kind: 'global', module: 'torch._utils', name: '_rebuild_tensor_v2' } as const
  expect([isDcpGlobal(own), isAllowed(own)]).toEqual([true, false])
  expect([isDcpGlobal(rebuild), isAllowed(rebuild)]).toEqual([false, true])
})
