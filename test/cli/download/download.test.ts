import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { download } from '../../../cli/download/download.ts'
import type { Run } from '../../../lib/hook/names.ts'
import { MIB } from '../../fixtures/large-checkpoint.ts'
import { put } from '../../lib/bucket/objects.ts'
import { storeOfFile } from '../../lib/bucket/store.ts'
import { aroundCalls } from '../../lib/bucket/wire.ts'
import { checkpoint, drain, upload } from '../../lib/run/worker.ts'
import { ckptHere, jsonHere } from '../ckpt-here.ts'
import { quiet } from '../quiet.ts'
import { newStack, type StackOfTests } from '../stack/a-stack.ts'

/** What people get a URL with, where the machine has it. */
const HAS_CURL = spawnSync('curl', ['--version']).status === 0
const GETTER = HAS_CURL ? 'curl' : 'fetch, for there is no curl,'

async function bytesOf(url: string): Promise<Buffer> {
  if (!HAS_CURL) return Buffer.from(await (await fetch(url)).arrayBuffer())
  const args = ['--fail', '--silent', '--show-error', '--location', url]
  return (await promisify(execFile)('curl', args, { encoding: 'buffer' })).stdout
}

interface Downloaded {
  path: string
  verified_by: string[]
  result: string
}

const store = storeOfFile()
let stack: StackOfTests
let folder: string

