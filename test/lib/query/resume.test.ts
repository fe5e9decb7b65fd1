import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { keyIn, type Run } from '../../../lib/hook/names.ts'
import { lastOf } from '../../../lib/query/last.ts'
import { QueryError } from '../../../lib/query/problem-details.ts'
import { resumableOf } from '../../../lib/query/resume.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'
import { put, remove } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, callsOf, Unavailable } from '../bucket/wire.ts'
import { itemsOf, putByHand } from '../message-hub/hub-table.ts'
import { directory } from '../run/directories.ts'
import { checkpoint, look, newWorker, RUN, type TestWorker, upload } from '../run/worker.ts'

/** S3 tells whole seconds, by which lives are told apart. */
const A_SECOND = 1100
const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

describe('a run whose newest checkpoint is whole', () => {
  test('is resumed from it, and nothing is passed over', async () => {
    const { 'epoch_3.pth': three } = await uploaded('one', 'two', 'three')
    expect(await resumableOf(worker, { run: RUN })).toEqual({
      run: RUN,
      step: 3,
      object: {
        key: `${RUN}/epoch_3.pth`,
        version_id: three?.versionId,
        etag: three?.etag,
        size_bytes: three?.sizeBytes,
      },
      verified: {
        format: 'zip',
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        pickle_read: true,
      },
      passed_over: [],
    })
  })

  test('is resumed from the version that is there now, if its bytes came once more', async () => {
    await uploaded('one')
    const again = await put(worker.bucket, `${RUN}/epoch_1.pth`, checkpoint('one'))
    expect(await resumableOf(worker, { run: RUN })).toMatchObject({
      object: { version_id: again.versionId },
      passed_over: [],
    })
  })

  test('is resumed from the newest life, though an earlier one went further', async () => {
    await uploaded('one', 'two', 'three')
    await sleep(A_SECOND)
    await upload(worker, { 'before_train.json': { resume_from: 'epoch_1.pth' } })
    await upload(worker, { 'epoch_2.pth': checkpoint('two again') })
    const last = await lastOf(worker, { run: RUN })
    expect(await resumableOf(worker, { run: RUN })).toMatchObject({ step: 2, object: last.object })
    // Then the earlier life's, from its highest step.
    await remove(worker.bucket, `${RUN}/epoch_2.pth`)
    expect(await resumableOf(worker, { run: RUN })).toMatchObject({
      step: 3,
      passed_over: [{ step: 2, reason: expect.stringContaining('not there') }],
    })
  })

  test.each(['.', 'a b+c%20=&?', `"<b>'größe/🙂\u0001`] as Run[])(
    'and whose name is %j is resumed from it too',
    async (run) => {
      await upload(worker, { 'epoch_1.pth': checkpoint('one') }, run)
      const { object } = await resumableOf(worker, { run })
      expect(object.key).toBe(keyIn(run, 'epoch_1.pth'))
    },
  )
})

