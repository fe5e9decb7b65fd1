/** Directory checkpoints, from their files in a real bucket to what stays of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { deleteIfMatch } from '../../../lib/bucket/delete.ts'
import { restoreVersion } from '../../../lib/bucket/restore.ts'
import { versionsOf } from '../../../lib/bucket/versions.ts'
import { checkpointFacts, stepId } from '../../../lib/hook/history.ts'
import { keyIn } from '../../../lib/hook/names.ts'
import { loadRun } from '../../../lib/message-hub/message-hub.ts'
import { evictDirectory } from '../../../lib/run/carry-out-directory.ts'
import { head, put, remove, textAt } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { directory, liveNames, putAll } from './directories.ts'
import {
  anotherInvocation,
  callsOfWorker,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  type TestWorker,
  upload,
} from './worker.ts'

/** S3 tells whole seconds, by which uploads of one directory are told from those of the next. */
const A_SECOND = 1100
const store = storeOfFile()

const OPTIONS = { interval: 1, max_keep_ckpts: 1, by_epoch: false }

function keepOne(): Promise<TestWorker> {
  return newWorker(store, OPTIONS)
}

async function stepEntry(worker: TestWorker, step: number) {
  const { entries } = await loadRun(worker.hub, RUN)
  return entries.get(`step#${stepId('iter', step)}`)
}

async function lastOf(worker: TestWorker) {
  return textAt(worker.bucket, keyIn(RUN, 'last_checkpoint'))
}

describe('a directory whose marker the options name', () => {
  const NAMED = { by_epoch: false, directory_marker: 'done.json' }
  const saved = directory('iter_5', { 'rank_0.bin': 'zero' }, 'done.json')
  const lastIn = ({ bucket }: TestWorker) => `s3://${bucket.name}/${RUN}/iter_5`

  test.each<[string, object[]]>([
    ['before it', [{ 'checkpoint_hook.json': NAMED }, saved]],
    ['after it', [saved, { 'checkpoint_hook.json': NAMED }]],
  ])('is whole by it, where the options come %s', async (_, chapters) => {
    const worker = await newWorker(store, { interval: 1 })
    for (const chapter of chapters) await upload(worker, { ...chapter })
    expect(await lastOf(worker)).toBe(lastIn(worker))
    expect(await stepEntry(worker, 5)).toMatchObject({
      uploads: [{ directory: { marker: 'done.json', files: 1 } }],
    })
  })

  test('is whole by it where the stack names it', async () => {
    const worker = await newWorker(store, NAMED)
    await upload(worker, saved)
    expect(await lastOf(worker)).toBe(lastIn(worker))
  })

  test('is evicted with it first', async () => {
    const worker = await newWorker(store, { ...NAMED, ...OPTIONS })
    await upload(worker, saved)
    await upload(worker, directory('iter_6', { 'rank_0.bin': 'zero' }, 'done.json'))
    expect(await liveNames(worker)).toEqual(['iter_6/done.json', 'iter_6/rank_0.bin'])
  })

  test('is none without it, and the reason names it', async () => {
    const worker = await newWorker(store, NAMED)
    await upload(worker, { 'iter_5/rank_0.bin': 'zero' })
    expect(await stepEntry(worker, 5)).toMatchObject({
      fate: 'torn',
      reason: expect.stringMatching(/done\.json/),
    })
  })
})

