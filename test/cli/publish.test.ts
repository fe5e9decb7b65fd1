import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { versionsBelow } from '../../lib/bucket/versions.ts'
import { nameOf } from '../../lib/hook/names.ts'
import { endpointVariables } from '../../local/environment.ts'
import { largeCheckpoint, MIB } from '../fixtures/large-checkpoint.ts'
import { call, dict, floatTensor, pickleOf } from '../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../fixtures/zip-bytes.ts'
import { bytesAt, head, liveKeys, put } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { drain, ledgerOf, newWorker, RUN, upload } from '../lib/run/worker.ts'
import { startGate } from './gate.ts'
import { ckpt, ckptJson, startCkpt } from './run-ckpt.ts'

interface Published {
  outcome: 'written' | 'same' | 'planned'
  published: string
  name: string
  sha256: string | null
  size_bytes: number
  kept_keys: string[]
  removed_keys: string[]
  globals_allowed_by_option: string[]
  copied_bytes: number
  new_bytes: number
  read: { requests: number; bytes: number }
}

const RECORDED = fileURLToPath(
  new URL('../../examples/recorded/uploads/epoch_10.pth', import.meta.url),
)
const KEYS = ['--keys', 'meta,state_dict']
const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
/** What the stack publishes of the recorded run's last checkpoint, as the README has it. */
const [NAME = ''] = /epoch_10-[0-9a-f]{8}\.pth/.exec(README) ?? []

let store: StartedStore
let env: Record<string, string>
let folder: string
let source: string

beforeAll(async () => {
  store = await startStore()
  env = endpointVariables(store.endpoint)
})
afterAll(() => store?.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ckpt-publish-'))
  source = join(folder, 'epoch_10.pth')
  await copyFile(RECORDED, source)
  return () => rm(folder, { recursive: true, force: true })
})

describe('a file', () => {
  test('is published beside it, under a name with its hash', async () => {
    const made = await ckptJson<Published>(['publish', source, ...KEYS])
    const bytes = await readFile(join(folder, NAME))
    expect(made).toMatchObject({
      outcome: 'written',
      published: join(folder, NAME),
      name: NAME,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size_bytes: bytes.byteLength,
      kept_keys: ['meta', 'state_dict'],
      removed_keys: ['message_hub', 'optimizer', 'param_schedulers'],
    })
    expect(made.copied_bytes + made.new_bytes).toBe(made.size_bytes)
    expect((await readdir(folder)).toSorted()).toEqual([NAME, 'epoch_10.pth'])
  })

  test('is published again without being written', async () => {
    await ckpt(['publish', source, ...KEYS])
    const again = await ckptJson<Published>(['publish', source, ...KEYS])
    expect([again.outcome, again.name]).toEqual(['same', NAME])
    expect(await readdir(folder)).toHaveLength(2)
  })

  test('goes into the folder, or under the name, that --output says', async () => {
    const into = join(folder, 'models')
    await mkdir(into)
    const inFolder = await ckptJson<Published>(['publish', source, ...KEYS, '--output', into])
    expect(inFolder.published).toBe(join(into, NAME))
    const named = join(into, 'digits.pth')
    await ckptJson<Published>(['publish', source, ...KEYS, '--output', named])
    expect(await readFile(named)).toEqual(await readFile(join(into, NAME)))
  })

  test('leaves a name that holds other bytes as it is', async () => {
    await writeFile(join(folder, NAME), 'somebody else’s')
    const { code, err } = await ckpt(['publish', source, ...KEYS])
    expect([code, err]).toEqual([5, expect.stringContaining(NAME)])
    expect(await readFile(join(folder, NAME), 'utf8')).toBe('somebody else’s')
    expect(await readdir(folder)).toHaveLength(2)
  })

  test('is only planned in a dry run, with the name that it would have', async () => {
    const plan = await ckptJson<Published>(['publish', source, ...KEYS, '--dry-run'])
    expect([plan.outcome, plan.name]).toEqual(['planned', NAME])
    expect(await readdir(folder)).toEqual(['epoch_10.pth'])
  })

  test('says what was done in lines, on a pipe', async () => {
    const { code, out, err } = await ckpt(['publish', source, ...KEYS])
    expect([code, err]).toEqual([0, ''])
    expect(out.split('\n')).toEqual(
      expect.arrayContaining([
        `published\t${join(folder, NAME)}`,
        'keys kept\tmeta, state_dict',
        'keys removed\tmessage_hub, optimizer, param_schedulers',
      ]),
    )
  })

  test('that is interrupted leaves nothing of what was begun', async () => {
    const pickle = pickleOf(dict({ state_dict: dict({ weight: floatTensor('0', 64 * MIB) }) }))
    const large = checkpointOf(pickle, { 0: new Uint8Array(256 * MIB) })
    await writeFile(join(folder, 'large.pth'), large)
    const child = startCkpt(['publish', join(folder, 'large.pth'), '--keys', 'state_dict'])
    while (!(await readdir(folder)).some((name) => name.endsWith('.part'))) {
      if (child.exitCode !== null) throw new Error('ended before it could be interrupted')
    }
    child.kill('SIGINT')
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130)
    expect((await readdir(folder)).toSorted()).toEqual(['epoch_10.pth', 'large.pth'])
  })
})

