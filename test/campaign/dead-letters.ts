/** Sends what is in a dead-letter queue once more, as a person does after the faults are gone. */
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { StackOutputs } from '../../local/cloud.ts'

/** Re-drives both queues; returns how many messages that were. */
export async function redrive(sqs: SQSClient, outputs: StackOutputs): Promise<number> {
  const events = await redriveOne(sqs, outputs.EventsDlqUrl, outputs.EventsQueueUrl)
  return events + (await redriveOne(sqs, outputs.JobsDlqUrl, outputs.JobsQueueUrl))
}

async function redriveOne(sqs: SQSClient, from: string, to: string): Promise<number> {
  for (let count = 0; ; ) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: from, MaxNumberOfMessages: 10 }),
    )
    if (Messages.length === 0) return count
    for (const { Body, ReceiptHandle } of Messages) {
      await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: Body }))
      await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }))
      count += 1
    }
  }
}
