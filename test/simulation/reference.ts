/**
 * How a schedule should end, computed apart: what the trainer uploaded, and nothing else, is laid out before the
 * hub at once, in the order of the history, in a world without time, faults and company.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Run } from '../../lib/hook/names.ts'
import { carryOutJob, parseJob } from '../../lib/run/job.ts'
import { settleRun } from '../../lib/run/settle.ts'
import { DynamodbModel } from './dynamodb/dynamodb-model.ts'
import { S3Model } from './s3/s3-model.ts'
import type { Version } from './s3/versions.ts'
import type { Schedule } from './schedule.ts'
import { BUCKET, workerOver } from './world.ts'

/** Both services at the end. */
export interface Services {
  readonly s3: S3Model
  readonly dynamodb: DynamodbModel
}

const ALL = { pageRows: 1000, computesHashes: true, pageItems: 1000, indexLagMs: 0 }
const MOST_JOBS = 200

interface Command {
  readonly input: object
}

/**
 * Settles groups of facts, each group once all before it is settled.
 *
 * @param groups versions and delete markers that the trainer made, those of one key in their order
 * @returns nothing where jobs go on and on
 */
export async function settleInGroups(
  schedule: Schedule,
  groups: readonly (readonly Version[])[],
  nowMs: number,
): Promise<Services | undefined> {
  const now = () => nowMs
  const s3 = new S3Model(BUCKET, now, ALL)
  const dynamodb = new DynamodbModel(now, ALL)
  const queue: string[] = []
  const worker = workerOver(schedule, clientsOf(s3, dynamodb, queue), () =>
    Math.floor(nowMs / 1000),
  )
  for (const group of groups.filter(({ length }) => length > 0)) {
    // In the order that they have in their bucket.
    for (const version of group) s3.versions.append(version)
    const keys = group.toSorted((a, b) => a.createdMs - b.createdMs).map(({ key }) => key)
    await settleRun(worker, schedule.run as Run, { keys: [...new Set(keys)] })
    for (let done = 0; queue.length > 0; done++) {
      if (done > MOST_JOBS) return undefined
      await carryOutJob(worker, parseJob(queue.shift() ?? ''))
    }
  }
  return { s3, dynamodb }
}

/** Clients that are answered at once. */
function clientsOf(s3: S3Model, dynamodb: DynamodbModel, queue: string[]) {
  const send = (apply: (name: string, input: object) => object) => async (command: Command) =>
    apply(command.constructor.name.replace(/Command$/, ''), command.input)
  return {
    s3: { send: send((name, input) => s3.apply(name, input, 'hub')) } as unknown as S3Client,
    dynamodb: Object.assign(Object.create(DynamoDBClient.prototype), {
      send: send((name, input) => dynamodb.apply(name, input)),
    }) as DynamoDBClient,
    sqs: {
      send: send((_, input) => {
        queue.push(String((input as { MessageBody?: string }).MessageBody))
        return {}
      }),
    } as unknown as SQSClient,
  }
}
