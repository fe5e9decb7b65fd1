/** The deployed functions in processes of our own, instead of those that the emulator would start. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  paginateListEventSourceMappings,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import type { LocalCloud, StackOutputs } from '../../local/cloud.ts'
import { plainEnvironment } from '../../local/environment.ts'
import { endGroup, spawnGroup } from '../../local/process-group.ts'
import type { FunctionProcess } from './processes.ts'

const POLLER = fileURLToPath(new URL('./poller.ts', import.meta.url))

/** Processes that take messages; one that ends, killed or not, is followed by another. */
export interface Pollers {
  /** Those that have messages in hand now: to kill one that waits for some would lose nothing. */
  processes: () => readonly FunctionProcess[]
  /** The end of what they said. */
  log: () => string
  stop: () => Promise<void>
}

/** A function as it was deployed. */
interface Deployed {
  name: string
  bundle: string
  queueUrl: string
  batchSize: number
  environment: Record<string, string>
}

const LOG_TAIL_CHARACTERS = 64 * 1024
const STOP_GRACE_MS = 1000

/**
 * Stops the emulator from handing out messages, and starts so many processes: two in three `ingest`, the
 * others `publish`, one of each at least.
 *
 * @param assembly the synthesised app, whose bundles they run
 * @param timeoutSeconds of the functions; so long a message is hidden that a process has taken
 */
export async function startPollers(
  cloud: LocalCloud,
  outputs: StackOutputs,
  assembly: string,
  count: number,
  timeoutSeconds: number,
): Promise<Pollers> {
  const lambda = new LambdaClient(cloud.clientConfig)
  await disableMappings(lambda)
  const [ingest, publish] = await Promise.all([
    deployed(lambda, assembly, 'ingest', outputs.IngestFunctionName, outputs.EventsQueueUrl, 10),
    deployed(lambda, assembly, 'publish', outputs.PublishFunctionName, outputs.JobsQueueUrl, 1),
  ])
  const running = new Map<ReturnType<typeof spawnGroup>, FunctionProcess | undefined>()
  let log = ''
  let isStopping = false
  const start = (each: Deployed): void => {
    if (isStopping) return
    const { bundle, queueUrl, batchSize } = each
    const given = [bundle, queueUrl, ...[batchSize, timeoutSeconds, timeoutSeconds].map(String)]
    const child = spawnGroup(process.execPath, [POLLER, ...given], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...plainEnvironment(), ...each.environment, ...cloud.environment },
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-LOG_TAIL_CHARACTERS)
      })
    }
    running.set(child, undefined)
    child.on('message', (message) => {
      const { pid } = child
      const isBusy = message === 'begins' && pid !== undefined
      running.set(child, isBusy ? { pid, name: each.name } : undefined)
    })
    child.on('exit', () => {
      running.delete(child)
      start(each)
    })
  }
  const publishers = Math.max(1, Math.floor(count / 3))
  for (let at = 0; at < Math.max(2, count); at++) start(at < publishers ? publish : ingest)
  return {
    processes: () => [...running.values()].filter((each) => each !== undefined),
    log: () => log,
    stop: async () => {
      isStopping = true
      await Promise.all([...running.keys()].map((child) => endGroup(child, STOP_GRACE_MS)))
    },
  }
}

async function disableMappings(lambda: LambdaClient): Promise<void> {
  for await (const { EventSourceMappings = [] } of paginateListEventSourceMappings(
    { client: lambda },
    {},
  )) {
    for (const { UUID } of EventSourceMappings) {
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }))
    }
  }
}

async function deployed(
  lambda: LambdaClient,
  assembly: string,
  name: string,
  FunctionName: string,
  queueUrl: string,
  batchSize: number,
): Promise<Deployed> {
  const configuration = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
  const environment = configuration.Environment?.Variables ?? {}
  return { name, bundle: await bundleOf(assembly, FunctionName), queueUrl, batchSize, environment }
}

/** The asset of the function whose logical id is part of the deployed one's name. */
async function bundleOf(assembly: string, functionName: string): Promise<string> {
  const file = (await readdir(assembly)).find((name) => name.endsWith('.template.json')) ?? ''
  const template = JSON.parse(await readFile(join(assembly, file), 'utf8')) as {
    Resources: Record<string, { Properties?: { Code?: { S3Key?: string } } }>
  }
  for (const [id, { Properties }] of Object.entries(template.Resources)) {
    const key = Properties?.Code?.S3Key
    if (key !== undefined && functionName.includes(id)) {
      return join(assembly, `asset.${key.replace('.zip', '')}`, 'index.mjs')
    }
  }
  throw new Error(`the assembly in ${assembly} has no bundle of the function ${functionName}`)
}
