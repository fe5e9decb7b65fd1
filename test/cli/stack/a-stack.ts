/** A stack that has a bucket, a table and queues, and no functions: enough for who asks it. */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { CREDENTIALS, endpointVariables, REGION } from '../../../local/environment.ts'
import type { Store } from '../../lib/bucket/store.ts'
import { newWorker, type TestWorker } from '../../lib/run/worker.ts'

export interface StackOfTests {
  readonly name: string
  /** Works on the stack's bucket and table; its Jobs queue is a list. */
  readonly worker: TestWorker
  readonly sqs: SQSClient
  readonly outputs: Readonly<Record<string, string>>
  /** What a command is told to find the stack. */
  readonly env: Readonly<Record<string, string>>
}

let stacks = 0

/** The settings that a stack has of itself. */
const SETTINGS = {
  hook_arguments: { interval: 1 },
  noncurrent_days: 30,
  brake: 10,
  key_prefix: '',
  out_buckets: [],
}

/** Makes a stack in an emulator, with a bucket, a table and queues of its own. */
export async function newStack(
  store: Store,
  change: Readonly<Record<string, string | undefined>> = {},
): Promise<StackOfTests> {
  stacks += 1
  const name = `Hub-${stacks}`
  const worker = await newWorker(store)
  const config = { endpoint: store.endpoint, region: REGION, credentials: CREDENTIALS }
  const sqs = new SQSClient(config)
  const queue = async (title: string) => {
    const made = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-${title}` }))
    return made.QueueUrl ?? ''
  }
  const outputs = {
    BucketName: worker.bucket.name,
    TableName: worker.hub.tableName,
    EventsQueueUrl: await queue('events'),
    EventsDlqUrl: await queue('events-dlq'),
    JobsQueueUrl: await queue('jobs'),
    JobsDlqUrl: await queue('jobs-dlq'),
    Settings: JSON.stringify(SETTINGS),
  }
  await createStack(store, name, { ...outputs, ...change })
  const env = { ...endpointVariables(store.endpoint), CKPT_STACK: name }
  return { name, worker, sqs, outputs, env }
}

/** Makes a stack that says of itself what is given. */
async function createStack(
  { endpoint }: Store,
  name: string,
  outputs: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const cloudformation = new CloudFormationClient({
    endpoint,
    region: REGION,
    credentials: CREDENTIALS,
  })
  const said = Object.entries(outputs).filter(([, value]) => value !== undefined)
  const template = {
    Resources: { Nothing: { Type: 'AWS::CloudFormation::WaitConditionHandle' } },
    Outputs: Object.fromEntries(said.map(([key, Value]) => [key, { Value }])),
  }
  await cloudformation.send(
    new CreateStackCommand({ StackName: name, TemplateBody: JSON.stringify(template) }),
  )
  for (;;) {
    const found = await cloudformation.send(new DescribeStacksCommand({ StackName: name }))
    if (found.Stacks?.[0]?.StackStatus === 'CREATE_COMPLETE') return
    await sleep(20)
  }
}
