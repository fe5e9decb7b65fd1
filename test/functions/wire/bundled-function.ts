/** A function as it is deployed, bundled, in a process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SQSBatchResponse } from 'aws-lambda'
import { build } from 'esbuild'
import { BUNDLED } from '../../../infra/bundling.ts'
import { plainEnvironment } from '../../../local/environment.ts'

const INVOKED = fileURLToPath(new URL('./invoked.ts', import.meta.url))

/** A message of a queue, as Lambda hands it over. */
export interface Message {
  messageId: string
  receiptHandle: string
  body: string
  attributes: { ApproximateReceiveCount: string }
}

export interface BundledFunction {
  /** @returns the ids of the messages that are to come again */
  invoke(messages: readonly Message[]): Promise<string[]>
  stop(): void
}

/** @returns the path of the bundle */
export async function bundle(name: 'ingest' | 'publish', folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`../../../functions/${name}.ts`, import.meta.url))],
    ...BUNDLED,
    outfile,
  })
  return outfile
}

/** Starts a function that gets its messages by hand. */
export function startFunction(path: string, environment: Record<string, string>): BundledFunction {
  const child = fork(INVOKED, [path], {
    env: { ...plainEnvironment(), ...environment },
    // What it logs of the faults is expected.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return {
    invoke: async (messages) => {
      child.send(messages)
      const [answer] = (await once(child, 'message')) as [SQSBatchResponse | { error: string }]
      if ('error' in answer) throw new Error(answer.error)
      return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
    },
    stop: () => child.kill(),
  }
}
