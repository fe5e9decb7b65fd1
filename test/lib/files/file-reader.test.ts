import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { openFile } from '../../../lib/files/file-reader.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-reader-'))
  path = join(folder, 'epoch_1.pth')
  await writeFile(path, 'the weights')
  return () => rm(folder, { recursive: true, force: true })
})

test('a file is read by ranges', async () => {
  const file = await openFile(path)
  expect(file.sizeBytes).toBe(11)
  expect(Buffer.from(await file.read(4, 3)).toString()).toBe('wei')
  expect(await file.read(11, 0)).toHaveLength(0)
  await expect(file.requireUnchanged()).resolves.toBeUndefined()
  await file.close()
})

test('a file that is written to while it is read is told from the one that was opened', async () => {
  const file = await openFile(path)
  await appendFile(path, ' of another epoch')
  await expect(file.requireUnchanged()).rejects.toMatchObject({ name: 'FileChangedError', path })
  await file.close()
})

test('a file that becomes shorter ends a read', async () => {
  const file = await openFile(path)
  await truncate(path, 5)
  await expect(file.read(0, 11)).rejects.toThrow('became shorter')
  await file.close()
})

test('a folder and a missing file are errors with a code', async () => {
  await expect(openFile(folder)).rejects.toMatchObject({ code: 'EISDIR' })
  await expect(openFile(join(folder, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' })
})
