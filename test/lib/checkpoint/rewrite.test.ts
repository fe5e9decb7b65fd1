import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAllowed } from '../../../lib/checkpoint/pickle/allow-list.ts'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import {
  assemble,
  type Checkpoint,
  cutIntoParts,
  planRewrite,
  type RewritePlan,
  readCheckpoint,
} from '../../../lib/checkpoint/rewrite.ts'
import { PythonSession } from '../../fixtures/python-session.ts'

interface Written {
  readonly cases: readonly { readonly case: string; readonly wanted: string[] }[]
  readonly allowed: readonly string[]
}

interface Rewritten {
  readonly source: Uint8Array
  readonly checkpoint: Checkpoint
  readonly plan: RewritePlan
  readonly output: Uint8Array
}

let folder: string
let session: PythonSession
let written: Written
let verdicts: Record<string, string>
const rewritten = new Map<string, Rewritten>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-rewrite-'))
  session = await PythonSession.start('torch_checkpoints.py', [folder])
  written = await session.answer()
  for (const { case: name, wanted } of written.cases) {
    const made = await rewrite(new Uint8Array(await readFile(join(folder, `${name}.pth`))), wanted)
    rewritten.set(name, made)
    await writeFile(join(folder, `${name}.out.pth`), made.output)
  }
  session.proceed()
  verdicts = await session.answer()
})

afterAll(async () => {
  session?.end()
  await rm(folder, { recursive: true, force: true })
})

describe('a file that torch wrote, rewritten,', () => {
  test('loads in torch as the source without the removed keys, bit by bit, sharing what it shared', () => {
    expect(verdicts).toEqual(
      Object.fromEntries(written.cases.map(({ case: name }) => [name, 'ok'])),
    )
  })

  test('has its storages where the source aligned them', async () => {
    for (const [name, { checkpoint, output }] of rewritten) {
      if (name === 'string-order') continue
      const offsets = await storageOffsets(output)
      const { storageAlignmentBytes } = checkpoint.facts
      expect([name, offsets.filter((offset) => offset % storageAlignmentBytes !== 0)]).toEqual([
        name,
        [],
      ])
    }
  })

  test('is one range where the kept storages lie together', () => {
    // The other range is that of the small entries before the storages.
    expect(copies('many-storages')).toBe(2)
  })

  test('goes over in copies with nothing sent between them, where storages are long', () => {
    const plan = rewritten.get('long-runs')?.plan
    if (plan === undefined) throw new Error('not rewritten')
    expect(plan.borrowed.map(({ lengthBytes }) => lengthBytes)).toEqual([8, 12])
    const kinds = cutIntoParts(plan).map(({ kind }) => kind)
    expect(kinds).toEqual(['send', 'copy', 'copy', 'copy', 'send'])
  })

  test('holds storages that a kept and a removed key share once, whole', () => {
    const entries = rewritten.get('shared-between-keys')?.plan.copiedEntries ?? []
    const storages = entries.filter(({ name }) => name.includes('/data/'))
    expect(storages.map(({ sizeBytes }) => sizeBytes)).toEqual([400])
  })

  test('has the same bytes in chunks of whatever size (invariant 12)', async () => {
    for (const { source, plan, output } of rewritten.values()) {
      const chunks: Uint8Array[] = []
      for await (const chunk of assemble(readerOver(source), plan, 1000)) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(output)).toBe(true)
    }
  })
})

test("a MMEngine Runner's checkpoint has MMEngine's keys and nothing forbidden", () => {
  const checkpoint = rewritten.get('mmengine')?.checkpoint
  expect(checkpoint?.entries.map(({ key }) => key)).toEqual([
    'meta',
    'state_dict',
    'message_hub',
    'optimizer',
    'param_schedulers',
  ])
  expect(checkpoint?.globals.filter(({ allowed }) => !allowed)).toEqual([])
})

test("the allow-list holds every name of torch's own", () => {
  const missing = written.allowed.filter((path) => {
    const dot = path.lastIndexOf('.')
    return !isAllowed({ module: path.slice(0, dot), name: path.slice(dot + 1) })
  })
  expect(missing).toEqual([])
})

async function rewrite(source: Uint8Array, wanted: readonly string[]): Promise<Rewritten> {
  const reader = readerOver(source)
  const checkpoint = await readCheckpoint(reader)
  const plan = planRewrite(checkpoint, (key) => wanted.includes(key))
  const chunks: Uint8Array[] = []
  for await (const chunk of assemble(reader, plan)) chunks.push(chunk)
  return { source, checkpoint, plan, output: new Uint8Array(Buffer.concat(chunks)) }
}

function copies(name: string): number {
  const pieces = rewritten.get(name)?.plan.pieces ?? []
  return pieces.filter(({ kind }) => kind === 'copy').length
}

/** Where the data of each storage that is not empty begin, by its local header. */
async function storageOffsets(file: Uint8Array): Promise<number[]> {
  const { container } = await readCheckpoint(readerOver(file))
  const view = new DataView(file.buffer, file.byteOffset)
  return [...container.storages.values()]
    .filter(({ sizeBytes }) => sizeBytes > 0)
    .map(
      ({ headerOffset: at }) =>
        at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true),
    )
}
