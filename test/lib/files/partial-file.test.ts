import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CHUNK_BYTES, chunksOf, openPartialFile } from '../../../lib/files/partial-file.ts'

const SIZE = 2 * CHUNK_BYTES + 5
const WHOLE = { identity: 'version etag', sizeBytes: SIZE }
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partial-file-'))
  path = join(folder, 'a.pth')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const content = (number: number, length: number) => new Uint8Array(length).fill(number + 1)

/** Writes these chunks of the file, in this order. */
async function written(numbers: readonly number[], whole = WHOLE) {
  const file = await openPartialFile(path, whole)
  const missing = file.missing.map(({ number }) => number)
  for (const number of numbers) {
    const chunk = chunksOf(SIZE)[number]
    if (chunk === undefined) continue
    await file.write(chunk.offset, content(number, chunk.lengthBytes))
    await file.note(chunk)
  }
  return { file, missing }
}

test('chunks cover a file once, from its start to its end', () => {
  expect(chunksOf(SIZE).map(({ offset, lengthBytes }) => [offset, lengthBytes])).toEqual([
    [0, CHUNK_BYTES],
    [CHUNK_BYTES, CHUNK_BYTES],
    [2 * CHUNK_BYTES, 5],
  ])
  expect(chunksOf(0)).toEqual([])
  expect(chunksOf(CHUNK_BYTES)).toHaveLength(1)
})

describe('a file that is written by chunks', () => {
  test('in any order has its name and all bytes in the end, and nothing lies beside it', async () => {
    const { file, missing } = await written([2, 0, 1])
    expect(missing).toEqual([0, 1, 2])
    expect(await readdir(folder)).toEqual(['a.pth.part', 'a.pth.part.done'])
    expect(await file.rename()).toBe(true)
    await file.close()
    expect(await readdir(folder)).toEqual(['a.pth'])
    const bytes = await readFile(path)
    expect(bytes.byteLength).toBe(SIZE)
    const places = [0, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES, SIZE - 1]
    expect(places.map((at) => bytes[at])).toEqual([1, 1, 2, 3, 3])
  })

  test('is gone on with after a stop: what is noted is not missing', async () => {
    await (await written([1])).file.close()
    const { file, missing } = await written([0, 2])
    expect(missing).toEqual([0, 2])
    await file.rename()
    await file.close()
    expect((await readFile(path))[CHUNK_BYTES]).toBe(2)
  })

  test('trusts no note that a crash cut short', async () => {
    await (await written([0])).file.close()
    await appendFile(`${path}.part.done`, '2')
    const { file, missing } = await written([])
    expect(missing).toEqual([1, 2])
    await file.close()
  })

  test.each([
    ['another version', { ...WHOLE, identity: 'another' }],
    ['another size', { ...WHOLE, sizeBytes: SIZE - 1 }],
  ])('is begun anew where it was of %s', async (_, whole) => {
    await (await written([0, 1, 2])).file.close()
    const { file, missing } = await written([], whole)
    expect(missing).toEqual([0, 1, 2])
    await file.close()
    expect((await readFile(`${path}.part`))[0]).toBe(0)
  })

  test('takes no name that is taken', async () => {
    const { file } = await written([0, 1, 2])
    await writeFile(path, 'mine')
    expect(await file.rename()).toBe(false)
    await file.close()
    expect(await readFile(path, 'utf8')).toBe('mine')
  })

  test('leaves nothing where it is discarded', async () => {
    const { file } = await written([0])
    await file.discard()
    await file.close()
    expect(await readdir(folder)).toEqual([])
  })
})
