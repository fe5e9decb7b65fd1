/**
 * Directory checkpoints on every way: files and events in any order and doubled, workers that are late or
 * die, and torch's own. The end is always the same.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RESTORES } from '../../../lib/bucket/restore.ts'
import { keyIn } from '../../../lib/hook/names.ts'
import { loadRun } from '../../../lib/message-hub/message-hub.ts'
import { PythonSession } from '../../fixtures/python-session.ts'
import { bytesAt, put, putInParts, textAt } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { directory, liveNames } from './directories.ts'
import { anotherInvocation, look, newWorker, RUN, type TestWorker, upload } from './worker.ts'

const OPTIONS = { interval: 1, max_keep_ckpts: 2, by_epoch: false, save_best: 'acc' }
/** S3 tells whole seconds, by which uploads of one directory are told from those of the next. */
const A_SECOND = 1100
const store = storeOfFile()

/** What invariant 6 speaks of: live objects, and fates without their reasons. */
async function endOf(worker: TestWorker): Promise<unknown> {
  const { entries, ledger } = await loadRun(worker.hub, RUN)
  const steps = [...entries].filter(([entry]) => entry.startsWith('step#'))
  const fates = steps.map(([entry, { fate }]) => `${entry} ${fate}`).toSorted()
  const last = await textAt(worker.bucket, keyIn(RUN, 'last_checkpoint'))
  const name = last?.slice(last.lastIndexOf('/') + 1)
  return { names: await liveNames(worker), fates, last: name, effects: ledger.effects }
}

describe('four directories with a keep of two', () => {
  const saves = [1, 2, 3, 4].map((step) =>
    directory(`iter_${step}.pth`, { 'a.bin': `a${step}`, 'b.bin': `b${step}`, 'c/d.bin': 'd' }),
  )
  const metric = { 'metrics/2.json': JSON.stringify({ iter: 2, metrics: { acc: 0.5 } }) }

  test('end the same, whichever file comes when, and however often one hears of it', async () => {
    const orderly = await newWorker(store, OPTIONS)
    for (const save of saves) {
      await upload(orderly, save)
      await sleep(A_SECOND)
    }
    await upload(orderly, metric)
    const wanted = await endOf(orderly)
    expect(wanted).toMatchObject({ last: 'iter_4.pth', effects: [] })
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(1_000_000)), async (chances) => {
        const worker = await newWorker(store, OPTIONS)
        const shuffled = <T>(items: T[]) =>
          items
            .map((item) => [chances.next().value ?? 0, item] as const)
            .toSorted(([a], [b]) => a - b)
            .map(([, item]) => item)
        const heard: string[] = []
        for (const save of [...saves, metric]) {
          const files = shuffled(Object.entries(save))
          for (const [name, body] of files) {
            await put(worker.bucket, keyIn(RUN, name), body)
            heard.push(name, name)
            const told = shuffled(heard).slice(0, (chances.next().value ?? 0) % 3)
            if (told.length > 0) await look(worker, told)
          }
          await sleep(A_SECOND)
        }
        for (const name of shuffled(heard)) await look(worker, [name])
        expect(await endOf(worker)).toEqual(wanted)
      }),
      { numRuns: 3 },
    )
  })
})

describe('an eviction that a late fact withdraws while it is under way', () => {
  test.each([
    ['lives on', ''],
    ['dies', ''],
    ['dies', ', also where copies have other ETags'],
  ])('is undone where the worker that deletes %s%s', async (end, copies) => {
    const worker = await newWorker(store, { ...OPTIONS, max_keep_ckpts: 1 })
    const names = Array.from({ length: 60 }, (_, at) => `rank_${at}.bin`)
    const first = directory('iter_1.pth', Object.fromEntries(names.map((name) => [name, name])))
    await upload(worker, first)
    await sleep(A_SECOND)
    const other = anotherInvocation(store, worker)
    if (copies !== '') copyWithOtherEtags(other)
    let deletes = 0
    aroundCalls(worker.bucket.s3, async ({ name, go }) => {
      if (name !== 'DeleteObject') return go()
      deletes += 1
      // Some files it never comes to, and one it deletes when all is restored.
      if (deletes > 40 && end === 'dies') throw new Unavailable()
      if (deletes === 10) {
        await upload(other, { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } })
      }
      await go()
    })
    aroundCalls(worker.hub.dynamodb, async ({ go }) => {
      if (end === 'dies' && deletes >= 10) throw new Unavailable()
      await go()
    })
    const evicting = upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await (end === 'dies' ? expect(evicting).rejects.toThrow(Unavailable) : evicting)
    // Then what comes back is newer than the marker, which came back before.
    await sleep(A_SECOND)
    await look(other, Object.keys(first))
    expect(await liveNames(worker)).toEqual(expect.arrayContaining(Object.keys(first)))
    const { entries, ledger } = await loadRun(other.hub, RUN)
    expect(ledger.effects).toEqual([])
    expect(entries.get('step#iter#0000000000000001')).toMatchObject({ fate: 'kept' })
    const uploads = entries.get('step#iter#0000000000000001')?.['uploads'] as object[]
    expect(uploads.at(-1)).not.toHaveProperty('fault')
  })
})

