/** `out_dir`: what the hub makes goes elsewhere, into a folder that is one run's. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import type { Run } from '../../../lib/hook/names.ts'
import { keysByRun } from '../../../lib/run/notification.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { sweep } from '../../../lib/run/sweep.ts'
import { bytesAt, head, liveKeys, put, remove, textAt } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import {
  anotherInvocation,
  checkpoint,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  sweepOrder,
  type TestWorker,
  upload,
} from './worker.ts'

const OPTIONS = { save_best: 'acc', published_keys: ['meta', 'state_dict'], max_keep_ckpts: 1 }
const SECOND = 'another/run' as Run
const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

/** A training of two epochs, the first of which is the best. */
/** S3 tells whole seconds. */
const A_SECOND = 1100

async function train(outDir: string | null, run = RUN): Promise<void> {
  await upload(
    worker,
    {
      'checkpoint_hook.json': { ...OPTIONS, out_dir: outDir },
      'epoch_1.pth': checkpoint(`${run} one`),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.9 } },
      'epoch_2.pth': checkpoint(`${run} two`),
      'metrics/2.json': { epoch: 2, metrics: { acc: 0.5 } },
      'after_train.json': {},
    },
    run,
  )
  await drain(worker)
}

/** What lies below a prefix, the hashes apart. */
async function shown(bucket: Bucket, prefix: string): Promise<string[]> {
  const keys = await liveKeys(bucket, prefix)
  return keys.map((key) => key.replace(/-[0-9a-f]{8}\.pth$/, '-<sha8>.pth'))
}

/** Delivers events that name any keys, as ingest takes them. */
async function hear(...keys: string[]): Promise<void> {
  const messages = [{ messageId: '1', body: JSON.stringify({ look: keys }) }]
  for (const [run, { keys }] of keysByRun(messages, '')) {
    await settleRun(worker, run, { keys: [...keys] })
  }
}

async function problems(run = RUN): Promise<unknown[]> {
  const items = [...(await itemsOf(worker.hub, run))]
  return items.flatMap(([entry, { field, reason }]) =>
    entry.startsWith('problem#') ? [`${field}: ${reason}`] : [],
  )
}

const FILES = ['best_acc_epoch_1-<sha8>.pth', 'best_acc_epoch_1.pth', 'epoch_2-<sha8>.pth']
const in_ = (folder: string) => FILES.map((name) => `${folder}/${name}`)

