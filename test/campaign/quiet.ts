/** Waits until the hub has nothing left to do, and re-drives what was given up meanwhile. */
import type { LocalCloud, StackOutputs } from '../../local/cloud.ts'
import { type Outstanding, settled } from '../../local/settled.ts'
import { deadLetters, type Letter, redrive } from './dead-letters.ts'

/**
 * A message whose process was killed comes back after six time-outs of its function, and is tried five times;
 * an effect without a message waits for the sweep.
 */
const TIMEOUT_SECONDS = 1500

/**
 * Waits for the queues and the effects, as often as there was something to re-drive.
 *
 * @returns the messages that were re-driven; both dead-letter queues are empty
 * @throws {UnsettledError} after 25 minutes without an end
 */
export async function quiet(
  cloud: LocalCloud,
  outputs: StackOutputs,
  onPoll: (outstanding: Outstanding) => void,
): Promise<Letter[]> {
  const redriven: Letter[] = []
  do {
    redriven.push(...(await redrive(cloud)))
    await settled(cloud, outputs, { timeoutSeconds: TIMEOUT_SECONDS, onPoll })
  } while ((await deadLetters(cloud)).length > 0)
  return redriven
}