describe('a directory with a .complete.json', () => {
  test.each(['iter_500.pth', 'iter_500'])('%s is the last, by its URI', async (name) => {
    const worker = await newWorker(store, { interval: 1 })
    await upload(worker, directory(name, { 'rank_0.bin': 'zero', 'deep/rank_1.bin': 'one' }))
    expect(await lastOf(worker)).toBe(`s3://${worker.bucket.name}/${RUN}/${name}`)
    const { entries } = await loadRun(worker.hub, RUN)
    expect(entries.get('runtime_info')).toMatchObject({
      last_ckpt: `s3://${worker.bucket.name}/${RUN}/${name}`,
    })
    expect(await stepEntry(worker, 500)).toMatchObject({
      fate: 'kept',
      uploads: [{ key: `${RUN}/${name}/`, directory: { marker: '.complete.json', files: 2 } }],
    })
  })

  test('by a template of its own is one too, also where the template comes later', async () => {
    const worker = await newWorker(store, { interval: 1 })
    await upload(worker, directory('m-5.pt', { 'rank_0.bin': 'zero' }))
    expect(await lastOf(worker)).toBeUndefined()
    await upload(worker, { 'checkpoint_hook.json': { filename_tmpl: 'm-{}.pt' } })
    expect(await lastOf(worker)).toBe(`s3://${worker.bucket.name}/${RUN}/m-5.pt`)
    await upload(worker, directory('m-6', { 'rank_0.bin': 'zero' }))
    expect(await lastOf(worker)).toBe(`s3://${worker.bucket.name}/${RUN}/m-6`)
  })

  test('waits for its files where its marker came first', async () => {
    const worker = await newWorker(store, { interval: 1 })
    const files = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'bb' })
    const marker = { 'iter_1.pth/.complete.json': files['iter_1.pth/.complete.json'] ?? '' }
    await upload(worker, marker)
    expect(await stepEntry(worker, 1)).toMatchObject({
      fate: 'torn',
      reason: expect.stringContaining('waits for 2 of its 2 files: a.bin, b.bin'),
    })
    await upload(worker, { 'iter_1.pth/b.bin': 'bb' })
    expect(await lastOf(worker)).toBeUndefined()
    await upload(worker, { 'iter_1.pth/a.bin': 'a' })
    expect(await lastOf(worker)).toMatch(/iter_1\.pth$/)
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('one of whose files has another size is torn', async () => {
    const worker = await newWorker(store, { interval: 1 })
    const files = directory('iter_1.pth', { 'a.bin': 'a' })
    await upload(worker, { ...files, 'iter_1.pth/a.bin': 'longer' })
    expect(await stepEntry(worker, 1)).toMatchObject({
      fate: 'torn',
      reason: expect.stringContaining('a.bin has 6 bytes, its marker says 1'),
    })
  })

  test('one of whose files a person removes is torn, and whole once it is there again', async () => {
    const worker = await newWorker(store, { interval: 1 })
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }))
    await remove(worker.bucket, `${RUN}/iter_1.pth/a.bin`)
    await look(worker, ['iter_1.pth/a.bin'])
    expect(await stepEntry(worker, 1)).toMatchObject({
      fate: 'torn',
      reason: expect.stringContaining('lacks 1 of its 2 files: a.bin'),
    })
    await upload(worker, { 'iter_1.pth/a.bin': 'a' })
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('that is removed by a person stays removed', async () => {
    const worker = await newWorker(store, { interval: 1 })
    const files = directory('iter_1.pth', { 'a.bin': 'a' })
    await upload(worker, files)
    for (const name of Object.keys(files)) await remove(worker.bucket, keyIn(RUN, name))
    await look(worker, Object.keys(files))
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'removed' })
  })

  test('whose marker came first, and that was removed at once, is an upload of its own all the same', async () => {
    const worker = await newWorker(store, OPTIONS)
    const first = directory('iter_1.pth', { 'a.bin': 'a' })
    await upload(worker, first)
    await sleep(A_SECOND)
    const { 'iter_1.pth/.complete.json': marker = '', ...files } = directory('iter_1.pth', {
      'a.bin': 'x',
    })
    await upload(worker, { 'iter_1.pth/.complete.json': marker })
    await sleep(A_SECOND)
    await putAll(worker, files)
    for (const name of Object.keys(first)) await remove(worker.bucket, keyIn(RUN, name))
    await look(worker, Object.keys(first))
    const facts = (await ledgerOf(worker)).history.steps.get(stepId('iter', 1))
    expect(facts?.removal).toBeDefined()
    expect(facts && checkpointFacts(facts, `${RUN}/iter_1.pth/`)).toHaveLength(2)
  })

  test('never names files of a run within it', async () => {
    const worker = await newWorker(store, { interval: 1 })
    await upload(worker, directory('epoch_1', { 'iter_2.pth': 'x', 'metrics/a.json': '{}' }))
    expect(await stepEntryOf(worker, 'epoch', 1)).toMatchObject({
      fate: 'torn',
      reason: expect.stringContaining('names iter_2.pth, which is no file of it'),
    })
  })
})

