import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectCheckpoint } from '../../../lib/checkpoint/inspect.ts'
import { lookInto } from '../../../lib/checkpoint/look-into.ts'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import {
  assemble,
  type OutputFormat,
  planOutput,
  type RewritePlan,
} from '../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import { PythonSession } from '../../fixtures/python-session.ts'

interface Case {
  readonly case: string
  readonly output: OutputFormat
  readonly wanted: readonly string[]
}

let folder: string
let session: PythonSession
let cases: readonly Case[]
let verdicts: Record<string, string>
const sources = new Map<string, Uint8Array>()
const outputs = new Map<string, Uint8Array>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-formats-'))
  session = await PythonSession.start('torch_formats.py', [folder])
  cases = (await session.answer<{ cases: Case[] }>()).cases
  for (const { case: name, output: format, wanted } of cases) {
    const source = await read(`${name}.pth`)
    const output = await made(source, format, wanted)
    sources.set(name, source)
    outputs.set(name, output)
    await writeFile(join(folder, `${name}.out`), output)
  }
  session.proceed()
  verdicts = await session.answer()
})

afterAll(async () => {
  session?.end()
  await rm(folder, { recursive: true, force: true })
})

test('torch loads rewritten legacy files, and safetensors what was made for it, bit by bit', () => {
  expect(verdicts).toEqual(Object.fromEntries(cases.map(({ case: name }) => [name, 'ok'])))
})

describe('a legacy file', () => {
  const legacy = () => cases.filter(({ output }) => output === 'pth')

  test('is a whole checkpoint, which one byte less is not', async () => {
    for (const { case: name } of legacy()) {
      const source = sourceOf(name)
      expect(await lookInto(readerOver(source))).toEqual({
        fingerprint: undefined,
        fault: undefined,
      })
      const torn = readerOver(source.subarray(0, source.byteLength - 1))
      expect((await lookInto(torn)).fault).toContain('The upload is not finished')
    }
  })

  test('rewritten twice is what rewriting it once with the last keys gives (12)', async () => {
    for (const { case: name, output, wanted } of legacy()) {
      const once = outputs.get(name) ?? new Uint8Array()
      expect(Buffer.from(await made(once, output, wanted)).equals(once)).toBe(true)
    }
  })

  test('is described by its pickles', async () => {
    const { format, keys, findings, meta } = await inspectCheckpoint(
      readerOver(sourceOf('legacy-4')),
    )
    expect(format).toBe('legacy')
    expect(findings).toEqual([])
    expect(keys.map(({ key, tensors }) => [key, tensors])).toEqual([
      ['meta', 0],
      ['state_dict', 9],
      ['message_hub', 0],
      ['optimizer', 19],
      ['param_schedulers', 0],
    ])
    expect(meta).toMatchObject({
      epoch: 3,
      large: ['1180591620717411303424', -8589934592, 255, 256, -1, 65536],
    })
  })

  test('whose storages lie together is copied as one range', async () => {
    const { pieces } = await planned(sourceOf('legacy-nothing-removed'), 'pth', [
      'meta',
      'state_dict',
      'optimizer',
    ])
    expect(pieces.filter(({ kind }) => kind === 'copy')).toHaveLength(1)
  })
})

describe('a safetensors file', () => {
  test('is a whole checkpoint, described by its header', async () => {
    const source = await read('plain.safetensors')
    expect(await lookInto(readerOver(source))).toEqual({ fingerprint: undefined, fault: undefined })
    const { format, meta, tensors } = await inspectCheckpoint(readerOver(source))
    expect([format, meta]).toEqual(['safetensors', { a: 'b' }])
    expect(tensors.map(({ path, dtype, shape }) => [path, dtype, shape])).toEqual([
      ['bias', 'float32', [3]],
      ['weight', 'float32', [6]],
    ])
  })

  test('is published as it is', async () => {
    const source = await read('plain.safetensors')
    for (const format of ['pth', 'safetensors'] as const) {
      expect(Buffer.from(await made(source, format, ['state_dict'])).equals(source)).toBe(true)
    }
  })

  test('that we made is one that we read', async () => {
    for (const { case: name, output } of cases) {
      if (output !== 'safetensors') continue
      const { findings, tensors } = await inspectCheckpoint(
        readerOver(outputs.get(name) ?? new Uint8Array()),
      )
      expect(findings).toEqual([])
      expect(tensors.length).toBeGreaterThan(0)
    }
  })
})

test('TorchScript is no checkpoint: told with the reason, not rewritten', async () => {
  const script = await read('script.pt')
  const { fault } = await lookInto(readerOver(script))
  expect(fault).toContain('A TorchScript archive holds a program')
  expect(await complaintOf(() => made(script, 'pth', ['state_dict']))).toBe('torchscript')
})

async function read(name: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(folder, name)))
}

function sourceOf(name: string): Uint8Array {
  return sources.get(name) ?? new Uint8Array()
}

function planned(
  source: Uint8Array,
  format: OutputFormat,
  wanted: readonly string[],
): Promise<RewritePlan> {
  return planOutput(readerOver(source), { format, wanted: (key) => wanted.includes(key) })
}

async function made(
  source: Uint8Array,
  format: OutputFormat,
  wanted: readonly string[],
): Promise<Uint8Array> {
  const plan = await planned(source, format, wanted)
  const chunks: Uint8Array[] = []
  for await (const chunk of assemble(readerOver(source), plan)) chunks.push(chunk)
  const bytes = new Uint8Array(Buffer.concat(chunks))
  expect(bytes.byteLength).toBe(plan.sizeBytes)
  return bytes
}
