/** A job that may take more than one invocation. */
import { ALL_TIME, OutOfTime, type TimeLeft } from '../bucket/deadline.ts'
import { discardFile, type Rewrite } from '../bucket/rewritten-file.ts'

/** One of the invocations that a job may take. */
export interface Attempt {
  readonly timeLeft: TimeLeft
  /** Whether none goes on where this one runs out of time. */
  readonly isLast: boolean
}

export const UNHURRIED: Attempt = { timeLeft: ALL_TIME, isLast: true }

/**
 * Works on a rewrite; what the last attempt cannot end either is given up, and nothing of it is left.
 *
 * @param giveUp makes the result of the reason
 * @throws {OutOfTime} where another attempt may go on
 */
export async function goOn<Result>(
  rewrite: Rewrite,
  { isLast }: Attempt,
  work: () => Promise<Result>,
  giveUp: (reason: string) => Result,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof OutOfTime) || !isLast) throw error
    await discardFile(rewrite)
    const { sizeBytes } = rewrite.plan
    return giveUp(
      `${sizeBytes} bytes could not be moved in the time that publish has, although it went on several times; raise publishTimeoutSeconds`,
    )
  }
}