describe('a restore that is interrupted', () => {
  test.each(['', ', also where copies have other ETags'])('is finished later%s', async (copies) => {
    const worker = await newWorker(store, { ...OPTIONS, max_keep_ckpts: 1 })
    const names = Array.from({ length: 60 }, (_, at) => `rank_${at}.bin`)
    const first = directory('iter_1.pth', Object.fromEntries(names.map((name) => [name, name])))
    await upload(worker, first)
    await upload(worker, directory('iter_2.pth', { 'a.bin': 'A' }))
    await sleep(A_SECOND)
    const [dying, other] = [anotherInvocation(store, worker), anotherInvocation(store, worker)]
    let copied = 0
    aroundCalls(dying.bucket.s3, async ({ name, go }) => {
      if (name === 'CopyObject' && ++copied > 30) throw new Unavailable()
      await go()
    })
    for (const each of copies === '' ? [] : [dying, other]) copyWithOtherEtags(each)
    const metric = { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } }
    await expect(upload(dying, metric)).rejects.toThrow(Unavailable)
    expect(await liveNames(worker)).not.toContain('iter_1.pth/.complete.json')
    await look(other, Object.keys(metric))
    expect(await liveNames(worker)).toEqual(expect.arrayContaining(Object.keys(first)))
    const { entries, ledger } = await loadRun(other.hub, RUN)
    expect(ledger.effects).toEqual([])
    expect(entries.get('step#iter#0000000000000001')).toMatchObject({ fate: 'kept' })
  })
})

/** As S3 has it for copies of what was uploaded in parts; the emulator keeps their ETags. */
function copyWithOtherEtags({ bucket }: TestWorker): void {
  const plain = { ...bucket, s3: store.newS3() }
  aroundCalls(bucket.s3, async ({ name, input, go }) => {
    const key = 'Key' in input ? String(input.Key) : ''
    if (name !== 'CopyObject' || key.endsWith('.complete.json')) return go()
    const Metadata = 'Metadata' in input ? (input.Metadata as Record<string, string>) : {}
    const source = { Bucket: bucket.name, Key: key, VersionId: Metadata[RESTORES] }
    const { Body } = await plain.s3.send(new GetObjectCommand(source))
    await putInParts(plain, key, (await Body?.transformToByteArray()) ?? new Uint8Array(), Metadata)
  })
}

describe("torch's own directories", () => {
  let folder: string
  let session: PythonSession

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dcp-'))
    session = await PythonSession.start('dcp_checkpoints.py', [folder])
    await session.answer()
  })
  afterAll(async () => {
    session?.end()
    await rm(folder, { recursive: true, force: true })
  })

  test('wait for their shards, are evicted, come back, and load', async () => {
    const worker = await newWorker(store, { ...OPTIONS, max_keep_ckpts: 1 })
    // As a recursive copy uploads it: `.metadata` sorts first.
    const names = (await readdir(join(folder, 'two_ranks'))).toSorted()
    expect(names).toEqual(['.metadata', '__0_0.distcp', '__1_0.distcp'])
    for (const name of names) {
      expect(await textAt(worker.bucket, keyIn(RUN, 'last_checkpoint'))).toBeUndefined()
      const bytes = await readFile(join(folder, 'two_ranks', name))
      await upload(worker, { [`iter_1/${name}`]: new Uint8Array(bytes) })
    }
    expect(await textAt(worker.bucket, keyIn(RUN, 'last_checkpoint'))).toMatch(/\/iter_1$/)

    await upload(worker, directory('iter_2', { 'a.bin': 'A' }))
    expect(await liveNames(worker)).toEqual(['iter_2/.complete.json', 'iter_2/a.bin'])
    await sleep(A_SECOND)
    await upload(worker, { 'metrics/1.json': { iter: 1, metrics: { acc: 0.9 } } })
    expect(await liveNames(worker)).toEqual(
      expect.arrayContaining(names.map((name) => `iter_1/${name}`)),
    )
    for (const name of names) {
      const bytes = await bytesAt(worker.bucket, keyIn(RUN, `iter_1/${name}`))
      await writeFile(join(folder, 'two_ranks', name), bytes ?? '')
    }
    session.proceed()
    expect(await session.answer()).toEqual({ loads: true })
  })
})
