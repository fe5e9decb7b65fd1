/** The two queues, Events and Jobs: each hands its messages to one function, and has a dead-letter queue. */
import { Duration, Stack } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

/** AWS asks for a visibility time-out of six times the function's (Lambda guide, SQS event sources). */
const VISIBILITY_PER_TIMEOUT = 6
/** How often a message is handed to its function before it goes to the dead letters. */
export const MAX_RECEIVE_COUNT = 5
/** The longest that SQS keeps a message: time for a person to look. */
const DLQ_RETENTION_DAYS = 14

/** A queue whose messages one function takes, and where those go that it cannot take. */
export class WorkQueue extends Construct {
  readonly queue: Queue
  readonly deadLetters: Queue

  /** @param timeoutSeconds the time-out of the function that takes the messages, in seconds */
  constructor(scope: Construct, id: string, timeoutSeconds: number) {
    super(scope, id)
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(DLQ_RETENTION_DAYS),
    })
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(timeoutSeconds * VISIBILITY_PER_TIMEOUT),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
    })
  }
}

/**
 * Lets S3 send to the queue, for buckets of this account only.
 *
 * The bucket itself cannot be named: it waits for this policy, and has no name before it is made.
 */
export function allowAnnouncements(queue: Queue): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AnnounceObjects',
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(queue).account } },
    }),
  )
}