async function stepEntryOf(worker: TestWorker, series: 'epoch' | 'iter', step: number) {
  const { entries } = await loadRun(worker.hub, RUN)
  return entries.get(`step#${stepId(series, step)}`)
}

describe('a directory without a marker', () => {
  test('is kept and reported, and never the last', async () => {
    const worker = await newWorker(store, { interval: 1 })
    await upload(worker, { 'iter_1.pth/mp_rank_00_model_states.pt': 'x', 'iter_1.pth/latest': 'y' })
    expect(await lastOf(worker)).toBeUndefined()
    const { entries } = await loadRun(worker.hub, RUN)
    const problems = [...entries].filter(([entry]) => entry.startsWith('problem#'))
    expect(problems).toMatchObject([
      [
        expect.anything(),
        { key: `${RUN}/iter_1.pth/`, reason: expect.stringContaining('neither') },
      ],
    ])
  })

  test('is like any other once the marker comes, and forgotten once it is deleted', async () => {
    const worker = await newWorker(store, { interval: 1 })
    const files = directory('iter_1.pth', { 'a.bin': 'a' })
    await upload(worker, { 'iter_1.pth/a.bin': 'a', 'iter_2.pth/b.bin': 'b' })
    await upload(worker, files)
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
    await remove(worker.bucket, `${RUN}/iter_2.pth/b.bin`)
    await look(worker, ['iter_2.pth/b.bin'])
    expect(await stepEntry(worker, 2)).toBeUndefined()
  })
})

