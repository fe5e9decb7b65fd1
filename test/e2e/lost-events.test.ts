/** Events that never come: the sweep finds what they would have told. */
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { describe, expect, it } from 'vitest'
import {
  hubSettled,
  lambda,
  outputs,
  Run,
  recordedCheckpoint,
  withoutNotifications,
} from './deployed.ts'

describe('a checkpoint whose notification was lost', () => {
  it('is found by the sweep, counts as if it had been told of, and evicts what it has to', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', { max_keep_ckpts: 1 })
    await run.put('epoch_1.pth', await recordedCheckpoint(1))
    await hubSettled()
    await withoutNotifications(async () => {
      await run.put('epoch_2.pth', await recordedCheckpoint(2))
    })
    await hubSettled()
    expect(await run.checkpoints()).toEqual(['epoch_1.pth', 'epoch_2.pth'])

    expect(await sweptIn(run)).toEqual([run.key('epoch_2.pth')])
    await hubSettled()
    expect(await run.fates()).toEqual({ epoch_1: 'evicted', epoch_2: 'kept' })
    expect(await run.checkpoints()).toEqual(['epoch_2.pth'])
    expect(await sweptIn(run)).toEqual([])
  })
})

/**
 * Begins a round through the bucket and goes on with it to its end, as somebody with the AWS CLI would.
 *
 * @returns the keys of a run that were lost
 */
async function sweptIn(run: Run): Promise<string[]> {
  const found: string[] = []
  for (let begin = true; ; begin = false) {
    const FunctionName = outputs.SweepFunctionName
    const Payload = Buffer.from(JSON.stringify({ begin }))
    const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload }))
    const report = JSON.parse(Buffer.from(answer.Payload ?? []).toString())
    found.push(...report.lostKeys.filter((key: string) => key.startsWith(run.key(''))))
    if (report.round !== 'goes on') return found
  }
}
