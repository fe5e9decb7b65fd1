/** A hub that hears of what a command says, as the functions of a stack do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { keysByRun } from '../../lib/run/notification.ts'
import { settleRun } from '../../lib/run/settle.ts'
import { liveKeys } from '../lib/bucket/objects.ts'
import type { TestWorker } from '../lib/run/worker.ts'

const PAUSE_MS = 100

/** Lets the hub work until something has ended. */
export async function whileAtWork<T>(worker: TestWorker, working: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  working.then(over, over)
  while (!isOver) {
    for (const key of await liveKeys(worker.bucket, '.checkpoint-hub/facts/')) {
      const body = JSON.stringify({ look: [key] })
      for (const [run, { keys }] of keysByRun([{ messageId: '1', body }], '')) {
        await settleRun(worker, run, { keys: [...keys] })
      }
    }
    await sleep(PAUSE_MS)
  }
  return working
}