describe('a newer checkpoint', () => {
  test('that is cut short, and one before it that is corrupt, give way to the third', async () => {
    await uploaded('one')
    await upload(worker, { 'epoch_2.pth': withDamagedPickle('two') })
    await upload(worker, { 'epoch_3.pth': checkpoint('three').subarray(0, -30) })
    expect(await resumableOf(worker, { run: RUN })).toMatchObject({
      step: 1,
      passed_over: [
        {
          step: 3,
          key: `${RUN}/epoch_3.pth`,
          reason: expect.stringMatching(/^not whole: .*end record/),
        },
        {
          step: 2,
          key: `${RUN}/epoch_2.pth`,
          reason: expect.stringMatching(/data\.pkl": CRC-32: expected/),
        },
      ],
    })
  })

  test.each<[string, (key: string) => Promise<unknown>, RegExp]>([
    [
      'that was deleted since',
      (key) => remove(worker.bucket, key),
      /^it is not there any more, which the hub has not seen yet$/,
    ],
    [
      'that was cut short since',
      (key) => put(worker.bucket, key, checkpoint('two').subarray(0, -30)),
      /^another object was uploaded since: ETag \w+, recorded is \w+$/,
    ],
    [
      'whose recorded size is another',
      () => changeUpload(2, { size_bytes: 7 }),
      /^it has \d+ bytes, recorded are 7$/,
    ],
    [
      'whose recorded fingerprint is another',
      () => changeUpload(2, { fingerprint: 'f'.repeat(64) }),
      /^it has other bytes than were recorded: fingerprint [0-9a-f]{64}$/,
    ],
  ])('%s is passed over', async (_, happens, reason) => {
    await uploaded('one', 'two')
    await happens(`${RUN}/epoch_2.pth`)
    expect(await resumableOf(worker, { run: RUN })).toMatchObject({
      step: 1,
      passed_over: [{ step: 2, key: `${RUN}/epoch_2.pth`, reason: expect.stringMatching(reason) }],
    })
  })

  test('that a person removed is passed over, as the hub knows', async () => {
    await uploaded('one', 'two')
    await remove(worker.bucket, `${RUN}/epoch_2.pth`)
    await look(worker, ['epoch_2.pth'])
    const { step, passed_over } = await resumableOf(worker, { run: RUN })
    expect(step).toBe(1)
    expect(passed_over).toEqual([
      { step: 2, key: `${RUN}/epoch_2.pth`, reason: 'removed: not by the hub' },
    ])
  })

  test('that was evicted is no candidate, and no reason is given for it', async () => {
    const keepsOne = await newWorker(store, { interval: 1, max_keep_ckpts: 1 })
    const files = ['one', 'two', 'three'].map((words, at) => [
      `epoch_${at + 1}.pth`,
      checkpoint(words),
    ])
    await upload(keepsOne, Object.fromEntries(files))
    await remove(keepsOne.bucket, `${RUN}/epoch_3.pth`)
    const { status, more } = await refusal(keepsOne, RUN)
    expect(status).toBe(404)
    expect(more['passed_over']).toMatchObject([{ step: 3 }])
  })
})

describe('a directory', () => {
  const FILES = { 'rank_0.bin': 'zero', 'rank_1.bin': 'one' }

  beforeEach(async () => {
    worker = await newWorker(store, { interval: 1, by_epoch: false })
    await upload(worker, { 'iter_4.pth': checkpoint('four') })
    await upload(worker, directory('iter_5', FILES))
  })

  test('is resumed from where its marker and all its files are there', async () => {
    const { object: last } = await lastOf(worker, { run: RUN })
    expect(await resumableOf(worker, { run: RUN })).toEqual({
      run: RUN,
      step: 5,
      directory: { key: `${RUN}/iter_5`, files: 2, size_bytes: expect.any(Number) },
      object: last,
      verified: { format: 'directory', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
      passed_over: [],
    })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'one of whose files is gone',
      () => remove(worker.bucket, `${RUN}/iter_5/rank_1.bin`),
      '.complete.json: waits for 1 of its 2 files: rank_1.bin',
    ],
    [
      'one of whose files has another size',
      () => put(worker.bucket, `${RUN}/iter_5/rank_1.bin`, 'other'),
      '.complete.json: rank_1.bin has 5 bytes, its marker says 3',
    ],
    [
      'one of whose files has other bytes',
      () => put(worker.bucket, `${RUN}/iter_5/rank_1.bin`, 'two'),
      '.complete.json: some of its files were uploaded again since',
    ],
    [
      'whose marker is gone',
      () => remove(worker.bucket, `${RUN}/iter_5/.complete.json`),
      '.complete.json is not there any more, which the hub has not seen yet',
    ],
  ])('%s is passed over', async (_, happens, reason) => {
    await happens()
    expect(await resumableOf(worker, { run: RUN })).toMatchObject({
      step: 4,
      passed_over: [{ step: 5, key: `${RUN}/iter_5`, reason }],
    })
  })
})

describe('how much is looked at', () => {
  test('is a few ranges of a checkpoint, of which none is the whole', async () => {
    const large = checkpointOf(Buffer.from('\x80\x02}.', 'latin1'), { 0: new Uint8Array(8 << 20) })
    await upload(worker, { 'epoch_1.pth': large })
    const calls: string[] = []
    let bytes = 0
    aroundCalls(worker.bucket.s3, async ({ name, input, go }) => {
      calls.push(name)
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec((input as { Range?: string }).Range ?? '') ?? []
      bytes += from === undefined ? 0 : Number(to) - Number(from) + 1
      await go()
    })
    await resumableOf(worker, { run: RUN })
    expect(calls).toEqual(['HeadObject', 'GetObject', 'GetObject'])
    expect(bytes).toBeLessThanOrEqual(512 * 1024)
  })

  test('is at most ten checkpoints, and the answer says so', async () => {
    const files = Array.from({ length: 12 }, (_, at) => [
      `epoch_${at + 1}.pth`,
      at === 0 ? checkpoint('whole') : withDamagedPickle(`damaged ${at}`),
    ])
    await upload(worker, Object.fromEntries(files))
    const calls = callsOf(worker.bucket.s3)
    const { status, message, more } = await refusal(worker, RUN)
    expect(status).toBe(404)
    expect(message).toBe(
      'the run "exp/run" has no checkpoint that can be resumed from among the newest 10',
    )
    expect((more['passed_over'] as { step: number }[]).map(({ step }) => step)).toEqual([
      12, 11, 10, 9, 8, 7, 6, 5, 4, 3,
    ])
    expect(calls.filter((name) => name === 'HeadObject')).toHaveLength(10)
  })
})

describe('no answer', () => {
  test('is given of a run that the hub does not know', async () => {
    expect(await refusal(worker, 'none' as Run)).toMatchObject({
      status: 404,
      message: 'the hub knows no run "none"',
    })
  })

  test('is given of a run without a checkpoint', async () => {
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 1 } } })
    expect(await refusal(worker, RUN)).toMatchObject({
      status: 404,
      message: 'the run "exp/run" has no checkpoint yet',
    })
  })

  test('is given where the store fails, since another time it may be there', async () => {
    await uploaded('one', 'two')
    aroundCalls(worker.bucket.s3, async () => {
      throw new Unavailable()
    })
    await expect(resumableOf(worker, { run: RUN })).rejects.toThrow(Unavailable)
  })
})

/** Checkpoints of the epochs from 1, in one event. */
function uploaded(...words: string[]) {
  const files = words.map((each, at) => [`epoch_${at + 1}.pth`, checkpoint(each)])
  return upload(worker, Object.fromEntries(files))
}

/** One whose zip directory is in order, as the hub looks at uploads, and whose pickle is not. */
function withDamagedPickle(words: string): Uint8Array {
  const bytes = Buffer.from(checkpoint(words))
  bytes[bytes.indexOf(words)] = 0xff
  return bytes
}

/** Changes what the hub recorded of a step's first upload. */
async function changeUpload(step: number, change: object): Promise<void> {
  const entry = `step#epoch#${String(step).padStart(16, '0')}`
  const item = (await itemsOf(worker.hub, RUN)).get(entry)
  const [upload] = (item?.['uploads'] ?? []) as object[]
  await putByHand(worker.hub, { ...item, uploads: [{ ...upload, ...change }] })
}

async function refusal(of: TestWorker, run: Run): Promise<QueryError> {
  const error: unknown = await resumableOf(of, { run }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(QueryError)
  return error as QueryError
}
