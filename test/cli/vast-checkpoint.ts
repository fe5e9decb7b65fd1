/** A checkpoint of 10 GiB that takes no room on the disk: the bytes of its tensors are a hole in the file. */
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { directoryBytes, firstEntry, type PlacedEntry } from '../../lib/checkpoint/zip/write-zip.ts'
import { call, dict, global, type Piece, pickleOf, text, tuple } from '../fixtures/pickle-bytes.ts'
import { zipOf } from '../fixtures/zip-bytes.ts'

const TENSORS = 5
const FLOATS = 2 ** 29
export const VAST_BYTES = TENSORS * FLOATS * 4

/** Writes the file, with `state_dict.weight0` to `weight4` of 2 GiB each. */
export async function writeVastCheckpoint(path: string): Promise<void> {
  const weights = Array.from({ length: TENSORS }, (_, key) => [`weight${key}`, tensor(`${key}`)])
  const pickle = pickleOf(dict({ state_dict: dict(Object.fromEntries(weights)) }))
  const first = firstEntry('archive/data.pkl', pickle, 64)
  const file = await open(path, 'wx')
  try {
    const placed: PlacedEntry[] = [first.entry]
    await file.write(first.bytes, 0, first.bytes.byteLength, 0)
    let end = first.bytes.byteLength
    for (const [name, sizeBytes] of entries()) {
      const header = zipOf([{ name, data: new Uint8Array() }]).subarray(0, 30 + name.length)
      // As torch writes: the sizes and the CRC of a local header are said to come later (bit 3 of the flags).
      Buffer.from(header.buffer, header.byteOffset).writeUInt16LE(8, 6)
      await file.write(header, 0, header.byteLength, end)
      if (name.endsWith('version')) await file.write('3\n', end + header.byteLength)
      const sizes = { compressedSizeBytes: sizeBytes, sizeBytes }
      // That of a storage is only looked at by who reads all of it.
      const checksum = name.endsWith('version') ? crc32('3\n') : 0
      placed.push({ ...first.entry, name, ...sizes, crc32: checksum, headerOffset: end })
      end += header.byteLength + sizeBytes
    }
    const directory = directoryBytes(placed, end)
    await file.write(directory, 0, directory.byteLength, end)
  } finally {
    await file.close()
  }
}

function entries(): [name: string, sizeBytes: number][] {
  const storages = Array.from({ length: TENSORS }, (_, key): [string, number] => [
    `archive/data/${key}`,
    FLOATS * 4,
  ])
  return [...storages, ['archive/version', 2]]
}

function tensor(key: string): Piece {
  const storage = tuple(
    text('storage'),
    global('torch', 'FloatStorage'),
    text(key),
    text('cpu'),
    int32(FLOATS),
  )
  return call(
    'torch._utils',
    '_rebuild_tensor_v2',
    [storage, 'Q'],
    int32(0),
    tuple(int32(FLOATS)),
    tuple(int32(1)),
    '\x89',
    call('collections', 'OrderedDict'),
  )
}

/** `J`: an integer of four bytes. */
function int32(value: number): Piece {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return ['J', bytes]
}
