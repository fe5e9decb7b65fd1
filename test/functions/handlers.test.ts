import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Context, LambdaFunctionURLEvent, SQSEvent } from 'aws-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Run } from '../../lib/hook/names.ts'
import { CREDENTIALS, endpointVariables, REGION } from '../../local/environment.ts'
import { liveKeys, put, textAt } from '../lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../lib/bucket/store.ts'
import { itemsOf, putByHand } from '../lib/message-hub/hub-table.ts'
import { checkpoint, drain, newWorker, RUN, type TestWorker, upload } from '../lib/run/worker.ts'

/** As much as the function reads of it. */
const CONTEXT = { getRemainingTimeInMillis: () => 900_000 } as Context
let store: StartedStore
let worker: TestWorker
let logged: string[]
let sqs: SQSClient
let queues = 0
let deadLettersUrl: string

beforeAll(async () => {
  store = await startStore()
  sqs = new SQSClient({ endpoint: store.endpoint, region: REGION, credentials: CREDENTIALS })
})
afterAll(() => store?.stop())
beforeEach(async () => {
  worker = await newWorker(store)
  logged = []
  for (const level of ['log', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((line) => logged.push(String(line)))
  }
  vi.unstubAllEnvs()
  vi.resetModules()
  const environment = {
    ...endpointVariables(store.endpoint),
    BUCKET_NAME: worker.bucket.name,
    TABLE_NAME: worker.hub.tableName,
    JOBS_QUEUE_URL: `${store.endpoint}/000000000000/jobs`,
    DEFAULT_HOOK_ARGUMENTS: '{"interval": 1}',
    NONCURRENT_DAYS: '30',
    BRAKE: '10',
    PUBLISH_TIMEOUT_SECONDS: '900',
    DEAD_LETTERS_URL: await newQueue(),
    MAX_RECEIVES: '5',
    SOURCE_QUEUE_URL: deadLettersUrl,
    EVENTS_QUEUE_URL: deadLettersUrl,
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
})
afterAll(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('ingest', () => {
  test('settles the runs of a batch and reports no failure', async () => {
    const { handler } = await import('../../functions/ingest.ts')
    await put(worker.bucket, 'a b/epoch_1.pth', checkpoint('one'))
    await put(worker.bucket, 'c/epoch_1.pth', checkpoint('two'))
    const event = batch(
      '{"Event": "s3:TestEvent"}',
      notification('a+b/epoch_1.pth'),
      notification('c/epoch_1.pth'),
      'garbage',
    )
    expect(await handler(event, CONTEXT)).toEqual({ batchItemFailures: [] })
    expect(await textAt(worker.bucket, 'a b/last_checkpoint')).toMatch(/a b\/epoch_1\.pth$/)
    expect(await textAt(worker.bucket, 'c/last_checkpoint')).toMatch(/c\/epoch_1\.pth$/)
    expect(logged).toEqual([])
  })

  test('reports the messages of the run that failed, and no others', async () => {
    const { handler } = await import('../../functions/ingest.ts')
    await poison('poisoned' as Run)
    await put(worker.bucket, 'poisoned/epoch_2.pth', checkpoint('two'))
    await put(worker.bucket, 'healthy/epoch_1.pth', checkpoint('three'))
    const event = batch(
      notification('poisoned/epoch_2.pth'),
      notification('healthy/epoch_1.pth'),
      notification('healthy/epoch_1.pth', 'poisoned/epoch_2.pth'),
    )
    expect(await handler(event, CONTEXT)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-2' }],
    })
    expect(await textAt(worker.bucket, 'healthy/last_checkpoint')).toMatch(/epoch_1\.pth$/)
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      {
        level: 'error',
        run: 'poisoned',
        keys: ['poisoned/epoch_2.pth'],
        reason: expect.stringContaining('run "poisoned", entry runtime_info, field version'),
      },
    ])
  })

  test('puts what fails for the last time into the dead letters, with run, key and reason', async () => {
    const { handler } = await import('../../functions/ingest.ts')
    await poison('poisoned' as Run)
    const body = notification('poisoned/epoch_2.pth')
    expect(
      await handler(forTheLastTime(batch(body, notification('well/epoch_1.pth'))), CONTEXT),
    ).toEqual({
      batchItemFailures: [],
    })
    expect(await deadLetters()).toEqual([
      {
        body,
        run: 'poisoned',
        key: 'poisoned/epoch_2.pth',
        reason: expect.stringContaining('entry runtime_info, field version'),
      },
    ])
  })

  test('begins no other run once its time is nearly over: those messages come again', async () => {
    const { handler } = await import('../../functions/ingest.ts')
    for (const run of ['a', 'b']) await put(worker.bucket, `${run}/epoch_1.pth`, checkpoint('one'))
    const hurried = { getRemainingTimeInMillis: () => 5_000 } as Context
    const event = batch(notification('a/epoch_1.pth'), notification('b/epoch_1.pth'))
    const answer = await handler(event, hurried)
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] })
    expect((await itemsOf(worker.hub, 'b' as Run)).size).toBe(0)
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([
      { run: 'b', reason: expect.stringContaining('OutOfTime') },
    ])
  })

  test('leaves keys outside its prefix alone', async () => {
    vi.stubEnv('KEY_PREFIX', 'mine/')
    const { handler } = await import('../../functions/ingest.ts')
    for (const run of ['mine/a', 'other/a']) {
      await put(worker.bucket, `${run}/epoch_1.pth`, checkpoint('one'))
    }
    await handler(batch(notification('mine/a/epoch_1.pth', 'other/a/epoch_1.pth')), CONTEXT)
    expect((await liveKeys(worker.bucket)).filter((key) => key.includes('last'))).toEqual([
      'mine/a/last_checkpoint',
    ])
  })

  test('does not start without its environment, and says which variable is missing', async () => {
    vi.stubEnv('TABLE_NAME', '')
    await expect(import('../../functions/ingest.ts')).rejects.toThrow(
      'environment variable TABLE_NAME: is not set',
    )
  })
})