describe('an object', () => {
  let bucket: Bucket

  beforeEach(async () => {
    bucket = await store.newBucket()
    await put(bucket, 'run/epoch_10.pth', await readFile(RECORDED))
  })
  const uri = (key: string) => `s3://${bucket.name}/${key}`

  test('is published beside it, the same as the file', async () => {
    const made = await ckptJson<Published>(['publish', uri('run/epoch_10.pth'), ...KEYS], { env })
    expect(made).toMatchObject({ outcome: 'written', published: uri(`run/${NAME}`) })
    await ckpt(['publish', source, ...KEYS])
    expect(Buffer.from((await bytesAt(bucket, `run/${NAME}`)) ?? [])).toEqual(
      await readFile(join(folder, NAME)),
    )
    const again = await ckptJson<Published>(['publish', uri('run/epoch_10.pth'), ...KEYS], { env })
    expect(again.outcome).toBe('same')
  })

  test('goes to another bucket, to a file, and a file to a bucket', async () => {
    const other = await store.newBucket()
    const from = uri('run/epoch_10.pth')
    const output = ['--output', `s3://${other.name}/models/`]
    await ckptJson(['publish', from, ...KEYS, ...output], { env })
    await ckptJson(['publish', from, ...KEYS, '--output', folder], { env })
    await ckptJson(['publish', source, ...KEYS, '--output', uri('')], { env })
    const bytes = await readFile(join(folder, NAME))
    expect(Buffer.from((await bytesAt(other, `models/${NAME}`)) ?? [])).toEqual(bytes)
    expect(Buffer.from((await bytesAt(bucket, NAME)) ?? [])).toEqual(bytes)
  })

  test('leaves a name that holds another object as it is', async () => {
    await put(bucket, `run/${NAME}`, 'somebody else’s')
    const { code, err } = await ckpt(['publish', uri('run/epoch_10.pth'), ...KEYS], { env })
    expect([code, err]).toEqual([5, expect.stringContaining(uri(`run/${NAME}`))])
    expect(Buffer.from((await bytesAt(bucket, `run/${NAME}`)) ?? []).toString()).toBe(
      'somebody else’s',
    )
  })

  test('is only planned in a dry run, of which the hash is not known', async () => {
    const plan = await ckptJson<Published>(
      ['publish', uri('run/epoch_10.pth'), ...KEYS, '--dry-run'],
      { env },
    )
    expect([plan.outcome, plan.name, plan.sha256]).toEqual([
      'planned',
      'epoch_10-????????.pth',
      null,
    ])
    expect(await liveKeys(bucket)).toEqual(['run/epoch_10.pth'])
  })

  describe('of many parts', () => {
    const large = largeCheckpoint({ weights: [24 * MIB, 20], optimizer: [6 * MIB] })
    const keys = ['--keys', 'meta,state_dict']

    test('is the same file wherever it goes, and leaves nothing staged', async () => {
      await put(bucket, 'epoch_1.pth', large)
      await writeFile(join(folder, 'epoch_1.pth'), large)
      const near = await ckptJson<Published>(['publish', join(folder, 'epoch_1.pth'), ...keys])
      const within = await ckptJson<Published>(['publish', uri('epoch_1.pth'), ...keys], { env })
      expect(within).toMatchObject({ outcome: 'written', sha256: near.sha256, name: near.name })
      const other = await store.newBucket()
      const output = ['--output', `s3://${other.name}`]
      for (const from of [uri('epoch_1.pth'), join(folder, 'epoch_1.pth')]) {
        const across = await ckptJson<Published>(['publish', from, ...keys, ...output], { env })
        expect([across.sha256, across.published]).toEqual([
          near.sha256,
          `s3://${other.name}/${near.name}`,
        ])
      }
      for (const each of [bucket, other]) {
        const bytes = (await bytesAt(each, near.name)) ?? new Uint8Array()
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(near.sha256)
      }
      expect(await everyKey(bucket)).toEqual([near.name, 'epoch_1.pth', 'run/epoch_10.pth'])
    })

    test('is the same file for who has no right to stage anything', async () => {
      await put(bucket, 'epoch_1.pth', large)
      const gate = await startGate(store.endpoint, /\.checkpoint-hub/)
      try {
        const args = ['publish', uri('epoch_1.pth'), ...keys, '--json']
        const { code, out, err } = await ckpt(args, { env: endpointVariables(gate.endpoint) })
        expect([code, err]).toEqual([0, expect.stringContaining('no right to stage')])
        const { name, sha256 } = JSON.parse(out) as Published
        const bytes = (await bytesAt(bucket, name)) ?? new Uint8Array()
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
      } finally {
        await gate.stop()
      }
    })

    test('is refused where nothing may be written, with the name that it would have had', async () => {
      await put(bucket, 'epoch_1.pth', large)
      const gate = await startGate(store.endpoint, /\.checkpoint-hub|epoch_1-/)
      try {
        const env = endpointVariables(gate.endpoint)
        const { code, err } = await ckpt(['publish', uri('epoch_1.pth'), ...keys], { env })
        expect(code).toBe(1)
        expect(err).toMatch(/epoch_1-[0-9a-f]{8}\.pth: access denied/)
      } finally {
        await gate.stop()
      }
    })
  })
})

