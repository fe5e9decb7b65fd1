import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { push } from '../../cli/upload/push.ts'
import type { Run } from '../../lib/hook/names.ts'
import { bytesAt, liveKeys, textAt } from '../lib/bucket/objects.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { aroundCalls } from '../lib/bucket/wire.ts'
import { checkpoint, look } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { quiet } from './quiet.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

const store = storeOfFile()
let stack: StackOfTests
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ckpt-push-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  stack = await newStack(store)
})

async function file(name: string, content: string | Uint8Array = checkpoint('one')) {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, content)
  return path
}

const keys = () => liveKeys(stack.worker.bucket)

describe('a file', () => {
  test('is uploaded into the run under its name, and the hub takes it for a checkpoint', async () => {
    const path = await file('epoch_1.pth')
    const answer = await jsonHere(['push', path, 'exp/run'], stack)
    const { bucket } = stack.worker
    const head = await bucket.s3.send(
      new HeadObjectCommand({ Bucket: bucket.name, Key: 'exp/run/epoch_1.pth' }),
    )
    expect(answer).toEqual({
      run: 'exp/run',
      checkpoint: `s3://${bucket.name}/exp/run/epoch_1.pth`,
      size_bytes: checkpoint('one').byteLength,
      files: 1,
      etag: head.ETag?.replaceAll('"', ''),
      version_id: head.VersionId,
    })
    await look(stack.worker, ['epoch_1.pth'])
    expect(await textAt(bucket, 'exp/run/last_checkpoint')).toMatch(/epoch_1\.pth$/)
  })

  test('of many parts arrives as it is', async () => {
    const content = new Uint8Array(40 * 1024 * 1024).map((_, at) => at >> 12)
    const path = await file('iter_7.pth', content)
    const { etag } = await jsonHere<{ etag: string }>(['push', path, 'exp/run'], stack)
    expect(etag).toMatch(/-3$/)
    const stored = await bytesAt(stack.worker.bucket, 'exp/run/iter_7.pth')
    expect(Buffer.compare(stored ?? Buffer.of(), content)).toBe(0)
  })

  test('goes into any bucket whose name is given, and no stack is asked', async () => {
    const { bucket } = stack.worker
    const path = await file('epoch_1.pth')
    const env = { ...stack.env, CKPT_STACK: 'none of this name' }
    const { code, out } = await ckptHere(
      ['push', path, `s3://${bucket.name}/a/b/`, '--as', 'epoch_9.pth'],
      { env },
    )
    expect([code, out]).toEqual([
      0,
      `s3://${bucket.name}/a/b/epoch_9.pth\t${checkpoint('one').byteLength}\n`,
    ])
    expect(await keys()).toEqual(['a/b/epoch_9.pth'])
  })

  test('whose name is that of no checkpoint is uploaded, with a word of warning', async () => {
    const path = await file('model.pth')
    const { code, err } = await ckptHere(['push', path, 'exp/run'], stack)
    expect([code, err]).toEqual([0, expect.stringContaining('filename_tmpl')])
    expect(await keys()).toEqual(['exp/run/model.pth'])
  })

  test('that is not there is told, and nothing is uploaded', async () => {
    const { code, err } = await ckptHere(['push', join(folder, 'none.pth'), 'exp/run'], stack)
    expect([code, err]).toEqual([3, expect.stringContaining('no such file')])
    expect(await keys()).toEqual([])
  })

  test('that is written while it is uploaded is an error', async () => {
    const path = await file('epoch_2.pth')
    const { bucket } = stack.worker
    const s3 = store.newS3()
    aroundCalls(s3, async ({ go }) => {
      await go()
      await file('epoch_2.pth', 'more than before, and of another size than it was found with')
    })
    const place = { bucket: { ...bucket, s3 }, run: 'exp/run' as Run, close: () => {} }
    await expect(
      push(place, quiet(), new AbortController().signal, { path, as: undefined }),
    ).rejects.toMatchObject({ code: 'changed' })
  })
})

describe('a directory', () => {
  test('has its marker uploaded last', async () => {
    for (const name of ['.metadata', '__0_0.distcp', 'nested/__1_0.distcp']) {
      await file(`iter_5/${name}`, name)
    }
    const names: string[] = []
    const s3 = store.newS3()
    aroundCalls(s3, async ({ input, go }) => {
      await go()
      names.push((input as { Key: string }).Key)
    })
    const place = {
      bucket: { ...stack.worker.bucket, s3 },
      run: 'exp/run' as Run,
      close: () => {},
    }
    const path = `${join(folder, 'iter_5')}/`
    await push(place, quiet(), new AbortController().signal, { path, as: undefined })
    expect(names).toHaveLength(3)
    expect(names.at(-1)).toBe('exp/run/iter_5/.metadata')
    expect(await keys()).toContain('exp/run/iter_5/nested/__1_0.distcp')
  })

  test('without a marker gets one with the names and sizes of all, and counts as whole', async () => {
    await file('step-500/mp_rank_00_model_states.pt', 'weights')
    await file('elsewhere/optim.pt', 'states')
    await symlink(join(folder, 'elsewhere'), join(folder, 'step-500', 'zero'))
    const { bucket } = stack.worker
    const answer = await jsonHere(
      ['push', join(folder, 'step-500'), 'exp/run', '--as', 'iter_500'],
      stack,
    )
    expect(answer).toEqual({
      run: 'exp/run',
      checkpoint: `s3://${bucket.name}/exp/run/iter_500`,
      size_bytes: expect.any(Number),
      files: 3,
      marker: 'iter_500/.complete.json',
    })
    const marker = await textAt(bucket, 'exp/run/iter_500/.complete.json')
    expect(JSON.parse(marker ?? '')).toEqual({
      files: [
        { name: 'mp_rank_00_model_states.pt', size: 7 },
        { name: 'zero/optim.pt', size: 6 },
      ],
    })
    await look(stack.worker, ['iter_500/.complete.json'])
    expect(await textAt(bucket, 'exp/run/last_checkpoint')).toMatch(/exp\/run\/iter_500$/)
  })

  test('that holds no file is refused', async () => {
    await mkdir(join(folder, 'iter_6', 'empty'), { recursive: true })
    const { code, err } = await ckptHere(['push', join(folder, 'iter_6'), 'exp/run'], stack)
    expect([code, err]).toEqual([4, expect.stringContaining('holds no file')])
  })
})

describe('the name of a run', () => {
  test.each(['/exp/run', './run', '../run', 'a//b', 's3://bucket//x'])(
    'is not %s, which the shell would read as a path',
    async (run) => {
      const { code, err } = await ckptHere(['push', await file('epoch_1.pth'), run], stack)
      expect([code, err]).toEqual([2, expect.stringContaining('is no name of a run')])
    },
  )
})

test('an upload that is stopped leaves no object', async () => {
  const stop = new AbortController()
  const s3 = store.newS3()
  aroundCalls(s3, async ({ name, go }) => {
    if (name === 'UploadPart') stop.abort(new Error('stopped'))
    await go()
  })
  const path = await file('epoch_3.pth', new Uint8Array(40 * 1024 * 1024))
  const place = { bucket: { ...stack.worker.bucket, s3 }, run: 'exp/run' as Run, close: () => {} }
  await expect(push(place, quiet(), stop.signal, { path, as: undefined })).rejects.toThrow(
    'stopped',
  )
  expect(await keys()).toEqual([])
})
