/** The time that a function has left. */

/** Milliseconds until whoever runs this ends it. */
export type TimeLeft = () => number

/** For tests and commands, which nobody ends. */
export const ALL_TIME: TimeLeft = () => Number.POSITIVE_INFINITY

/** What remains cannot be done in the time that is left. What was done so far is kept. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime'
}

/** For saying so to the Jobs queue and the message hub, and for the call that is under way. */
const RESERVE_MS = 15_000

/**
 * Goes on only where there is time.
 *
 * @param neededMs how long the next step takes at most, in milliseconds
 * @throws {OutOfTime}
 */
export function requireTime(timeLeft: TimeLeft, neededMs = 0): void {
  const leftMs = timeLeft()
  if (leftMs >= neededMs + RESERVE_MS) return
  throw new OutOfTime(`${leftMs} ms are left, and ${neededMs + RESERVE_MS} ms are needed`)
}
