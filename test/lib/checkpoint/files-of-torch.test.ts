import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { assemble, planOutput } from '../../../lib/checkpoint/rewrite.ts'
import { PythonSession } from '../../fixtures/python-session.ts'

interface File {
  readonly name: string
  readonly wanted: readonly string[]
}
/** By file: the ways in which it loads as its source does, or a complaint. */
type Verdicts = Readonly<Record<string, readonly string[] | string>>

const KINDS = 'resnet-sgd resnet-adam tied views shared dtypes empty nested'.split(' ')
const CONTAINERS = ['zip', 'legacy']
const PROTOCOLS = [2, 3, 4, 5]

/** Of Debian's torch 1.13 where it is installed: `.ci/run` names its interpreter. */
const OLDER_PYTHON = process.env['CHECKPOINT_HUB_EXTRA_PYTHON']

/** Each file of these kinds with what is expected of it, in the order in which it is written. */
function filesOf<T>(
  kinds: readonly string[],
  expected: (kind: string, container: string, protocol: number) => T,
): Record<string, T> {
  const files = kinds.flatMap((kind) =>
    CONTAINERS.flatMap((container) =>
      PROTOCOLS.map((protocol): [string, T] => [
        `${kind}-${container}-${protocol}`,
        expected(kind, container, protocol),
      ]),
    ),
  )
  return Object.fromEntries(files)
}

/** Ways in which the newest torch loads a source: it maps zips alone, and knows no opcode of protocol 4. */
function waysOfNewest(kind: string, container: string, protocol: number): string[] {
  const modes = container === 'zip' ? ['', 'mmap'] : ['']
  // Protocol 3 writes bytes, which these hold, by an opcode that the weights-only loader does not know.
  const isSafe = protocol === 2 || (protocol === 3 && !['nested', 'mmengine'].includes(kind))
  const loaders = isSafe ? ['', 'weights_only'] : ['']
  return modes.flatMap((mode) =>
    loaders.map((loader) => [mode, loader].filter(Boolean).join(', ') || 'plain'),
  )
}

/** Torch 1.13 maps no file, and its weights-only loader knows few names. */
function waysOfOlder(safe: readonly string[], unknown: readonly string[] = []) {
  return (kind: string, _: string, protocol: number): string[] => {
    if (unknown.includes(kind)) return []
    return safe.includes(kind) && protocol < 4 ? ['plain', 'weights_only'] : ['plain']
  }
}

const OF_NEWEST = filesOf([...KINDS, 'mmengine'], waysOfNewest)
/** Debian's Python has no MMEngine. */
const OF_OLDER = filesOf(KINDS, waysOfNewest)
const count = (files: object): number => Object.keys(files).length

let newest: Torch
beforeAll(async () => {
  newest = await Torch.start()
  await newest.rewriteAll()
})
afterAll(() => newest?.end())

test(`${count(OF_NEWEST)} files of the newest torch, rewritten, load in it as their sources do, the dropped gone`, async () => {
  expect(count(OF_NEWEST)).toBeGreaterThanOrEqual(60)
  expect(newest.files.map(({ name }) => name)).toEqual(Object.keys(OF_NEWEST))
  expect(await newest.load(newest.folder)).toEqual(OF_NEWEST)
})

const because = OLDER_PYTHON ? '' : ' (skipped: CHECKPOINT_HUB_EXTRA_PYTHON names no other torch)'
describe.skipIf(!OLDER_PYTHON)(`with torch 1.13${because},`, () => {
  let older: Torch
  beforeAll(async () => {
    older = await Torch.start(OLDER_PYTHON)
    await older.rewriteAll()
  })
  afterAll(() => older?.end())

  test(`${count(OF_OLDER)} files of its own load in it as their sources do, the dropped gone`, async () => {
    expect(count(OF_OLDER)).toBeGreaterThanOrEqual(60)
    expect(older.files.map(({ name }) => name)).toEqual(Object.keys(OF_OLDER))
    const ways = waysOfOlder(['tied', 'views', 'shared', 'empty'])
    expect(await older.load(older.folder)).toEqual(filesOf(KINDS, ways))
  })

  test(`they load in the newest torch, too`, async () => {
    expect(await newest.load(older.folder)).toEqual(OF_OLDER)
  })

  test('files of the newest torch that it can load it loads rewritten, too', async () => {
    // Conjugates, names of numpy 2, and MMEngine are not known to it.
    const ways = waysOfOlder(['tied', 'shared', 'empty'], ['views', 'dtypes', 'nested', 'mmengine'])
    expect(await older.load(newest.folder)).toEqual(filesOf([...KINDS, 'mmengine'], ways))
  })
})

/** A torch that wrote files, and loads what was made of its own and of another's. */
class Torch {
  readonly folder: string
  readonly files: readonly File[]
  readonly #session: PythonSession

  static async start(interpreter?: string): Promise<Torch> {
    const folder = await mkdtemp(join(tmpdir(), 'checkpoint-files-'))
    const session = await PythonSession.start('torch_files.py', [folder], interpreter)
    return new Torch(folder, await session.answer<File[]>(), session)
  }

  private constructor(folder: string, files: readonly File[], session: PythonSession) {
    this.folder = folder
    this.files = files
    this.#session = session
  }

  async rewriteAll(): Promise<void> {
    for (const { name, wanted } of this.files) {
      const reader = readerOver(new Uint8Array(await readFile(join(this.folder, `${name}.pth`))))
      const plan = await planOutput(reader, {
        format: 'pth',
        wanted: (key) => wanted.includes(key),
      })
      const chunks = await Array.fromAsync(assemble(reader, plan))
      await writeFile(join(this.folder, `${name}.out.pth`), Buffer.concat(chunks))
    }
  }

  load(folder: string): Promise<Verdicts> {
    this.#session.proceed(folder)
    return this.#session.answer<Verdicts>()
  }

  async end(): Promise<void> {
    this.#session.end()
    await rm(this.folder, { recursive: true, force: true })
  }
}
