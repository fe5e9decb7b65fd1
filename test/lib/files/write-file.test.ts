import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { writeNewFile } from '../../../lib/files/write-file.ts'

const WORDS = ['the ', 'weights']
const SHA256 = createHash('sha256').update(WORDS.join('')).digest('hex')

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-file-'))
  path = join(folder, 'model.pth')
  return () => rm(folder, { recursive: true, force: true })
})

async function* chunks(fault?: Error): AsyncGenerator<Uint8Array> {
  for (const word of WORDS) yield Buffer.from(word)
  if (fault !== undefined) throw fault
}

describe('a new file', () => {
  test('is called what its hash says', async () => {
    const named = (sha256: string) => join(folder, `model-${sha256.slice(0, 8)}.pth`)
    const written = await writeNewFile(folder, chunks(), named)
    expect(written).toEqual({ kind: 'written', path: named(SHA256), sizeBytes: 11, sha256: SHA256 })
    expect(await readdir(folder)).toEqual([`model-${SHA256.slice(0, 8)}.pth`])
  })

  test('has no name before all of it is there', async () => {
    async function* watched(): AsyncGenerator<Uint8Array> {
      yield* chunks()
      const names = await readdir(folder)
      expect(names).toEqual([expect.stringMatching(/^\.ckpt-.*\.part$/)])
    }
    await writeNewFile(folder, watched(), () => path)
    expect(await readdir(folder)).toEqual(['model.pth'])
  })

  test('leaves nothing where its bytes end in an error', async () => {
    const fault = new Error('the disk of the source broke')
    await expect(writeNewFile(folder, chunks(fault), () => path)).rejects.toThrow(fault)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a name that is taken', () => {
  test('by the same bytes is a success that writes nothing', async () => {
    await writeFile(path, WORDS.join(''))
    const written = await writeNewFile(folder, chunks(), () => path)
    expect(written).toMatchObject({ kind: 'same', sha256: SHA256 })
    expect(await readdir(folder)).toEqual(['model.pth'])
  })

  test.each(['other', 'the heights', ''])('by %j is left, and said', async (other) => {
    await writeFile(path, other)
    const writing = writeNewFile(folder, chunks(), () => path)
    await expect(writing).rejects.toMatchObject({ name: 'NameTakenError', path })
    expect(await readFile(path, 'utf8')).toBe(other)
    expect(await readdir(folder)).toEqual(['model.pth'])
  })

  test('goes to one of two writers, and the other finds it there', async () => {
    const both = [
      writeNewFile(folder, chunks(), () => path),
      writeNewFile(folder, chunks(), () => path),
    ]
    const kinds = (await Promise.all(both)).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['same', 'written'])
  })
})
