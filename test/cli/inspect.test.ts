import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpointVariables } from '../../local/environment.ts'
import { call, dict, floatTensor, pickleOf, text } from '../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../fixtures/zip-bytes.ts'
import { type RangeStore, startRangeStore } from './range-store.ts'
import { ckpt, ckptJson } from './run-ckpt.ts'
import { VAST_BYTES, writeVastCheckpoint } from './vast-checkpoint.ts'

interface Inspected {
  size_bytes: number
  format: string
  written_by: string
  keys: { key: string; tensors: number; storage_bytes: number }[]
  tensors: { path: string; dtype: string; shape: number[]; size_bytes: number }[]
  meta: Record<string, unknown>
  globals: { module: string; name: string; allowed: boolean; by_option: boolean }[]
  findings: { code: string; place: string }[]
  read: { requests: number; bytes: number }
}

const RECORDED = fileURLToPath(
  new URL('../../examples/recorded/uploads/epoch_10.pth', import.meta.url),
)

let folder: string
let store: RangeStore

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ckpt-inspect-'))
  await writeVastCheckpoint(join(folder, 'vast.pth'))
  await copyFile(RECORDED, join(folder, 'epoch_10.pth'))
  store = await startRangeStore(folder)
})
afterAll(async () => {
  await store?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('a file that MMEngine wrote', () => {
  test('is described by key, tensor, meta, global and writer', async () => {
    const found = await ckptJson<Inspected>(['inspect', RECORDED])
    expect(found).toMatchObject({
      size_bytes: 85_081,
      format: 'zip',
      written_by: 'torch 2.1 or newer',
      findings: [],
    })
    expect(found.keys.map(({ key, tensors }) => [key, tensors])).toEqual([
      ['meta', 0],
      ['state_dict', 16],
      ['message_hub', 0],
      ['optimizer', 30],
      ['param_schedulers', 0],
    ])
    expect(found.tensors[0]).toMatchObject({
      path: 'state_dict.backbone.0.weight',
      dtype: 'float32',
      shape: [8, 1, 3, 3],
      size_bytes: 288,
    })
    expect(found.meta).toMatchObject({ epoch: 10, iter: 250, mmengine_version: '0.10.7' })
    expect(found.globals).toContainEqual(
      expect.objectContaining({ module: 'torch', name: 'FloatStorage', allowed: true }),
    )
  })

  test('is, on a pipe, plain lines with tabs, every tensor, and bytes as numbers', async () => {
    const { code, out } = await ckpt(['inspect', RECORDED, '--stats'])
    expect(code).toBe(0)
    const lines = out.split('\n')
    expect(lines).toContain('size\t85081')
    expect(lines).toContain('state_dict\tcollections.OrderedDict\t16\t15672\t15672')
    expect(lines).toContain('state_dict.backbone.0.weight\tfloat32\t[8, 1, 3, 3]\t288\t')
    expect(lines.filter((line) => line.startsWith('optimizer.state['))).toHaveLength(30)
    expect(lines).toContainEqual(expect.stringMatching(/^bytes read\t\d+$/))
    expect(out).not.toContain('\u001b')
  })

  test('says the same of an object, without the stack', async () => {
    const env = endpointVariables(store.endpoint)
    const near = await ckptJson<Inspected>(['inspect', RECORDED])
    const far = await ckptJson<Inspected>(['inspect', 's3://any/run/epoch_10.pth'], { env })
    expect({ ...far, source: '', read: {} }).toEqual({ ...near, source: '', read: {} })
  })
})

describe('a checkpoint of 10 GiB', () => {
  test('takes kilobytes of the object, and as many as it says', async () => {
    const [before, sentBefore] = [store.requests.length, store.sentBytes()]
    const endpoint = ['--endpoint-url', store.endpoint, '--region', 'us-east-1']
    const env = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' }
    const found = await ckptJson<Inspected>(['inspect', 's3://any/vast.pth', ...endpoint], { env })
    expect(found.size_bytes).toBeGreaterThan(VAST_BYTES)
    expect(found.keys).toEqual([
      expect.objectContaining({ key: 'state_dict', tensors: 5, storage_bytes: VAST_BYTES }),
    ])
    expect(found.read.bytes).toBe(store.sentBytes() - sentBefore)
    expect(found.read.requests).toBe(store.requests.length - before)
    expect(found.read.bytes).toBeLessThanOrEqual(256 * 1024)
    expect(found.read.requests).toBeLessThanOrEqual(3)
  })

  test('takes kilobytes of the file', async () => {
    const found = await ckptJson<Inspected>(['inspect', join(folder, 'vast.pth')])
    expect(found.read.bytes).toBeLessThan(128 * 1024)
  })
})

describe('a pickle that names code', () => {
  const hostile = checkpointOf(
    pickleOf(
      dict({
        meta: dict({ hook: call('os', 'system', text('rm -rf /')) }),
        state_dict: dict({ weight: floatTensor('0', 1) }),
      }),
    ),
    { 0: new Uint8Array(4) },
  )

  test('is described with the name and its place, and the exit code says so', async () => {
    const path = join(folder, 'hostile.pth')
    await writeFile(path, hostile)
    const { code, out, err } = await ckpt(['inspect', path, '--json'])
    expect(code).toBe(4)
    const { findings, keys } = JSON.parse(out) as Inspected
    expect(findings).toEqual([
      expect.objectContaining({
        code: 'forbidden-global',
        place: expect.stringMatching(/^meta\.hook/),
      }),
    ])
    expect(keys.map(({ key }) => key)).toEqual(['meta', 'state_dict'])
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'forbidden-global', exit_code: 4 } })
  })

  test('is no finding where a person allows it by its exact name', async () => {
    const path = join(folder, 'allowed.pth')
    await writeFile(path, hostile)
    const found = await ckptJson<Inspected>(['inspect', path, '--allow-global', 'os.system'])
    expect(found.findings).toEqual([])
    expect(found.globals).toContainEqual(
      expect.objectContaining({ module: 'os', name: 'system', allowed: true, by_option: true }),
    )
    expect((await ckpt(['inspect', path, '--allow-global', 'os.syste'])).code).toBe(4)
  })
})

