import { describe, expect, test } from 'vitest'
import { type RangeReader, readerOver } from '../../../lib/checkpoint/range-reader.ts'
import {
  fingerprintOf,
  readZipDirectory,
  recordsChecksums,
} from '../../../lib/checkpoint/zip-directory.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { type EndBytes, type EntryBytes, zipOf } from '../../fixtures/zip-bytes.ts'

const TWO: readonly EntryBytes[] = [
  { name: 'run/a', data: Buffer.from('first') },
  { name: 'run/b', data: Buffer.from('second!') },
]

const directoryOf = (bytes: Uint8Array) => readZipDirectory(readerOver(bytes))
const codeOf = (entries: readonly EntryBytes[], end?: EndBytes) =>
  complaintOf(() => directoryOf(zipOf(entries, end)))

describe('reading a directory', () => {
  test('gives names, sizes and where each entry begins and ends', async () => {
    const { entries, directoryOffset } = await directoryOf(zipOf(TWO))
    expect(entries.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['run/a', 5],
      ['run/b', 7],
    ])
    expect(entries.map(({ headerOffset, endOffset }) => [headerOffset, endOffset])).toEqual([
      [0, 40],
      [40, directoryOffset],
    ])
  })

  test('finds the end record before a comment', async () => {
    const { entries } = await directoryOf(zipOf(TWO, { comment: 'written by hand' }))
    expect(entries).toHaveLength(2)
  })

  test('reads the tail once, and once more for a directory that begins before it', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => ({
      name: `run/data/${index}`,
      data: new Uint8Array(),
    }))
    expect(await readsFor(zipOf(TWO))).toBe(1)
    expect(await readsFor(zipOf(many))).toBe(2)
  })
})

describe('a file is refused where', () => {
  test.each([
    ['it is empty', new Uint8Array(), 'no-end-record'],
    ['its end is missing', zipOf(TWO).subarray(0, 90), 'no-end-record'],
    ['something was appended', Buffer.concat([zipOf(TWO), Buffer.from('more')]), 'bad-zip'],
    ['something was put before it', Buffer.concat([Buffer.from('more'), zipOf(TWO)]), 'bad-zip'],
    [
      'a comment holds another end record',
      zipOf(TWO, { comment: `PK\x05\x06${'\0'.repeat(30)}` }),
      'bad-zip',
    ],
  ])('%s', async (_, bytes, code) => {
    expect(await complaintOf(() => directoryOf(new Uint8Array(bytes)))).toBe(code)
  })

  test.each<[string, Partial<EntryBytes>, string]>([
    ['two entries have one name', { name: 'run/a' }, 'duplicate-name'],
    ['two names differ in case only', { name: 'RUN/A' }, 'duplicate-name'],
    ['two entries begin at one place', { headerOffset: 0 }, 'overlap'],
    ['an entry reaches into the directory', { sizeBytes: 1000 }, 'overlap'],
    ['an entry lies beyond the file', { headerOffset: 1_000_000 }, 'overlap'],
    ['an entry is encrypted', { flags: 1 }, 'bad-zip'],
    ['a size says zip64 and no such field is there', { sizeBytes: 0xffffffff }, 'bad-zip'],
    ['an entry with data says that it is a folder', { externalAttributes: 0x10 }, 'bad-zip'],
    ['a folder by its name has data', { name: 'run/b/' }, 'bad-zip'],
    ['a name is empty', { name: '' }, 'bad-zip'],
    ['a name holds a zero byte', { name: 'run/b\0' }, 'bad-zip'],
  ])('%s', async (_, second, code) => {
    expect(
      await codeOf([...TWO.slice(0, 1), { name: 'run/b', data: Buffer.from('x'), ...second }]),
    ).toBe(code)
  })

  test.each<[string, EndBytes, string]>([
    ['the end record promises more entries than there are', { entryCount: 3 }, 'truncated'],
    ['it promises fewer', { entryCount: 1 }, 'bad-zip'],
    ['the directory would begin elsewhere', { directoryOffset: 7 }, 'bad-zip'],
    ['the directory would be longer', { directorySizeBytes: 5000 }, 'bad-zip'],
  ])('%s', async (_, end, code) => {
    expect(await codeOf(TWO, end)).toBe(code)
  })

  test('its directory is larger than any checkpoint needs', async () => {
    const sizeBytes = 40 * 1024 * 1024
    const end = zipOf([], { directoryOffset: 0, directorySizeBytes: sizeBytes })
    const reader: RangeReader = {
      sizeBytes: sizeBytes + end.byteLength,
      read: async (offset, lengthBytes) => {
        const bytes = new Uint8Array(lengthBytes)
        bytes.set(end, sizeBytes - offset)
        return bytes
      },
    }
    expect(await complaintOf(() => readZipDirectory(reader))).toBe('too-large')
  })
})

describe('a fingerprint', () => {
  test('is the same for the same entries in another order', async () => {
    const there = fingerprintOf(await directoryOf(zipOf(TWO)))
    const back = fingerprintOf(await directoryOf(zipOf(TWO.toReversed())))
    expect(back).toBe(there)
    expect(there).toMatch(/^[0-9a-f]{64}$/)
  })

  test('differs where one byte of one entry does, or a name', async () => {
    const prints = await Promise.all(
      [
        TWO,
        [...TWO.slice(0, 1), { name: 'run/b', data: Buffer.from('Second!') }],
        [...TWO.slice(0, 1), { name: 'run/c', data: Buffer.from('second!') }],
      ].map(async (entries) => fingerprintOf(await directoryOf(zipOf(entries)))),
    )
    expect(new Set(prints).size).toBe(3)
  })

  test('speaks of no bytes where the file was written without CRCs, which is told', async () => {
    const without = TWO.map((entry) => ({ ...entry, crc32: 0 }))
    expect(recordsChecksums(await directoryOf(zipOf(without)))).toBe(false)
    expect(recordsChecksums(await directoryOf(zipOf(TWO)))).toBe(true)
  })
})

async function readsFor(bytes: Uint8Array): Promise<number> {
  let reads = 0
  const inner = readerOver(bytes)
  await readZipDirectory({
    sizeBytes: inner.sizeBytes,
    read: (offset, lengthBytes) => {
      reads += 1
      return inner.read(offset, lengthBytes)
    },
  })
  return reads
}
