/** A training of recorded checkpoints, and the command that asks and tells the stack about it. */
import { endpointVariables } from '../../local/environment.ts'
import { ckpt } from '../cli/run-ckpt.ts'
import { clientConfig, type Entry, hubSettled, Run, recordedCheckpoint } from './deployed.ts'

/** A run of so many checkpoints under some options, settled. */
export async function trained(options: object, checkpoints: number): Promise<Run> {
  const run = new Run()
  await train(run, options, checkpoints)
  await hubSettled()
  return run
}

/** Uploads what a training of so many epochs does. */
export async function train(run: Run, options: object, checkpoints: number): Promise<void> {
  await run.put('checkpoint_hook.json', options)
  for (let step = 1; step <= checkpoints; step++) await upload(run, step)
}

export async function upload(run: Run, step: number): Promise<void> {
  await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
}

/** What the message hub says of an epoch. */
export async function stepOf(run: Run, step: number): Promise<Entry> {
  return (await run.entries()).get(`step#epoch#${String(step).padStart(16, '0')}`) ?? {}
}

/** Runs the command against the stack. */
export function told(...args: string[]) {
  return ckpt(args, { env: endpointVariables(clientConfig.endpoint) })
}

/** S3 tells times in seconds: what is to come after all that was uploaded comes in a later one. */
export function nextSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)))
}