describe('with an out_dir in its own bucket', () => {
  test('the best and the published lie there, the checkpoints and last_checkpoint in the run', async () => {
    await train('./exports/')
    expect(await shown(worker.bucket, 'exports/')).toEqual(in_('exports/run'))
    expect(await shown(worker.bucket, `${RUN}/`)).toEqual(
      ['after_train', 'checkpoint_hook', 'epoch_2', 'last_', 'metrics/1', 'metrics/2'].map((name) =>
        expect.stringMatching(`^${RUN}/${name}`),
      ),
    )
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toBe(
      `s3://${worker.bucket.name}/${RUN}/epoch_2.pth`,
    )
    expect((await ledgerOf(worker)).effects).toEqual([])
    expect(await problems()).toEqual([])
  })

  test('the hub shows the files where they are, and the folder whose they are', async () => {
    await train('exports')
    const items = await itemsOf(worker.hub, RUN)
    const best = `s3://${worker.bucket.name}/exports/run/best_acc_epoch_1.pth`
    expect(items.get('runtime_info')).toMatchObject({
      best_ckpt: best,
      options: { out_dir: 'exports' },
    })
    expect(items.get('best#acc')).toMatchObject({ copy: best, state: 'current' })
    expect(items.get('artifact#exports/run/best_acc_epoch_1.pth')).toMatchObject({
      state: 'current',
    })
    expect(items.get('out_dir#exports/run')).toMatchObject({ state: 'granted' })
    expect((await itemsOf(worker.hub, 'exports/run' as Run)).get('claim')).toMatchObject({
      by: RUN,
    })
  })

  test('the events of its own files make it nothing to do, and no run of the folder', async () => {
    await train('exports')
    const before = await itemsOf(worker.hub, RUN)
    await hear(...(await liveKeys(worker.bucket, 'exports/')))
    expect(await itemsOf(worker.hub, RUN)).toEqual(before)
    expect([...(await itemsOf(worker.hub, 'exports/run' as Run)).keys()]).toEqual(['claim'])
  })

  test('a file that a person removes there is known to be removed, and not made again', async () => {
    await train('exports')
    const key = 'exports/run/best_acc_epoch_1.pth'
    await remove(worker.bucket, key)
    await hear(key)
    await drain(worker)
    expect((await ledgerOf(worker)).artifacts.get(key)?.state).toBe('removed')
    expect(await bytesAt(worker.bucket, key)).toBeUndefined()
  })

  test('a file that a person puts there under a name of ours is left alone', async () => {
    const key = 'exports/run/best_acc_epoch_1.pth'
    await put(worker.bucket, key, 'mine')
    await train('exports')
    expect(await textAt(worker.bucket, key)).toBe('mine')
    expect(await shown(worker.bucket, 'exports/')).toContain('exports/run/best_acc_epoch_1.hub.pth')
  })

  test('a better one takes the place of the old one there', async () => {
    await train('exports')
    await upload(worker, {
      'epoch_3.pth': checkpoint('three'),
      'metrics/3.json': { epoch: 3, metrics: { acc: 0.95 } },
    })
    await drain(worker)
    const names = (await shown(worker.bucket, 'exports/')).filter((name) => !name.includes('<'))
    expect(names).toEqual(['exports/run/best_acc_epoch_3.pth'])
  })

  test('another later moves the best, also one whose upload has expired', async () => {
    await train('exports')
    const [source] = [...(await ledgerOf(worker)).history.steps.values()]
    await remove(worker.bucket, `${RUN}/epoch_1.pth`, source?.uploads[0]?.versionId)
    const old = await bytesAt(worker.bucket, 'exports/run/best_acc_epoch_1.pth')
    // Options of the second in which training ended would be those of the end, too.
    await sleep(A_SECOND)
    await upload(worker, { 'checkpoint_hook.json': { ...OPTIONS, out_dir: 'new' } })
    await drain(worker)
    expect(await shown(worker.bucket, 'new/')).toEqual(['new/run/best_acc_epoch_1.pth'])
    expect(await bytesAt(worker.bucket, 'new/run/best_acc_epoch_1.pth')).toEqual(old)
    expect(await shown(worker.bucket, 'exports/')).toEqual([
      in_('exports/run')[0],
      in_('exports/run')[2],
    ])
    expect(await problems()).toEqual([])
  })
})

describe('with an out_dir in another bucket', () => {
  let other: Bucket
  beforeEach(async () => {
    other = await store.newBucket()
  })

  test('that the stack was given, the files lie there', async () => {
    worker.reach = { keyPrefix: '', outBuckets: [other.name] }
    await train(`s3://${other.name}/exports`)
    expect(await shown(other, '')).toEqual(in_('exports/run'))
    const { answers, effects } = await ledgerOf(worker)
    const key = `s3://${other.name}/exports/run/best_acc_epoch_1.pth`
    expect([answers.get('acc')?.key, effects]).toEqual([key, []])
    expect((await itemsOf(worker.hub, RUN)).get('runtime_info')).toMatchObject({ best_ckpt: key })
  })

  test('a message that names it has a file there looked at', async () => {
    worker.reach = { keyPrefix: '', outBuckets: [other.name] }
    await train(`s3://${other.name}`)
    await remove(other, 'run/best_acc_epoch_1.pth')
    const key = `s3://${other.name}/run/best_acc_epoch_1.pth`
    await hear(key)
    expect((await ledgerOf(worker)).artifacts.get(key)?.state).toBe('removed')
  })

  test('that keeps no versions, nothing is deleted, and the hub says so', async () => {
    worker.reach = { keyPrefix: '', outBuckets: [other.name] }
    await train(`s3://${other.name}`)
    await other.s3.send(
      new PutBucketVersioningCommand({
        Bucket: other.name,
        VersioningConfiguration: { Status: 'Suspended' },
      }),
    )
    await upload(worker, {
      'epoch_3.pth': checkpoint('three'),
      'metrics/3.json': { epoch: 3, metrics: { acc: 0.95 } },
    })
    await drain(worker)
    expect(await shown(other, '')).toEqual(
      expect.arrayContaining(['run/best_acc_epoch_1.pth', 'run/best_acc_epoch_3.pth']),
    )
    // Its own bucket is another matter.
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_2.pth`)).toBeUndefined()
    expect(await problems()).toEqual([
      expect.stringContaining(`versioning: is not enabled on the bucket ${other.name}, so `),
    ])
  })

  test('that the stack was not given, the files stay in the run and nothing is written there', async () => {
    await train(`s3://${other.name}/exports`)
    expect(await shown(other, '')).toEqual([])
    expect(await shown(worker.bucket, `${RUN}/`)).toEqual(expect.arrayContaining(in_(RUN)))
    expect(await problems()).toEqual([
      expect.stringMatching(new RegExp(`^out_dir: .*${other.name}.*${worker.bucket.name}`)),
    ])
  })
})