describe('retention', () => {
  test('deletes marker and listed files of a directory, and nothing else in it', async () => {
    const worker = await keepOne()
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }))
    await upload(worker, { 'iter_1.pth/notes.txt': 'mine' })
    const calls = callsOfWorker(worker)
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A', 'b.bin': 'B' }))
    expect(await liveNames(worker)).toEqual([
      'iter_1.pth/notes.txt',
      'iter_2.pth/.complete.json',
      'iter_2.pth/a.bin',
      'iter_2.pth/b.bin',
    ])
    expect(calls.filter((name) => name === 'DeleteObject')).toHaveLength(3)
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'evicted' })
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('that is interrupted is finished later, the marker first', async () => {
    const worker = await keepOne()
    const names = Array.from({ length: 120 }, (_, at) => `rank_${at}.bin`)
    const texts = Object.fromEntries(names.map((name) => [name, name]))
    await upload(worker, directory('iter_1.pth', texts))
    let deleted = 0
    aroundCalls(worker.bucket.s3, async ({ name, go }) => {
      if (name === 'DeleteObject' && ++deleted > 60) throw new Unavailable()
      await go()
    })
    const next = directory('iter_2.pth', { 'a.bin': 'A' })
    await expect(upload(worker, next)).rejects.toThrow(Unavailable)
    const left = await liveNames(worker)
    expect(left).not.toContain('iter_1.pth/.complete.json')
    expect(left.length).toBeGreaterThan(50)
    expect(await lastOf(worker)).toMatch(/iter_2\.pth$/)
    const other = anotherInvocation(store, worker)
    await look(other, Object.keys(directory('iter_1.pth', texts)))
    expect(await liveNames(other)).toEqual(Object.keys(next).toSorted())
    expect((await ledgerOf(other)).effects).toEqual([])
    expect(await stepEntry(other, 1)).toMatchObject({ fate: 'evicted' })
  })

  test('of more files than a listing shows grows no entry, and is done in one go', async () => {
    const worker = await keepOne()
    const names = Array.from({ length: 1200 }, (_, at) => `rank_${at}.bin`)
    const files = directory('iter_1.pth', Object.fromEntries(names.map((name) => [name, 'x'])))
    const entries = Object.entries(files)
    for (let at = 0; at < entries.length; at += 100) {
      const some = entries.slice(at, at + 100)
      await Promise.all(some.map(([name, body]) => put(worker.bucket, keyIn(RUN, name), body)))
    }
    const calls = callsOfWorker(worker)
    await look(worker, Object.keys(files))
    expect(calls.filter((name) => name === 'ListObjectVersions').length).toBeLessThan(12)
    const entry = await stepEntry(worker, 1)
    expect(entry).toMatchObject({ fate: 'kept', uploads: [{ directory: { files: 1200 } }] })
    expect(JSON.stringify(entry).length).toBeLessThan(1000)
    const next = directory('iter_2.pth', { 'a.bin': 'A' })
    await upload(worker, next)
    expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
  })

  test('leaves what was uploaded again meanwhile', async () => {
    const worker = await keepOne()
    const texts = { 'a.bin': 'a', 'b.bin': 'b' }
    await upload(worker, directory('iter_1.pth', texts))
    await sleep(A_SECOND)
    let again = ''
    aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
      await go()
      const isMarker = 'Key' in input && String(input.Key).endsWith('iter_1.pth/.complete.json')
      if (name !== 'DeleteObject' || !isMarker) return
      again = (await put(worker.bucket, `${RUN}/iter_1.pth/a.bin`, 'a')).versionId
    })
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    expect(await head(worker.bucket, `${RUN}/iter_1.pth/a.bin`)).toMatchObject({ versionId: again })
    expect(await liveNames(worker)).not.toContain('iter_1.pth/b.bin')
  })

  test('leaves a file of the next save, also where an attempt that broke off came before', async () => {
    const worker = await keepOne()
    // The attempt's marker counts on whatever comes after it, and so on `b.bin` of the save that is whole.
    const { 'iter_1.pth/b.bin': _, ...attempt } = directory('iter_1.pth', {
      'a.bin': 'a0',
      'b.bin': 'b0',
    })
    await upload(worker, attempt)
    await sleep(A_SECOND)
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a1', 'b.bin': 'b1' }))
    await sleep(A_SECOND)
    aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
      await go()
      const isMarker = 'Key' in input && String(input.Key).endsWith('iter_1.pth/.complete.json')
      if (name === 'DeleteObject' && isMarker)
        await put(worker.bucket, `${RUN}/iter_1.pth/b.bin`, 'b2')
    })
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    expect(await textAt(worker.bucket, keyIn(RUN, 'iter_1.pth/b.bin'))).toBe('b2')
  })

  test('brings back the same bytes that were uploaded in the moment before they are deleted', async () => {
    const worker = await keepOne()
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }))
    await sleep(A_SECOND)
    aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
      const isFile = 'Key' in input && String(input.Key).endsWith('iter_1.pth/a.bin')
      if (name === 'DeleteObject' && isFile)
        await put(worker.bucket, `${RUN}/iter_1.pth/a.bin`, 'a')
      await go()
    })
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    expect(await liveNames(worker)).toContain('iter_1.pth/a.bin')
    expect(await liveNames(worker)).not.toContain('iter_1.pth/b.bin')
  })

  test('takes along a file that came back after its marker, and leaves one that does so later', async () => {
    const worker = await keepOne()
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b', 'c.bin': 'c' }))
    const bringBack = async ({ bucket }: TestWorker, name: string) => {
      const key = `${RUN}/iter_1.pth/${name}`
      const file = await head(bucket, key)
      await remove(bucket, key)
      await sleep(A_SECOND)
      await restoreVersion(bucket, { ...file, key })
    }
    // As often as there were slow workers, or restores that did not come to their end.
    await bringBack(worker, 'a.bin')
    await bringBack(worker, 'a.bin')
    aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
      await go()
      const isMarker = 'Key' in input && String(input.Key).endsWith('iter_1.pth/.complete.json')
      // A restore that is under way was decided on after the eviction.
      if (name === 'DeleteObject' && isMarker)
        await bringBack(anotherInvocation(store, worker), 'b.bin')
    })
    const next = directory('iter_2.pth', { 'a.bin': 'A' })
    await upload(worker, next)
    expect(await liveNames(worker)).toEqual(['iter_1.pth/b.bin', ...Object.keys(next).toSorted()])
  })

  describe('of a directory of which files come back later', () => {
    const first = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' })
    const next = directory('iter_2.pth', { 'a.bin': 'A' })
    const A = 'iter_1.pth/a.bin'
    const B = 'iter_1.pth/b.bin'

    /** As a slow worker does, which does not know that the directory is to go again. */
    async function restore(worker: TestWorker, name: string, versionId: string): Promise<void> {
      const file = await head(worker.bucket, keyIn(RUN, name), versionId)
      await restoreVersion(worker.bucket, file)
    }

    async function evictFirst(worker: TestWorker) {
      const uploaded = await upload(worker, first)
      await upload(worker, next)
      await sleep(A_SECOND)
      return (name: string) => uploaded[name]?.versionId ?? ''
    }

    test('takes them along where the hub restored them', async () => {
      const worker = await keepOne()
      const versionOf = await evictFirst(worker)
      await restore(worker, A, versionOf(A))
      await look(worker, [A])
      expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
      await restore(worker, A, versionOf(A))
      await restore(worker, B, versionOf(B))
      await look(worker, [B])
      expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
      expect((await ledgerOf(worker)).effects).toEqual([])
    })

    test('takes along what was restored of the same version as a file of it', async () => {
      const worker = await keepOne()
      const origin = await put(worker.bucket, keyIn(RUN, A), 'a')
      await remove(worker.bucket, keyIn(RUN, A))
      await restore(worker, A, origin.versionId)
      const { [A]: _, ...others } = first
      await upload(worker, others)
      await upload(worker, next)
      await sleep(A_SECOND)
      expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
      await restore(worker, A, origin.versionId)
      await look(worker, [A])
      expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
    })

    test('takes along what was restored of an older save of it', async () => {
      const worker = await keepOne()
      const older = await put(worker.bucket, keyIn(RUN, A), 'an older save')
      await evictFirst(worker)
      await restore(worker, A, older.versionId)
      expect(await textAt(worker.bucket, keyIn(RUN, A))).toBe('an older save')
      await look(worker, [A])
      expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
      expect((await ledgerOf(worker)).effects).toEqual([])
    })

    test.each([
      ['other bytes', 'x'],
      ['the same bytes', 'a'],
    ])('leaves what the trainer uploads beside them, of %s', async (_, text) => {
      const worker = await keepOne()
      const versionOf = await evictFirst(worker)
      await upload(worker, { [A]: text })
      await restore(worker, B, versionOf(B))
      await look(worker, [B])
      expect(await liveNames(worker)).toEqual([A, ...Object.keys(next).toSorted()])
      expect(await textAt(worker.bucket, keyIn(RUN, A))).toBe(text)
    })

    test('leaves what was brought back of the trainer', async () => {
      const worker = await keepOne()
      await evictFirst(worker)
      const { versionId } = await put(worker.bucket, keyIn(RUN, A), 'a')
      await remove(worker.bucket, keyIn(RUN, A))
      await restore(worker, A, versionId)
      await look(worker, [A])
      expect(await liveNames(worker)).toEqual([A, ...Object.keys(next).toSorted()])
    })

    test('leaves them where they are on their way back', async () => {
      const worker = await newWorker(store, { ...OPTIONS, save_best: 'acc' })
      await evictFirst(worker)
      let isStopped = true
      const copies: string[] = []
      aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
        const key = 'Key' in input ? String(input.Key) : ''
        if (name === 'CopyObject' && isStopped && key.endsWith('.complete.json')) {
          throw new Unavailable()
        }
        if (name === 'CopyObject') copies.push(key)
        await go()
      })
      const best = { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } }
      await expect(upload(worker, best)).rejects.toThrow(Unavailable)
      isStopped = false
      await look(anotherInvocation(store, worker), [A])
      expect(await liveNames(worker)).toEqual(expect.arrayContaining(Object.keys(first)))
      expect(copies.filter((key) => key.endsWith('a.bin'))).toHaveLength(1)
    })
  })

  test('of a directory goes on to the files where its late delete hit the marker of the next save', async () => {
    const worker = await keepOne()
    const second = directory('iter_1.pth', { 'a.bin': 'x', 'b.bin': 'y' })
    const next = directory('iter_2.pth', { 'a.bin': 'A' })
    const { 'iter_1.pth/.complete.json': marker } = await upload(worker, {
      ...directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }),
    })
    await upload(worker, next)
    await sleep(A_SECOND)
    await putAll(worker, second)
    await deleteIfMatch(worker.bucket, keyIn(RUN, 'iter_1.pth/.complete.json'), marker?.etag ?? '')
    await sleep(A_SECOND)
    const newest = directory('iter_3.pth', { 'a.bin': 'N' })
    await putAll(worker, newest)
    await look(worker, Object.keys({ ...second, ...newest }))
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'evicted' })
    expect(await liveNames(worker)).toEqual(Object.keys(newest).toSorted())
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('that is late leaves what was uploaded since its marker was deleted, of the same bytes too', async () => {
    const worker = await keepOne()
    const files = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' })
    const { 'iter_1.pth/.complete.json': text = '', ...others } = files
    await upload(worker, files)
    await sleep(A_SECOND)
    // Of an attempt the marker alone came, and looks like the save before.
    const attempt = await upload(worker, { 'iter_1.pth/.complete.json': text })
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    await putAll(worker, others)
    const { versionId = '', etag = '' } = attempt['iter_1.pth/.complete.json'] ?? {}
    const where = { id: 'iter#1', key: `${RUN}/iter_1.pth/`, marker: '.complete.json' }
    await evictDirectory(worker.bucket, { kind: 'evict', ...where, versionId, etag }, 0)
    expect(await liveNames(worker)).toEqual(expect.arrayContaining(Object.keys(others)))
  })

  test('that is late leaves the next save of the name, though its marker has the same bytes', async () => {
    const worker = await keepOne()
    const first = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' })
    const before = (await upload(worker, first))['iter_1.pth/.complete.json']
    const second = directory('iter_1.pth', { 'a.bin': 'x', 'b.bin': 'y' })
    const after = (await upload(worker, second))['iter_1.pth/.complete.json']
    expect(after?.etag).toBe(before?.etag)
    const result = await evictDirectory(
      worker.bucket,
      {
        kind: 'evict',
        id: 'iter#1',
        key: `${RUN}/iter_1.pth/`,
        versionId: before?.versionId ?? '',
        etag: before?.etag ?? '',
        marker: '.complete.json',
      },
      0,
    )
    expect(result).toBe('other')
    expect(await liveNames(worker)).toEqual(Object.keys(second).toSorted())
  })

  test.each([
    ['comes back', 'after'],
    ['leaves its files, which may be of yet another save', 'before'],
  ])(
    'of a save whose marker came first and looked like the one before: it %s, where it came %s the newest',
    async (_, when) => {
      const worker = await keepOne()
      const first = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' })
      const { 'iter_1.pth/.complete.json': marker = '', ...files } = directory('iter_1.pth', {
        'a.bin': 'x',
        'b.bin': 'y',
      })
      const next = directory('iter_2.pth', { 'a.bin': 'A' })
      await upload(worker, first)
      await sleep(A_SECOND)
      const markerAlone = { 'iter_1.pth/.complete.json': marker }
      for (const each of when === 'before' ? [markerAlone, next] : [next, markerAlone]) {
        await putAll(worker, { ...each })
        await sleep(A_SECOND)
      }
      await look(worker, Object.keys({ ...first, ...next }))
      expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
      for (const [name, text] of Object.entries(files)) await upload(worker, { [name]: text })
      const kept = { ...files, ...next, ...(when === 'after' && markerAlone) }
      expect(await liveNames(worker)).toEqual(Object.keys(kept).toSorted())
      expect((await ledgerOf(worker)).effects).toEqual([])
    },
  )

  test('evicts again what is uploaded again, its files too', async () => {
    const worker = await keepOne()
    const files = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' })
    const next = directory('iter_2.pth', { 'a.bin': 'A' })
    await upload(worker, files)
    await upload(worker, next)
    await sleep(A_SECOND)
    await upload(worker, files)
    expect(await liveNames(worker)).toEqual(Object.keys(next).toSorted())
  })

  test('takes other bytes under the same marker for another upload', async () => {
    const worker = await keepOne()
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a' }))
    await sleep(A_SECOND)
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'z' }))
    const entry = await stepEntry(worker, 1)
    expect(entry?.['uploads']).toHaveLength(2)
    expect(entry).toMatchObject({ fate: 'kept' })
    expect(await liveNames(worker)).toContain('iter_1.pth/a.bin')
  })
})

