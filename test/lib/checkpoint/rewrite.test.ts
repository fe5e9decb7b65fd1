import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import {
  assemble,
  planRewrite,
  type RewritePlan,
  readCheckpoint,
} from '../../../lib/checkpoint/rewrite.ts'
import { readZipDirectory } from '../../../lib/checkpoint/zip-directory.ts'
import { PythonSession } from '../../fixtures/python-session.ts'

interface Case {
  readonly case: string
  readonly wanted: string[]
  readonly unaligned?: boolean
}

let folder: string
let session: PythonSession
let cases: Case[]
let verdicts: Record<string, string>
const sources = new Map<string, Uint8Array>()
const plans = new Map<string, RewritePlan>()
const outputs = new Map<string, Uint8Array>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-rewrite-'))
  session = await PythonSession.start('torch_checkpoints.py', [folder])
  cases = await session.answer()
  for (const { case: name, wanted } of cases) {
    const source = new Uint8Array(await readFile(join(folder, `${name}.pth`)))
    const { plan, output } = await rewrite(source, wanted)
    sources.set(name, source)
    plans.set(name, plan)
    outputs.set(name, output)
    await writeFile(join(folder, `${name}.out.pth`), output)
  }
  session.proceed()
  verdicts = await session.answer()
})

afterAll(async () => {
  session?.end()
  await rm(folder, { recursive: true, force: true })
})

describe('a file that torch wrote, rewritten', () => {
  test('loads in torch as the source without the removed keys, bit by bit, sharing what it shared', () => {
    expect(verdicts).toEqual(Object.fromEntries(cases.map(({ case: name }) => [name, 'ok'])))
  })
})

async function rewrite(source: Uint8Array, wanted: readonly string[]) {
  const reader = readerOver(source)
  const plan = planRewrite(await readCheckpoint(reader), (key) => wanted.includes(key))
  const chunks: Uint8Array[] = []
  for await (const chunk of assemble(reader, plan)) chunks.push(chunk)
  return { plan, output: new Uint8Array(Buffer.concat(chunks)) }
}
