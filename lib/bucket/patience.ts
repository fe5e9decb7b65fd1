/** Calls that are made again where that may help, beyond what the SDK does itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isTransient, statusOf } from './bucket.ts'

/** Attempts, each of which is some of the SDK's own. */
const ATTEMPTS = 4
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 5_000

/**
 * Makes a call again after a 5xx, a 429, a lost answer, and a 409, which the SDK does not repeat. Only for
 * calls that do no more when they are made twice.
 *
 * @throws the last error, once the attempts are used up
 */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const mayHelp = isTransient(error) || statusOf(error) === 409
      if (!mayHelp || attempt === ATTEMPTS) throw error
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS)
      // Between half of it and all of it, so that parts that failed together do not come again together.
      await sleep(longest * (0.5 + Math.random() / 2))
    }
  }
}