test('a terminal that takes colour gets it, unless NO_COLOR is set', async () => {
  const colours = async (env: Record<string, string>) =>
    (await ckpt(['inspect', RECORDED], { env })).out.includes('\u001b[')
  expect(await colours({ FORCE_COLOR: '1' })).toBe(true)
  expect(await colours({ NO_COLOR: '1' })).toBe(false)
  expect(await colours({})).toBe(false)
})

test('names from the file cannot move the cursor or colour the terminal', async () => {
  const name = '\u001b[2J\u009b1mred\r\n\u202e'
  const path = join(folder, 'names.pth')
  const pickle = pickleOf(
    dict({ [name]: dict({ [name]: floatTensor('0', 1) }), meta: dict({ [name]: text(name) }) }),
  )
  await writeFile(path, checkpointOf(pickle, { 0: new Uint8Array(4) }))
  const { code, out } = await ckpt(['inspect', path])
  expect(code).toBe(0)
  expect(out).toContain('\\u001b[2J\\u009b1mred\\r\\n\\u202e')
  for (const mark of ['\u001b', '\u009b', '\r', '\u202e']) expect(out).not.toContain(mark)
})

describe('what is no checkpoint', () => {
  test.each([
    ['text.pth', 'hello', 'The file is not what torch.save or safetensors writes'],
    ['empty.pth', '', 'found no bytes'],
    ['torn.pth', checkpointOf(pickleOf(dict({}))).subarray(0, 60), 'The upload was cut short'],
  ])('%s: says why', async (name, bytes, reason) => {
    const path = join(folder, name)
    await writeFile(path, bytes)
    const { code, out, err } = await ckpt(['inspect', path])
    expect([code, out]).toEqual([4, ''])
    expect(err).toContain(name)
    expect(err).toContain(reason)
  })

  test('a file or an object that is not there has an exit code of its own', async () => {
    const env = endpointVariables(store.endpoint)
    const file = await ckpt(['inspect', join(folder, 'absent.pth')])
    expect([file.code, file.err]).toEqual([3, expect.stringContaining('no such file')])
    const object = await ckpt(['inspect', 's3://any/absent.pth'], { env })
    expect([object.code, object.err]).toEqual([3, expect.stringContaining('s3://any/absent.pth')])
  })

  test('a folder is refused, a prefix is a mistake of the command line', async () => {
    expect((await ckpt(['inspect', folder])).code).toBe(4)
    expect((await ckpt(['inspect', 's3://any/run/'])).code).toBe(2)
    expect((await ckpt(['inspect', 'gs://any/run'])).code).toBe(2)
  })
})