describe('publish', () => {
  test('makes what a job asks for, and reports the messages that are none', async () => {
    const { handler } = await import('../../functions/publish.ts')
    await uploadBest()
    const [job] = worker.queue
    const event = batch('hello', JSON.stringify(job), '{"run": 1}')
    expect(await handler(event, CONTEXT)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-2' }],
    })
    expect(await liveKeys(worker.bucket, `${RUN}/best`)).toEqual([`${RUN}/best_acc_epoch_1.pth`])
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', job: 'hello', reason: expect.stringContaining('got hello') },
      { level: 'error', job: '{"run": 1}' },
    ])
  })
})

describe('publish, of a job that fails for the last time,', () => {
  test('puts it into the dead letters with the run and the key of its effect', async () => {
    await uploadBest()
    const body = JSON.stringify(worker.queue[0])
    // No answer from S3, as when the network is down.
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1')
    const { handler } = await import('../../functions/publish.ts')
    expect(await handler(forTheLastTime(batch(body)), CONTEXT)).toEqual({ batchItemFailures: [] })
    expect(await deadLetters()).toEqual([
      { body, run: RUN, key: `${RUN}/best_acc_epoch_1.pth`, reason: expect.stringMatching(/./) },
    ])
  })

  test('puts a message that is no job there with the text that was found', async () => {
    const { handler } = await import('../../functions/publish.ts')
    await handler(forTheLastTime(batch('hello')), CONTEXT)
    expect(await deadLetters()).toEqual([
      { body: 'hello', run: undefined, key: undefined, reason: expect.stringContaining('hello') },
    ])
  })
})

describe('sweep', () => {
  test('reports what it did', async () => {
    const { handler } = await import('../../functions/sweep.ts')
    const done = { settled: [], failed: [], more: false, aborted: 0 }
    const report = { ...done, listed: 0, lost: 0, lostKeys: [], round: 'done' }
    expect(await handler()).toEqual(report)
    expect(logged.map((line) => JSON.parse(line))).toEqual([{ level: 'info', ...report }])
  })

  test('begins a round through the bucket when it is asked to, and not before it is due else', async () => {
    const { handler } = await import('../../functions/sweep.ts')
    await handler()
    expect(await handler({ 'detail-type': 'Scheduled Event' })).toMatchObject({ round: 'not due' })
    expect(await handler({ begin: true })).toMatchObject({ round: 'done' })
  })
})

describe('query', () => {
  test('answers from the hub, with a URL that its own client signed', async () => {
    const { handler } = await import('../../functions/query.ts')
    await uploadBest()
    await drain(worker)
    const { statusCode, body } = await handler(request('/best', { run: RUN }))
    expect(statusCode).toBe(200)
    const { url, score } = JSON.parse(body)
    expect(score).toBe('1')
    expect((await fetch(url)).status).toBe(200)
  })

  test('answers a request without parameters', async () => {
    const { handler } = await import('../../functions/query.ts')
    expect((await handler(request('/'))).statusCode).toBe(200)
    expect((await handler(request('/run'))).statusCode).toBe(400)
    expect((await handler(request('/runs', {}, 'POST'))).statusCode).toBe(405)
  })
})

/** Every event of the run fails from now on. */
async function poison(run: Run): Promise<void> {
  await upload(worker, { 'epoch_1.pth': checkpoint('one') }, run)
  const info = (await itemsOf(worker.hub, run)).get('runtime_info')
  await putByHand(worker.hub, { ...info, version: 'x' })
}

async function newQueue(): Promise<string> {
  queues += 1
  const made = await sqs.send(new CreateQueueCommand({ QueueName: `dead-letters-${queues}` }))
  deadLettersUrl = made.QueueUrl ?? ''
  return deadLettersUrl
}

async function deadLetters() {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: deadLettersUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
    }),
  )
  return Messages.map(({ Body: body, MessageAttributes: said }) => ({
    body,
    run: said?.['run']?.StringValue,
    key: said?.['key']?.StringValue,
    reason: said?.['reason']?.StringValue,
  }))
}

function uploadBest() {
  return upload(worker, {
    'checkpoint_hook.json': { save_best: 'acc' },
    'epoch_1.pth': checkpoint('one'),
    'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
  })
}

function notification(...keys: string[]): string {
  return JSON.stringify({ Records: keys.map((key) => ({ s3: { object: { key } } })) })
}

/** An event of SQS, as far as the functions read it. */
function batch(...bodies: string[]): SQSEvent {
  const attributes = { ApproximateReceiveCount: '1' }
  const records = bodies.map((body, at) => ({ messageId: `message-${at}`, body, attributes }))
  return { Records: records } as SQSEvent
}

function forTheLastTime({ Records }: SQSEvent): SQSEvent {
  const attributes = { ApproximateReceiveCount: '5' }
  return { Records: Records.map((record) => ({ ...record, attributes })) } as SQSEvent
}

function request(
  path: string,
  queryStringParameters?: Record<string, string>,
  method = 'GET',
): LambdaFunctionURLEvent {
  const http = { method, path }
  return { requestContext: { http }, queryStringParameters } as LambdaFunctionURLEvent
}
