/** `out_dir` on the deployed stack: best and published files elsewhere, `last_checkpoint` in the run. */
import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { ask, hubSettled, outputs, Run, recordedCheckpoint, s3 } from './deployed.ts'
import { OUT_BUCKET } from './global-setup.ts'

const PUBLISHED = { save_best: 'acc', published_keys: ['meta', 'state_dict'], max_keep_ckpts: 1 }
const FILES = ['best_acc_epoch_1-<sha8>.pth', 'best_acc_epoch_1.pth', 'epoch_2-<sha8>.pth']
const UPLOADS = [
  'after_train.json',
  'checkpoint_hook.json',
  'epoch_2.pth',
  'last_checkpoint',
  'metrics/1.json',
  'metrics/2.json',
]

beforeAll(async () => {
  const foreign = await s3.send(new CreateBucketCommand({ Bucket: 'not-given' }))
  expect(foreign.$metadata.httpStatusCode).toBe(200)
  await s3.send(new CreateBucketCommand({ Bucket: OUT_BUCKET }))
  await s3.send(
    new PutBucketVersioningCommand({
      Bucket: OUT_BUCKET,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  )
})

/** A folder of its own for a test. */
function freshFolder(): string {
  return `exports-${randomUUID().slice(0, 8)}`
}

async function train(run: Run, outDir: string): Promise<void> {
  await run.put('checkpoint_hook.json', { ...PUBLISHED, out_dir: outDir })
  for (const [epoch, acc] of [
    [1, 0.9],
    [2, 0.5],
  ]) {
    await run.put(`epoch_${epoch}.pth`, await recordedCheckpoint(epoch ?? 0))
    await run.put(`metrics/${epoch}.json`, { epoch, metrics: { acc } })
  }
  await run.put('after_train.json', { last: 'epoch_2.pth' })
  await hubSettled()
}

function basename(run: Run): string {
  return run.name.slice(run.name.lastIndexOf('/') + 1)
}

async function listed(Bucket: string, Prefix: string): Promise<Map<string, string>> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))
  return new Map(
    Contents.map(({ Key = '', ETag = '' }) => [
      Key.slice(Prefix.length).replace(/-[0-9a-f]{8}\.pth$/, '-<sha8>.pth'),
      ETag,
    ]),
  )
}

async function namesIn(bucket: string, prefix: string): Promise<string[]> {
  return [...(await listed(bucket, prefix)).keys()]
}

/** What the hub answers can be downloaded, and is in that bucket. */
async function expectAnswers(run: Run, bucket: string): Promise<void> {
  const best = await ask(`best?${new URLSearchParams({ run: run.name })}`)
  const published = await ask(`published?${new URLSearchParams({ run: run.name })}`)
  const files = [best.body, ...(published.body['published'] as Record<string, unknown>[])]
  expect(files).toHaveLength(3)
  for (const { url, object } of files) {
    const { key: Key, bucket: named } = object as { key: string; bucket?: string }
    expect(named ?? outputs.BucketName).toBe(bucket)
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    const downloaded = await fetch(String(url))
    expect(downloaded.status).toBe(200)
    expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(
      Buffer.from((await Body?.transformToByteArray()) ?? []),
    )
  }
}

describe('an out_dir', () => {
  it("in the run's own bucket has the hub's files, the run the trainer's", async () => {
    const [run, folder] = [new Run(), freshFolder()]
    await train(run, `/${folder}/`)
    expect(await namesIn(outputs.BucketName, `${folder}/${basename(run)}/`)).toEqual(FILES)
    expect(Object.keys(await run.listing())).toEqual(UPLOADS)
    expect(String(await run.bytes('last_checkpoint'))).toBe(
      `s3://${outputs.BucketName}/${run.key('epoch_2.pth')}`,
    )
    expect(await run.problems()).toEqual([])
    await expectAnswers(run, outputs.BucketName)
  })

  it('in another bucket that the stack was given has them there', async () => {
    const [run, folder] = [new Run(), freshFolder()]
    await train(run, `s3://${OUT_BUCKET}/${folder}`)
    expect(await namesIn(OUT_BUCKET, `${folder}/${basename(run)}/`)).toEqual(FILES)
    expect(Object.keys(await run.listing())).toEqual(UPLOADS)
    expect(await run.runtimeInfo()).toMatchObject({
      best_ckpt: `s3://${OUT_BUCKET}/${folder}/${basename(run)}/best_acc_epoch_1.pth`,
      last_ckpt: `s3://${outputs.BucketName}/${run.key('epoch_2.pth')}`,
    })
    expect(await run.problems()).toEqual([])
    await expectAnswers(run, OUT_BUCKET)

    await run.put('epoch_3.pth', await recordedCheckpoint(3))
    await run.put('metrics/3.json', { epoch: 3, metrics: { acc: 0.95 } })
    await hubSettled()
    expect(await namesIn(OUT_BUCKET, `${folder}/${basename(run)}/best_acc_epoch_3`)).toEqual([
      '.pth',
    ])
    expect(await namesIn(OUT_BUCKET, `${folder}/${basename(run)}/best_acc_epoch_1.`)).toEqual([])
  })

  it('in a bucket that it was not given is a problem that names those it was', async () => {
    const run = new Run()
    await train(run, 's3://not-given/exports')
    expect(await namesIn('not-given', '')).toEqual([])
    expect(await namesIn(outputs.BucketName, run.key(''))).toEqual(
      [...UPLOADS, ...FILES].toSorted(),
    )
    expect(await run.problems()).toMatchObject([
      {
        severity: 'error',
        key: run.key('checkpoint_hook.json'),
        field: 'out_dir',
        reason: expect.stringContaining(`${outputs.BucketName}, ${OUT_BUCKET}`),
      },
    ])
    await expectAnswers(run, outputs.BucketName)
  })

  it('that leads to a folder of another run is a problem, and nothing there is overwritten', async () => {
    const folder = freshFolder()
    const name = randomUUID().slice(0, 8)
    const [first, second] = [new Run(`e2e/first/${name}`), new Run(`e2e/second/${name}`)]
    await train(first, folder)
    const before = await listed(outputs.BucketName, `${folder}/`)
    await train(second, folder)
    expect(await listed(outputs.BucketName, `${folder}/`)).toEqual(before)
    expect(await second.problems()).toMatchObject([
      { field: 'out_dir', reason: expect.stringContaining(`claimed by the run "${first.name}"`) },
    ])
    expect(await first.problems()).toEqual([])
    await expectAnswers(first, outputs.BucketName)
    await expectAnswers(second, outputs.BucketName)
  })
})