describe('safetensors', () => {
  interface Header {
    [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] }
  }

  test('hold the state dict under its names, and are published again as they are', async () => {
    const args = ['publish', source, ...KEYS, '--format', 'safetensors']
    const made = await ckptJson<Published>(args)
    expect(made.name).toBe(`epoch_10-${made.sha256?.slice(0, 8)}.safetensors`)
    expect(made.kept_keys).toEqual(['meta', 'state_dict'])
    const bytes = await readFile(made.published)
    const headerBytes = Number(bytes.readBigUInt64LE(0))
    const header: Header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString())
    expect(header['head.weight']).toMatchObject({ dtype: 'F32', shape: [10, 256] })
    const { format } = await ckptJson<{ format: string }>(['inspect', made.published])
    expect(format).toBe('safetensors')
  })

  test('have no room for other keys', async () => {
    const args = ['publish', source, '--keys', 'state_dict,optimizer', '--format', 'safetensors']
    const { code, err } = await ckpt(args)
    expect([code, err]).toEqual([2, expect.stringContaining('no room for "optimizer"')])
  })
})

describe('what the stack publishes', () => {
  test('and what the command publishes of the same source and keys are one file', async () => {
    const worker = await newWorker(store)
    await upload(worker, { 'checkpoint_hook.json': { published_keys: ['meta', 'state_dict'] } })
    await upload(worker, { 'epoch_10.pth': await readFile(RECORDED) })
    await upload(worker, { 'after_train.json': {} })
    await drain(worker)
    const [published = ''] = [...(await ledgerOf(worker)).artifacts.keys()]
    expect(nameOf(published)).toBe(NAME)

    const from = `s3://${worker.bucket.name}/${RUN}/epoch_10.pth`
    const beside = await ckptJson<Published>(['publish', from, ...KEYS], { env })
    expect(beside).toMatchObject({ outcome: 'same', name: NAME })
    await ckpt(['publish', source, ...KEYS])
    expect(await readFile(join(folder, NAME))).toEqual(
      Buffer.from((await bytesAt(worker.bucket, published)) ?? []),
    )
    expect((await head(worker.bucket, published)).sizeBytes).toBe(beside.size_bytes)
  })
})

