/**
 * Checkpoint Hub as one construct: a bucket, two queues, a table and four functions.
 *
 *     upload → bucket → Events queue → ingest ⇄ message hub
 *                                        └→ Jobs queue → publish
 *     query (function URL, IAM)     sweep (schedule)
 */
import { Duration, Stack } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import {
  EventSourceMapping,
  type FunctionUrl,
  FunctionUrlAuthType,
  type Function as LambdaFunctionResource,
} from 'aws-cdk-lib/aws-lambda'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { acknowledgeFindings } from './acknowledgements.ts'
import { announceObjects, bucketOf } from './bucket.ts'
import { hubFunction } from './functions.ts'
import { messageHubTableOf } from './message-hub-table.ts'
import type { FunctionName } from './permissions.ts'
import { MAX_RECEIVE_COUNT, WorkQueue } from './queues.ts'
import type { Settings } from './settings.ts'

/** SQS hands over at most ten messages at once without a longer batching window. */
const EVENTS_BATCH_SIZE = 10
/** Uploads of one moment are folded together, and cost one transaction instead of ten. */
const EVENTS_BATCHING_WINDOW_SECONDS = 1
/** Lambda gives a whole virtual processor from here on (Lambda quotas). */
const ONE_VCPU_MB = 1769

export class CheckpointHub extends Construct {
  readonly bucket: Bucket
  readonly table: Table
  readonly events: WorkQueue
  readonly jobs: WorkQueue
  readonly functions: Readonly<Record<FunctionName, LambdaFunctionResource>>
  readonly queryUrl: FunctionUrl

  constructor(scope: Construct, id: string, settings: Omit<Settings, 'stackName'>) {
    super(scope, id)
    this.table = messageHubTableOf(this, settings.deletionProtection)
    this.events = new WorkQueue(this, 'Events', settings.ingestTimeoutSeconds)
    this.jobs = new WorkQueue(this, 'Jobs', settings.publishTimeoutSeconds)
    this.bucket = bucketOf(this, settings.noncurrentDays)
    announceObjects(this.bucket, this.events.queue, settings.keyPrefix)

    const { keyPrefix } = settings
    const objectKeys = keyPrefix === '' ? ['*'] : [`${keyPrefix}*`, '.checkpoint-hub/*']
    const { partition } = Stack.of(this)
    const outBuckets = settings.outBuckets.map((name) => `arn:${partition}:s3:::${name}`)
    const shared = {
      arns: {
        bucket: [this.bucket.bucketArn],
        objects: objectKeys.map((keys) => this.bucket.arnForObjects(keys)),
        'out-buckets': outBuckets,
        'out-objects': outBuckets.map((arn) => `${arn}/*`),
        table: [this.table.tableArn],
        'index/runs': [`${this.table.tableArn}/index/runs`],
        'index/leaderboard': [`${this.table.tableArn}/index/leaderboard`],
        'index/outbox': [`${this.table.tableArn}/index/outbox`],
        'events-queue': [this.events.queue.queueArn],
        'events-dlq': [this.events.deadLetters.queueArn],
        'jobs-queue': [this.jobs.queue.queueArn],
        'jobs-dlq': [this.jobs.deadLetters.queueArn],
      },
      keyPrefix,
      logRetentionDays: settings.logRetentionDays,
    }
    const environment = {
      TABLE_NAME: this.table.tableName,
      BUCKET_NAME: this.bucket.bucketName,
      KEY_PREFIX: keyPrefix,
      OUT_BUCKETS: settings.outBuckets.join(','),
      ALLOWED_GLOBALS: settings.allowedGlobals.join(','),
      DEFAULT_HOOK_ARGUMENTS: JSON.stringify(settings.hookArguments),
      NONCURRENT_DAYS: String(settings.noncurrentDays),
      BRAKE: String(settings.brake),
      PUBLISH_TIMEOUT_SECONDS: String(settings.publishTimeoutSeconds),
    }
    const jobsQueue = { JOBS_QUEUE_URL: this.jobs.queue.queueUrl }
    const eventsQueue = { EVENTS_QUEUE_URL: this.events.queue.queueUrl }
    const takesFrom = ({ queue, deadLetters }: WorkQueue) => ({
      SOURCE_QUEUE_URL: queue.queueUrl,
      DEAD_LETTERS_URL: deadLetters.queueUrl,
      MAX_RECEIVES: String(MAX_RECEIVE_COUNT),
    })
    this.functions = {
      ingest: hubFunction(this, 'ingest', {
        ...shared,
        environment: { ...environment, ...jobsQueue, ...takesFrom(this.events) },
        timeoutSeconds: settings.ingestTimeoutSeconds,
        memoryMb: 512,
      }),
      publish: hubFunction(this, 'publish', {
        ...shared,
        environment: { ...environment, ...jobsQueue, ...takesFrom(this.jobs) },
        timeoutSeconds: settings.publishTimeoutSeconds,
        memoryMb: ONE_VCPU_MB,
      }),
      query: hubFunction(this, 'query', {
        ...shared,
        environment,
        timeoutSeconds: settings.queryTimeoutSeconds,
        memoryMb: 512,
      }),
      sweep: hubFunction(this, 'sweep', {
        ...shared,
        environment: { ...environment, ...jobsQueue, ...eventsQueue },
        timeoutSeconds: settings.sweepTimeoutSeconds,
        memoryMb: 512,
      }),
    }

    // The mapping alone: `addEventSource` would grant the role more than it needs.
    new EventSourceMapping(this, 'EventsToIngest', {
      target: this.functions.ingest,
      eventSourceArn: this.events.queue.queueArn,
      batchSize: EVENTS_BATCH_SIZE,
      maxBatchingWindow: Duration.seconds(EVENTS_BATCHING_WINDOW_SECONDS),
      reportBatchItemFailures: true,
      maxConcurrency: settings.ingestConcurrency,
    })
    new EventSourceMapping(this, 'JobsToPublish', {
      target: this.functions.publish,
      eventSourceArn: this.jobs.queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: settings.publishConcurrency,
    })
    this.queryUrl = this.functions.query.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM })
    new Rule(this, 'SweepSchedule', {
      schedule: Schedule.rate(Duration.minutes(settings.sweepMinutes)),
      targets: [new LambdaFunction(this.functions.sweep)],
    })
    acknowledgeFindings(this, objectKeys, settings.outBuckets)
  }
}