describe('a folder', () => {
  test('that another run has is not touched; the files stay in the run, which is told', async () => {
    await train('exports', SECOND)
    const before = await Promise.all(
      (await liveKeys(worker.bucket, 'exports/')).map((key) => head(worker.bucket, key)),
    )
    await train('exports')
    for (const { key, versionId } of before) {
      expect((await head(worker.bucket, key)).versionId).toBe(versionId)
    }
    expect(await liveKeys(worker.bucket, 'exports/')).toHaveLength(before.length)
    expect(await shown(worker.bucket, `${RUN}/`)).toEqual(expect.arrayContaining(in_(RUN)))
    expect(await problems()).toEqual([
      expect.stringContaining('is claimed by the run "another/run"'),
    ])
    expect(await problems(SECOND)).toEqual([])
  })

  test('that is a run keeps what that has', async () => {
    await train(null, 'exports/run' as Run)
    const before = await liveKeys(worker.bucket, 'exports/')
    await train('exports')
    expect(await liveKeys(worker.bucket, 'exports/')).toEqual(before)
    expect(await problems()).toEqual([expect.stringContaining('which is a run')])
  })

  test('in which a run begins later is still whose it was, and that run makes no file', async () => {
    await train('exports')
    const before = await liveKeys(worker.bucket, 'exports/')
    // The same checkpoints, so that its files would have the same names and bytes.
    const late = 'exports/run' as Run
    for (const name of ['epoch_1.pth', 'epoch_2.pth']) {
      const words = name === 'epoch_1.pth' ? 'one' : 'two'
      await put(worker.bucket, `${late}/${name}`, checkpoint(`${RUN} ${words}`))
    }
    await put(worker.bucket, `${late}/checkpoint_hook.json`, JSON.stringify(OPTIONS))
    await put(
      worker.bucket,
      `${late}/metrics/1.json`,
      JSON.stringify({ epoch: 1, metrics: { acc: 0.9 } }),
    )
    await look(
      worker,
      ['epoch_1.pth', 'epoch_2.pth', 'checkpoint_hook.json', 'metrics/1.json'],
      late,
    )
    await drain(worker)
    const after = await liveKeys(worker.bucket, 'exports/')
    expect(after.filter((key) => !before.includes(key))).toEqual(
      [
        'checkpoint_hook.json',
        'epoch_1.pth',
        'epoch_2.pth',
        'last_checkpoint',
        'metrics/1.json',
      ].map((name) => `${late}/${name}`),
    )
    expect(before.every((key) => after.includes(key))).toBe(true)
    expect(await problems(late)).toEqual(
      expect.arrayContaining([expect.stringContaining(`of the run "${RUN}" leads here`)]),
    )
    expect(await problems()).toEqual([])
  })
})

describe('a claim whose call fails', () => {
  test.each(['before', 'after'])('%s it is applied is made by the sweep', async (when) => {
    const broken = anotherInvocation(store, worker)
    aroundCalls(broken.hub.dynamodb, async ({ name, input, go }) => {
      const isClaim =
        name === 'TransactWriteItems' && JSON.stringify(input).includes('ConditionCheck')
      if (!isClaim || when === 'after') await go()
      if (isClaim) throw new Unavailable()
    })
    const whole = worker
    worker = broken
    await expect(train('exports')).rejects.toThrow(Unavailable)
    worker = whole
    const later = anotherInvocation(store, worker)
    later.nowSeconds = () => Math.floor(Date.now() / 1000) + 10_000
    await sweep(later, sweepOrder())
    await drain(worker)
    expect(await shown(worker.bucket, 'exports/')).toEqual(in_('exports/run'))
    expect((await ledgerOf(worker)).effects).toEqual([])
  })
})