describe('what cannot be published', () => {
  test('is a key that the checkpoint does not have: the error lists those that it has', async () => {
    const { code, err } = await ckpt(['publish', source, '--keys', 'state_dict,ema,"x"'])
    expect(code).toBe(3)
    expect(err).toContain('has no key "ema", "\\"x\\""')
    expect(err).toContain('meta, state_dict, message_hub, optimizer, param_schedulers')
    expect(await readdir(folder)).toEqual(['epoch_10.pth'])
  })

  test('is a pickle that names code, unless a person allows it, which the answer says', async () => {
    const bytes = checkpointOf(
      pickleOf(
        dict({
          meta: dict({ own: call('my.project', 'Thing') }),
          state_dict: dict({ weight: floatTensor('0', 1) }),
        }),
      ),
      { 0: new Uint8Array(4) },
    )
    await writeFile(join(folder, 'own.pth'), bytes)
    const args = ['publish', join(folder, 'own.pth'), '--keys', 'state_dict']
    const refused = await ckpt(args)
    expect(refused.code).toBe(4)
    expect(refused.err).toContain('my.project.Thing at meta.own')
    expect(refused.err).toContain('--allow-global')
    const made = await ckptJson<Published>([...args, '--allow-global', 'my.project.Thing'])
    expect(made.globals_allowed_by_option).toEqual(['my.project.Thing'])
  })

  test.each([
    ['a text', Buffer.from('hello'), 'not what torch.save or safetensors writes'],
    [
      'a zip file of something else',
      zipOf([{ name: 'a/b', data: new Uint8Array() }]),
      'A zip file, but not',
    ],
  ])('is %s, and the error says what it looks like', async (_, bytes, reason) => {
    await writeFile(join(folder, 'other.pth'), bytes)
    const { code, err } = await ckpt(['publish', join(folder, 'other.pth'), ...KEYS])
    expect(code).toBe(4)
    expect(err).toContain('other.pth')
    expect(err).toContain(reason)
  })

  test('is nothing that is there, or into a folder that is not', async () => {
    expect((await ckpt(['publish', join(folder, 'absent.pth'), ...KEYS])).code).toBe(3)
    const output = ['--output', `${folder}/absent/`]
    const { code, err } = await ckpt(['publish', source, ...KEYS, ...output])
    expect([code, err]).toEqual([3, expect.stringContaining('no such folder')])
    expect((await ckpt(['publish', 's3://nowhere-at-all/a.pth', ...KEYS], { env })).code).toBe(3)
  })
})

/** Keys of every version in a bucket, noncurrent ones too. */
async function everyKey(bucket: Bucket): Promise<string[]> {
  const versions = await versionsBelow(bucket, '')
  return [...versions].filter(([, { uploads }]) => uploads.length > 0).map(([key]) => key)
}