describe('a restore', () => {
  test('of a directory whose place other files have taken is none', async () => {
    const worker = await newWorker(store, { ...OPTIONS, save_best: 'acc' })
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }))
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    await upload(worker, { 'iter_1.pth/a.bin': 'of a trainer that starts over' })
    await upload(worker, { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } })
    expect(await textAt(worker.bucket, `${RUN}/iter_1.pth/a.bin`)).toMatch(/starts over/)
    expect(await liveNames(worker)).not.toContain('iter_1.pth/.complete.json')
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'evicted', uploads: [{ gone: true }] })
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  /** A directory that was evicted, and turns out to be the best. */
  const evicted = async () => {
    const worker = await newWorker(store, { ...OPTIONS, save_best: 'acc' })
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }))
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    return worker
  }
  const { 'iter_1.pth/.complete.json': marker = '', ...others } = directory('iter_1.pth', {
    'a.bin': 'x',
    'b.bin': 'y',
  })
  const markerAlone = { 'iter_1.pth/.complete.json': marker }
  /** A save of which only the marker is there yet: it looked like the one before, and was evicted with that. */
  const evictedWithTheOneBefore = async () => {
    const worker = await newWorker(store, { ...OPTIONS, save_best: 'acc' })
    await upload(worker, directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'b' }))
    await sleep(A_SECOND)
    await upload(worker, markerAlone)
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    return worker
  }
  const makeBest = (worker: TestWorker) =>
    upload(worker, { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } })
  /** Something that happens right before an object of the directory is copied; as in S3, not over what is there. */
  const beforeCopying = (worker: TestWorker, name: string, happen: () => Promise<unknown>) => {
    let isDone = false
    aroundCalls(worker.bucket.s3, async ({ name: call, input, go }) => {
      const isOf = 'Key' in input && String(input.Key).endsWith(`iter_1.pth/${name}`)
      if (call === 'CopyObject' && isOf && !isDone) {
        isDone = true
        await happen()
        if ((await liveNames(anotherInvocation(store, worker))).includes(`iter_1.pth/${name}`))
          throw Object.assign(new Error(name), { $metadata: { httpStatusCode: 412 } })
      }
      await go()
    })
  }
  const factsOf = async (worker: TestWorker) => {
    const facts = (await ledgerOf(worker)).history.steps.get(stepId('iter', 1))
    return facts === undefined ? [] : checkpointFacts(facts, `${RUN}/iter_1.pth/`)
  }

  test('whose marker came after files of the next save leaves them to that', async () => {
    const worker = await evicted()
    beforeCopying(worker, '.complete.json', () => putAll(worker, others))
    await makeBest(worker)
    await sleep(A_SECOND)
    await upload(worker, markerAlone)
    expect(await factsOf(worker)).toMatchObject([
      { versions: [{}, { restores: expect.any(String) }], newestOfKey: false },
      { versions: [{ fault: undefined, restores: undefined }], newestOfKey: true },
    ])
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('before whose marker that of the next save came leaves files that are of neither', async () => {
    const worker = await evicted()
    beforeCopying(worker, '.complete.json', async () => {
      await sleep(A_SECOND)
      await putAll(worker, { ...markerAlone })
    })
    await makeBest(worker)
    await sleep(A_SECOND)
    await upload(worker, others)
    expect(await factsOf(worker)).toMatchObject([
      { versions: [{ restores: undefined }] },
      { versions: [{ fault: undefined, restores: undefined }] },
    ])
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('that meets a file of the next save is none', async () => {
    const worker = await evicted()
    beforeCopying(worker, 'a.bin', () => putAll(worker, { 'iter_1.pth/a.bin': 'x' }))
    await makeBest(worker)
    expect(await liveNames(worker)).not.toContain('iter_1.pth/.complete.json')
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'evicted', uploads: [{ gone: true }] })
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('whose files are deleted again at once says nothing of them: they have not expired', async () => {
    const worker = await evicted()
    const another = anotherInvocation(store, worker)
    let copied = 0
    aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
      await go()
      if (name !== 'CopyObject' || !('Key' in input) || copied++ > 0) return
      const key = String(input.Key)
      await deleteIfMatch(another.bucket, key, (await head(another.bucket, key)).etag)
    })
    await makeBest(worker)
    expect(copied).toBeGreaterThan(0)
    expect(await liveNames(worker)).toEqual(
      expect.arrayContaining(['iter_1.pth/.complete.json', 'iter_1.pth/a.bin', 'iter_1.pth/b.bin']),
    )
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('that meets a file which another worker brought back goes on', async () => {
    const worker = await evicted()
    const another = anotherInvocation(store, worker)
    const key = `${RUN}/iter_1.pth/a.bin`
    const [file] = (await versionsOf(another.bucket, key)).uploads
    beforeCopying(worker, 'a.bin', () => restoreVersion(another.bucket, file ?? expect.fail()))
    await makeBest(worker)
    expect(await liveNames(worker)).toContain('iter_1.pth/.complete.json')
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('of a save whose marker came first finds its files, of which nobody was told', async () => {
    const worker = await evictedWithTheOneBefore()
    await putAll(worker, others)
    await makeBest(worker)
    expect(await factsOf(worker)).toMatchObject([
      { versions: [{ restores: undefined }] },
      { versions: [{ restores: undefined }, { restores: expect.any(String) }] },
    ])
  })

  test('in the middle of a save whose marker came first does not keep that from being one', async () => {
    const worker = await evictedWithTheOneBefore()
    await upload(worker, { 'iter_1.pth/a.bin': 'x' })
    await makeBest(worker)
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'evicted' })
    await upload(worker, { 'iter_1.pth/b.bin': 'y' })
    expect(await factsOf(worker)).toMatchObject([
      { versions: [{ gone: false }] },
      { versions: [{ gone: false }, { restores: expect.any(String) }] },
    ])
    expect(await stepEntry(worker, 1)).toMatchObject({ fate: 'kept' })
  })

  test('brings back a directory that turns out to be the best, files first', async () => {
    const worker = await newWorker(store, { ...OPTIONS, save_best: 'acc' })
    const first = directory('iter_1.pth', { 'a.bin': 'a', 'b.bin': 'bb' })
    await upload(worker, first)
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    expect(await liveNames(worker)).not.toContain('iter_1.pth/a.bin')
    await sleep(A_SECOND)
    await upload(worker, { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } })
    await drain(worker)
    await look(worker, Object.keys(first))
    expect(await liveNames(worker)).toEqual(expect.arrayContaining(Object.keys(first)))
    expect(await stepEntry(worker, 1)).toMatchObject({
      fate: 'kept',
      reason: 'kept: the best acc, and a directory is not copied',
      uploads: [{}, { restores: expect.any(String), directory: { files: 2 } }],
    })
    const { entries } = await loadRun(worker.hub, RUN)
    expect(entries.get('best#acc')).toMatchObject({
      source: `s3://${worker.bucket.name}/${RUN}/iter_1.pth`,
      state: 'refused',
    })
    expect(entries.get('best#acc')).not.toHaveProperty('copy')
    expect(entries.get('runtime_info')).toMatchObject({ keep_ckpt_ids: [2] })
    expect((await ledgerOf(worker)).effects).toEqual([])
  })
})