/** A run whose first checkpoint was evicted, whose second is the best, and whose third is the last. */
beforeAll(async () => {
  stack = await newStack(store)
  const { worker } = stack
  await upload(worker, {
    'checkpoint_hook.json': { save_best: 'acc', max_keep_ckpts: 1, published_keys: ['state_dict'] },
    'epoch_1.pth': checkpoint('one'),
    'metrics/1.json': { epoch: 1, metrics: { acc: 0.1 } },
  })
  await drain(worker)
  await upload(worker, {
    'epoch_2.pth': checkpoint('two'),
    'metrics/2.json': { epoch: 2, metrics: { acc: 0.9 } },
  })
  await drain(worker)
  await upload(worker, { 'epoch_3.pth': checkpoint('three'), 'after_train.json': {} })
  await drain(worker)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ckpt-download-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const fetched = (...args: string[]) =>
  jsonHere<Downloaded>(['download', ...args, '-o', folder], stack)

describe('ckpt download', () => {
  test('brings the last checkpoint, verified by the ETag of its upload', async () => {
    const answer = await fetched('exp/run')
    expect(answer).toMatchObject({
      path: join(folder, 'epoch_3.pth'),
      verified_by: ['etag'],
      result: 'written',
    })
    expect(await readFile(answer.path)).toEqual(Buffer.from(checkpoint('three')))
    expect(await readdir(folder)).toEqual(['epoch_3.pth'])
  })

  test('brings the best copy and the published file, verified by the SHA-256 that the hub knows', async () => {
    const best = await fetched('exp/run', '--best', 'acc')
    expect(best).toMatchObject({
      path: join(folder, 'best_acc_epoch_2.pth'),
      verified_by: ['sha256'],
    })
    const published = await fetched('exp/run', '--published', 'last')
    const sha256 = createHash('sha256')
      .update(await readFile(published.path))
      .digest('hex')
    expect(published.path).toBe(join(folder, `epoch_3-${sha256.slice(0, 8)}.pth`))
  })

  test('brings a checkpoint that was evicted, as long as its version is there', async () => {
    const { path } = await fetched('exp/run', '1')
    expect(await readFile(path)).toEqual(Buffer.from(checkpoint('one')))
  })

  test('leaves what is there: the same, or another file of the name', async () => {
    await fetched('exp/run')
    expect(await fetched('exp/run')).toMatchObject({ result: 'same' })
    await writeFile(join(folder, 'epoch_3.pth'), 'mine')
    const { code, err } = await ckptHere(['download', 'exp/run', '-o', folder], stack)
    expect([code, err]).toEqual([5, expect.stringContaining('with other bytes')])
    expect(await readFile(join(folder, 'epoch_3.pth'), 'utf8')).toBe('mine')
  })

  test('brings any object by its URI, and asks no stack', async () => {
    const { bucket } = stack.worker
    const uri = `s3://${bucket.name}/exp/run/epoch_3.pth`
    const env = { ...stack.env, CKPT_STACK: 'none of this name' }
    const path = join(folder, 'x.pth')
    const { code, out } = await ckptHere(['download', uri, '-o', path], { env })
    expect([code, out]).toEqual([
      0,
      `${path}\t${checkpoint('three').byteLength}\tverified by its ETag\n`,
    ])
  })

  test.each([
    [['exp/none'], 3, 'the hub knows no such run'],
    [['exp/run', '7'], 3, 'no checkpoint of the step 7'],
    [['exp/run', '--best', 'loss'], 3, 'has no best "loss"; it has "acc"'],
    [['exp/run', '--published', 'loss'], 3, 'Name one of: '],
    [['exp/run', '1', '--best'], 2, 'not two of them'],
  ])('of %j says what is wrong', async (args, expected, message) => {
    const { code, err } = await ckptHere(['download', ...args, '-o', folder], stack)
    expect([code, err]).toEqual([expected, expect.stringContaining(message)])
    expect(await readdir(folder)).toEqual([])
  })

  test('brings all files of a directory', async () => {
    const { worker } = stack
    const files = {
      'iter_5/a/rank_0.pt': 'zero',
      'iter_5/rank_1.pt': 'one',
      'iter_5/.complete.json': {
        files: [
          { name: 'a/rank_0.pt', size: 4 },
          { name: 'rank_1.pt', size: 3 },
        ],
      },
    }
    await upload(worker, files, 'exp/directories' as Run)
    expect(await fetched('exp/directories')).toMatchObject({
      path: join(folder, 'iter_5'),
      files: 3,
    })
    expect(await readFile(join(folder, 'iter_5/a/rank_0.pt'), 'utf8')).toBe('zero')
  })
})

describe('a large object', () => {
  const LARGE = 37 * MIB
  const object = async (key: string) => {
    const { bucket } = stack.worker
    const bytes = new Uint8Array(LARGE).map((_, at) => at >> 16)
    const { versionId, etag } = await put(bucket, key, bytes)
    return {
      bytes,
      wanted: {
        bucket: { ...bucket, s3: store.newS3() },
        object: { key, version_id: versionId, etag },
        directory: undefined,
      },
    }
  }

  test('whose download is killed is gone on with, and no range is fetched twice', async () => {
    const { bytes, wanted } = await object('large/one.pth')
    const kill = new AbortController()
    const ranges: string[] = []
    let isAlive = true
    aroundCalls(wanted.bucket.s3, async ({ name, input, go }) => {
      if (name === 'GetObject') {
        if (isAlive && ranges.length === 2) kill.abort(new Error('killed'))
        if (isAlive && kill.signal.aborted) throw kill.signal.reason
        ranges.push((input as { Range: string }).Range)
      }
      await go()
    })
    await expect(download(wanted, quiet(), kill.signal, folder)).rejects.toThrow('killed')
    expect(await readdir(folder)).toEqual(['one.pth.part', 'one.pth.part.done'])
    isAlive = false
    const before = ranges.splice(0)
    await download(wanted, quiet(), new AbortController().signal, folder)
    expect([...before, ...ranges].toSorted()).toEqual(
      [...new Set([...before, ...ranges])].toSorted(),
    )
    expect(before).toHaveLength(2)
    expect(Buffer.compare(await readFile(join(folder, 'one.pth')), bytes)).toBe(0)
    expect(await readdir(folder)).toEqual(['one.pth'])
  })

  test('that arrives with another byte is not given its name, and nothing of it is left', async () => {
    const { wanted } = await object('large/two.pth')
    const sha256 = 'f'.repeat(64)
    const other = { ...wanted, object: { ...wanted.object, sha256 } }
    await expect(
      download(other, quiet(), new AbortController().signal, folder),
    ).rejects.toMatchObject({ code: 'damaged' })
    expect(await readdir(folder)).toEqual([])
  })

  test('of parts whose sizes the store does not tell says that it was not verified', async () => {
    const path = join(folder, 'epoch_9.pth')
    await writeFile(path, new Uint8Array(LARGE))
    await jsonHere(['push', path, 'exp/parts'], stack)
    await rm(path)
    const uri = `s3://${stack.worker.bucket.name}/exp/parts/epoch_9.pth`
    // MiniStack tells the sizes of no parts.
    expect(await fetched(uri)).toMatchObject({ verified_by: ['size'], result: 'written' })
  })
})

describe('ckpt url', () => {
  test.each([[['exp/run']], [['exp/run', '--best']], [['exp/run', '--published', 'acc']]])(
    `of %j brings ${GETTER} the same verified bytes as a download`,
    async (args) => {
      const { url, expires } = await jsonHere<{ url: string; expires: string }>(
        ['url', ...args, '--expires', '60'],
        stack,
      )
      const { path } = await fetched(...args)
      expect(await bytesOf(url)).toEqual(await readFile(path))
      expect(Date.parse(expires) - Date.now()).toBeLessThanOrEqual(60_000)
    },
  )

  test('names one version, whatever is uploaded later', async () => {
    const { bucket } = stack.worker
    await put(bucket, 'any/a.pth', 'before')
    const { out } = await ckptHere(['url', `s3://${bucket.name}/any/a.pth`], stack)
    await put(bucket, 'any/a.pth', 'after')
    expect(await (await fetch(out.trim())).text()).toBe('before')
  })
})
