import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPickle } from '../../../../lib/checkpoint/pickle/read-pickle.ts'
import { topLevelEntries, withEntries } from '../../../../lib/checkpoint/pickle/top-level.ts'
import { writePickle } from '../../../../lib/checkpoint/pickle/write-pickle.ts'
import { PythonSession } from '../../../fixtures/python-session.ts'

const COUNT = 2000

let folder: string
let session: PythonSession

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-pickle-'))
  session = await PythonSession.start('random_pickles.py', [folder, String(COUNT)])
  await session.answer()
})

afterAll(async () => {
  session?.end()
  await rm(folder, { recursive: true, force: true })
})

test('Python reads a filtered pickle of any protocol as its own, less what was dropped', async () => {
  for (let number = 0; number < COUNT; number += 1) {
    const source = new Uint8Array(await readFile(join(folder, `${number}.pkl`)))
    const { root } = readPickle(source)
    const kept = topLevelEntries(root).filter(({ key }) => key === 'kept')
    await writeFile(join(folder, `${number}.out.pkl`), writePickle(withEntries(root, kept)))
  }
  session.proceed()
  expect(await session.answer()).toEqual({})
})
