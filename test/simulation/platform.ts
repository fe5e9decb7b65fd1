/**
 * What of Node's own the code under test reaches past its arguments: pauses, time-outs and chance. They are put
 * in place of Node's for as long as a schedule runs; `syncBuiltinESMExports` makes that so for whoever imported
 * them by name, so that the code stays as it is.
 */
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import type { Chance } from '../oracle/chance.ts'
import type { Timeline } from './timeline.ts'

/**
 * Runs something in simulated time, with chance from a seed.
 *
 * @param work must come to rest before it ends: what it leaves waiting never goes on
 */
export async function inSimulatedTime<T>(
  timeline: Timeline,
  chance: Chance,
  work: () => Promise<T>,
): Promise<T> {
  const { setTimeout, clearTimeout } = globalThis
  const { random } = Math
  const sleep = timers.setTimeout
  const pause = (delayMs = 0): Promise<undefined> =>
    new Promise((resolve) => timeline.after(delayMs, () => resolve(undefined)))
  const later = (callback: () => void, delayMs = 0) => timeline.after(delayMs, callback)
  const cancel = (entry: { cancelled: boolean } | undefined) => {
    if (entry !== undefined) entry.cancelled = true
  }
  try {
    Object.assign(timers, { setTimeout: pause })
    Object.assign(globalThis, { setTimeout: later, clearTimeout: cancel })
    Math.random = () => chance.next()
    syncBuiltinESMExports()
    return await work()
  } finally {
    Object.assign(timers, { setTimeout: sleep })
    Object.assign(globalThis, { setTimeout, clearTimeout })
    Math.random = random
    syncBuiltinESMExports()
  }
}
