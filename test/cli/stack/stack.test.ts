import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Failure } from '../../../cli/failure.ts'
import { loadNamedRun, nearest, runNamed } from '../../../cli/stack/run.ts'
import { connectStack } from '../../../cli/stack/stack.ts'
import type { Run } from '../../../lib/hook/names.ts'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'
import { type StartedStore, startStore } from '../../lib/bucket/store.ts'
import { putByHand } from '../../lib/message-hub/hub-table.ts'
import { checkpoint, upload } from '../../lib/run/worker.ts'
import { newStack, type StackOfTests } from './a-stack.ts'

let store: StartedStore
let made: StackOfTests
const before = { ...process.env }

beforeAll(async () => {
  store = await startStore()
  made = await newStack(store)
  delete process.env['CKPT_STACK']
  process.env['AWS_ACCESS_KEY_ID'] = CREDENTIALS.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = CREDENTIALS.secretAccessKey
})
afterEach(() => {
  delete process.env['CKPT_STACK']
})
afterAll(async () => {
  process.env = before
  await store?.stop()
})

describe('a stack', () => {
  test('is found by its name, with its bucket, table, queues and settings', async () => {
    const stack = await connect({ stack: made.name })
    expect(stack).toMatchObject({
      name: made.name,
      region: REGION,
      bucket: { name: made.outputs['BucketName'] },
      hub: {
        tableName: made.outputs['TableName'],
        stackArguments: { interval: 1 },
        setting: { bucket: made.outputs['BucketName'], noncurrentDays: 30 },
      },
      queues: {
        eventsUrl: made.outputs['EventsQueueUrl'],
        eventsDlqUrl: made.outputs['EventsDlqUrl'],
        jobsUrl: made.outputs['JobsQueueUrl'],
        jobsDlqUrl: made.outputs['JobsDlqUrl'],
      },
      reach: { keyPrefix: '', outBuckets: [] },
      brake: 10,
    })
  })

  test('is the one that CKPT_STACK names, unless --stack names another', async () => {
    const other = await newStack(store)
    process.env['CKPT_STACK'] = made.name
    expect((await connect({})).name).toBe(made.name)
    expect((await connect({ stack: other.name })).name).toBe(other.name)
  })
})

describe('no stack', () => {
  test('of that name: region and account are said, and which there are', async () => {
    const failure = await failureOf(connect({}))
    expect(failure).toMatchObject({ kind: 'not-found', code: 'no-stack' })
    expect(failure.message).toBe(
      'there is no stack "CheckpointHub" in the region us-east-1 of the account 000000000000',
    )
    expect(failure.advice).toContain(made.name)
    expect(failure.advice).toContain('--stack')
  })

  test('at all: it is said how to deploy one', async () => {
    const failure = await failureOf(connect({ region: 'eu-north-1' }))
    expect(failure.message).toContain('in the region eu-north-1 of ')
    expect(failure.advice).toContain('npm run deploy')
  })

  test('without a region: nothing is assumed', async () => {
    const failure = await failureOf(connectStack({ endpointUrl: store.endpoint }))
    expect(failure).toMatchObject({ kind: 'usage', code: 'no-region' })
  })

  test.each([
    ['says nothing of its settings', { Settings: undefined }, 'it does not say Settings'],
    [
      'has settings of another kind',
      { Settings: '{"brake":"ten"}' },
      'its Settings cannot be read',
    ],
    ['has arguments that no hook takes', { Settings: JSON.stringify(WRONG()) }, 'max_keep_ckpts'],
  ])('of this release: one that %s is told from it', async (_, change, words) => {
    const { name } = await newStack(store, change)
    const failure = await failureOf(connect({ stack: name }))
    expect(failure).toMatchObject({ kind: 'failed', code: 'older-stack' })
    expect(failure.message).toContain(words)
    expect(failure.advice).toContain('deploy it again')
  })
})

describe('a run', () => {
  test('is named by its prefix, or by its place in the bucket', async () => {
    const stack = await connect({ stack: made.name })
    for (const text of ['exp/run', 'exp/run/', `s3://${stack.bucket.name}/exp/run`]) {
      expect(runNamed(stack, text)).toBe('exp/run')
    }
    expect(runNamed(stack, `s3://${stack.bucket.name}/`)).toBe('.')
  })

  test('of another bucket is none of the stack’s', async () => {
    const stack = await connect({ stack: made.name })
    expect(() => runNamed(stack, 's3://elsewhere/exp/run')).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'other-bucket' }),
    )
  })

  test('that the hub knows is read', async () => {
    await upload(made.worker, { 'epoch_1.pth': checkpoint('one') })
    const stack = await connect({ stack: made.name })
    expect((await loadNamedRun(stack, 'exp/run/')).ledger.history.steps.size).toBe(1)
  })

  test('that it does not know: names that are near are said', async () => {
    await upload(made.worker, { 'epoch_1.pth': checkpoint('one') })
    const stack = await connect({ stack: made.name })
    const failure = await failureOf(loadNamedRun(stack, 'exp/rum'))
    expect(failure).toMatchObject({ kind: 'not-found', code: 'no-run' })
    expect(failure.message).toBe(`s3://${stack.bucket.name}/exp/rum: the hub knows no such run`)
    expect(failure.advice).toBe('Near to it: exp/run')
  })

  test('that is a folder of out_dir: the run that has it is said', async () => {
    await putByHand(made.worker.hub, { run: 'exports/run', entry: 'claim', by: 'exp/run' })
    const stack = await connect({ stack: made.name })
    const failure = await failureOf(loadNamedRun(stack, 'exports/run'))
    expect(failure.advice).toContain('exp/run')
  })

  test('that nobody uploaded, in a new stack: it is said that there is none', async () => {
    const { name } = await newStack(store)
    const stack = await connect({ stack: name })
    expect((await failureOf(loadNamedRun(stack, 'a'))).advice).toContain('none yet')
  })
})

describe('names that are near', () => {
  test.each([
    ['digits', ['work_dirs/digits', 'other'], ['work_dirs/digits']],
    ['a/work_dirs/digits', ['work_dirs/digits'], ['work_dirs/digits']],
    [
      'work_dirs/Digitss',
      ['x', 'work_dirs/digits', 'work_dirs/digit'],
      ['work_dirs/digits', 'work_dirs/digit'],
    ],
    ['a', ['completely/else'], []],
  ])('to %s among %j: %j', (asked, known, near) => {
    expect(nearest(asked as Run, known as Run[])).toEqual(near)
  })

  test('are three at most', () => {
    const known = ['run-1', 'run-2', 'run-3', 'run-4'] as Run[]
    expect(nearest('run-5' as Run, known)).toHaveLength(3)
  })
})

function connect(options: { stack?: string; region?: string }) {
  return connectStack({ region: REGION, endpointUrl: store.endpoint, ...options })
}

function WRONG() {
  return {
    hook_arguments: { max_keep_ckpts: 'many' },
    noncurrent_days: 30,
    brake: 10,
    key_prefix: '',
    out_buckets: [],
  }
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Failure) return error
  throw new Error(`no failure: ${String(error)}`)
}
