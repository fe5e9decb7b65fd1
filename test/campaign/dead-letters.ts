/** Sends what is in the dead-letter queues once more, as a person does after the faults are gone: `ckpt dlq`. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { LocalCloud } from '../../local/cloud.ts'
import { plainEnvironment } from '../../local/environment.ts'

const CKPT = fileURLToPath(new URL('../../cli/ckpt.mjs', import.meta.url))

const Letters = z.object({ key: z.nullable(z.string()), reason: z.nullable(z.string()) }).array()
const Redriven = z.object({ redriven: Letters })
const Listed = z.object({ messages: Letters })

/** A message that could not be worked off. */
export type Letter = z.infer<typeof Letters>[number]

/** Re-drives both queues; returns what was in them. */
export async function redrive(cloud: Pick<LocalCloud, 'environment'>): Promise<Letter[]> {
  return Redriven.parse(await ckpt(cloud, ['dlq', '--redrive'])).redriven
}

/** What is in them. */
export async function deadLetters(cloud: Pick<LocalCloud, 'environment'>): Promise<Letter[]> {
  return Listed.parse(await ckpt(cloud, ['dlq'])).messages
}

async function ckpt(cloud: Pick<LocalCloud, 'environment'>, args: string[]): Promise<unknown> {
  const env = { ...plainEnvironment(), ...cloud.environment }
  const { stdout } = await promisify(execFile)(process.execPath, [CKPT, ...args, '--json'], {
    env,
    maxBuffer: 64 * 1024 ** 2,
  })
  return JSON.parse(stdout)
}
