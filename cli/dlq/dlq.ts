/** `ckpt dlq`: lists what could not be worked off, or sends it back. */
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { isoTime, readableTime } from '../output/times.ts'
import type { Stack } from '../stack/stack.ts'
import {
  type DeadLetterQueue,
  type DeadMessage,
  putBack,
  sendBack,
  takeAll,
} from './dead-messages.ts'

/** Lists the dead letters of both queues; they stay where they are. */
export async function listDeadLetters(stack: Stack, terminal: Terminal): Promise<void> {
  const all = await eachQueue(stack, async (queue) => {
    const found: DeadMessage[] = []
    try {
      await takeAll(queue, async (messages) => {
        found.push(...messages)
      })
    } finally {
      for (const message of found) await putBack(queue, message)
    }
    return found
  })
  const inTime = all.toSorted((a, b) => a.sentSeconds - b.sentSeconds)
  terminal.answer({ messages: inTime.map(jsonOf) }, () => {
    if (inTime.length === 0) return 'No message failed: both dead-letter queues are empty.'
    return tableOfMessages(terminal, inTime)
  })
}

/** Sends the dead letters of both queues back to their functions. */
export async function redriveDeadLetters(stack: Stack, terminal: Terminal): Promise<void> {
  const sent = await eachQueue(stack, async (queue) => {
    const done: DeadMessage[] = []
    await takeAll(queue, async (messages) => {
      for (const [at, message] of messages.entries()) {
        try {
          await sendBack(queue, message)
        } catch (error) {
          // Those that are still here are to be seen at once by whoever tries again.
          for (const left of messages.slice(at)) await putBack(queue, left)
          throw error
        }
        done.push(message)
      }
    })
    return done
  })
  terminal.answer({ redriven: sent.map(jsonOf) }, () => {
    if (sent.length === 0) return 'Nothing to send back: both dead-letter queues are empty.'
    const count = sent.length === 1 ? 'A message was' : `${sent.length} messages were`
    return `${tableOfMessages(terminal, sent)}\n\n${count} sent back. Those that fail again come back here.`
  })
}

/** Both at a time: an empty queue takes a second to say so. */
async function eachQueue(
  stack: Stack,
  work: (queue: DeadLetterQueue) => Promise<DeadMessage[]>,
): Promise<DeadMessage[]> {
  return (await Promise.all(queuesOf(stack).map(work))).flat()
}

function queuesOf({ queues }: Stack): DeadLetterQueue[] {
  const { sqs, eventsUrl, eventsDlqUrl, jobsUrl, jobsDlqUrl } = queues
  return [
    { name: 'events', sqs, queueUrl: eventsUrl, deadLettersUrl: eventsDlqUrl },
    { name: 'jobs', sqs, queueUrl: jobsUrl, deadLettersUrl: jobsDlqUrl },
  ]
}

const UNSAID = 'not said: the function ended before it could (time-out, memory)'

function tableOfMessages(terminal: Terminal, messages: readonly DeadMessage[]): string {
  return tableOf(
    terminal,
    ['since', 'queue', 'run', 'key', 'reason'],
    messages.map(({ sentSeconds, queue, run = '', key = '', reason = UNSAID }) => [
      readableTime(sentSeconds),
      queue,
      run,
      key,
      reason,
    ]),
  )
}

function jsonOf({ queue, messageId, run, key, reason, sentSeconds, body }: DeadMessage): object {
  return {
    queue,
    message_id: messageId,
    run: run ?? null,
    key: key ?? null,
    reason: reason ?? null,
    since: isoTime(sentSeconds),
    body,
  }
}
