import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { marshall } from '@aws-sdk/util-dynamodb'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../lib/hook/names.ts'
import { keysByRun } from '../../lib/run/notification.ts'
import { settleRun } from '../../lib/run/settle.ts'
import { liveKeys, put } from '../lib/bucket/objects.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { itemsOf } from '../lib/message-hub/hub-table.ts'
import { checkpoint, drain, ledgerOf, RUN, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

interface Adopted {
  asked: boolean
  runs: {
    run: string
    is_known: boolean
    keys: string[]
    checkpoints: { step: number; fate: string }[]
    evicts: string[]
    makes: string[]
    best: { metric: string; score: string; step: number }[]
    last_step: number | null
  }[]
}

const store = storeOfFile()
let stack: StackOfTests

beforeEach(async () => {
  stack = await newStack(store)
})

/** Uploads of which the hub is told nothing. */
async function lie(run: string, files: Record<string, string | Uint8Array | object>) {
  for (const [name, content] of Object.entries(files)) {
    const isBody = typeof content === 'string' || content instanceof Uint8Array
    await put(stack.worker.bucket, `${run}/${name}`, isBody ? content : JSON.stringify(content))
  }
}

const TRAINING = {
  'checkpoint_hook.json': { max_keep_ckpts: 1, save_best: 'acc' },
  'epoch_1.pth': checkpoint('one'),
  'metrics/1.json': { epoch: 1, metrics: { acc: 0.9 } },
  'epoch_2.pth': checkpoint('two'),
  'metrics/2.json': { epoch: 2, metrics: { acc: 0.5 } },
}

/** `ingest` and `publish` work off what they were asked. */
async function workOff(): Promise<void> {
  for (;;) {
    const { Messages = [] } = await stack.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: stack.outputs['EventsQueueUrl'],
        MaxNumberOfMessages: 10,
      }),
    )
    if (Messages.length === 0) return drain(stack.worker)
    const bodies = Messages.map(({ Body: body = '' }, at) => ({ messageId: `${at}`, body }))
    for (const [run, { keys }] of keysByRun(bodies, '')) {
      await settleRun(stack.worker, run, { keys: [...keys] })
    }
  }
}

const live = () => liveKeys(stack.worker.bucket)

describe('adopting a prefix', () => {
  test('says by default what would come of it, and does nothing', async () => {
    await lie('exp/run', TRAINING)
    await lie('exp/other', { 'iter_5.pth': checkpoint('five'), 'notes.txt': 'mine' })
    const before = await live()
    const { asked, runs } = await jsonHere<Adopted>(['adopt', 'exp'], stack)
    expect(asked).toBe(false)
    const at = (key: string) => `s3://${stack.worker.bucket.name}/${key}`
    expect(runs.toSorted((a, b) => (a.run < b.run ? -1 : 1))).toMatchObject([
      { run: 'exp/other', is_known: false, keys: [at('exp/other/iter_5.pth')], last_step: 5 },
      {
        run: 'exp/run',
        keys: Object.keys(TRAINING)
          .map((name) => at(`exp/run/${name}`))
          .toSorted(),
        checkpoints: [
          { step: 1, fate: 'evicted' },
          { step: 2, fate: 'kept' },
        ],
        makes: [at('exp/run/best_acc_epoch_1.pth')],
        evicts: [at('exp/run/epoch_1.pth')],
        best: [{ metric: 'acc', score: '0.9', step: 1 }],
        last_step: 2,
      },
    ])
    expect(await live()).toEqual(before)
    expect((await itemsOf(stack.worker.hub, RUN)).size).toBe(0)
  })

  test('with --yes has the hub look: it ends as if each upload had been told of', async () => {
    await lie('exp/run', TRAINING)
    expect((await jsonHere<Adopted>(['adopt', 'exp', '--yes'], stack)).asked).toBe(true)
    await workOff()
    expect(await live()).toEqual(
      [
        'best_acc_epoch_1.pth',
        'checkpoint_hook.json',
        'epoch_2.pth',
        'last_checkpoint',
        'metrics/1.json',
        'metrics/2.json',
      ].map((name) => `exp/run/${name}`),
    )
    const { out } = await ckptHere(['adopt', 'exp'], stack)
    expect(out).toBe('The hub knows of everything that lies there.\n')
  })

  test('finds what was missed of a run that is known', async () => {
    await upload(stack.worker, { 'epoch_1.pth': checkpoint('one') })
    await lie('exp/run', { 'epoch_2.pth': checkpoint('two') })
    const { runs } = await jsonHere<Adopted>(['adopt', 'exp/run'], stack)
    expect(runs).toMatchObject([{ run: 'exp/run', is_known: true, last_step: 2 }])
    expect(runs[0]?.keys).toHaveLength(1)
  })

  test('is a table on a pipe', async () => {
    await lie('exp/run', TRAINING)
    const { out } = await ckptHere(['adopt', 'exp'], stack)
    const [heads, row] = out.split('\n').map((line) => line.split('\t'))
    expect(heads?.[0]).toBe('run')
    expect(row).toEqual(['exp/run', '5', '2', '1', '1', '1', '2', 'acc 0.9 at 1'])
  })

  test('of another bucket, or where nothing lies, or the stack does not look, is refused', async () => {
    const codeOf = async (text: string, on = stack) => {
      const { code, err } = await ckptHere(['adopt', text, '--json'], on)
      return [code, JSON.parse(err).error.code]
    }
    expect(await codeOf('s3://elsewhere/exp')).toEqual([2, 'other-bucket'])
    expect(await codeOf('nothing/here')).toEqual([3, 'not-found'])
    const settings = JSON.parse(stack.outputs['Settings'] ?? '')
    const narrow = await newStack(store, {
      Settings: JSON.stringify({ ...settings, key_prefix: 'mine/' }),
    })
    expect(await codeOf('exp', narrow)).toEqual([2, 'outside-prefix'])
  })
})

describe('rebuilding a run whose entries were lost', () => {
  test('ends with the same objects, and the same best and last', async () => {
    await upload(stack.worker, TRAINING)
    await drain(stack.worker)
    const [before, known] = [await live(), await ledgerOf(stack.worker)]
    await loseTable(RUN)
    expect((await jsonHere<Adopted>(['rebuild', 'exp/run', '--yes'], stack)).asked).toBe(true)
    await workOff()
    const after = await ledgerOf(stack.worker)
    expect(await live()).toEqual(before)
    expect(after.answers).toEqual(known.answers)
    expect(after.lastCheckpoint).toEqual(known.lastCheckpoint)
    expect(after.artifacts).toEqual(known.artifacts)
    expect(after.history.options).toEqual(known.history.options)
    const out = async () => (await ckptHere(['explain', 'exp/run'], stack)).out
    expect(await out()).toMatch(/epoch_1\.pth\tremoved/)
  })

  test('is refused where they are there', async () => {
    await upload(stack.worker, TRAINING)
    const { code, err } = await ckptHere(['rebuild', 'exp/run'], stack)
    expect(code).toBe(5)
    expect(err).toContain('ckpt adopt exp/run')
  })
})

async function loseTable(run: Run): Promise<void> {
  const { dynamodb, tableName } = stack.worker.hub
  for (const entry of (await itemsOf(stack.worker.hub, run)).keys()) {
    const Key = marshall({ run, entry })
    await dynamodb.send(new DeleteItemCommand({ TableName: tableName, Key }))
  }
}
