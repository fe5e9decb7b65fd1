/**
 * The local cloud: an AWS emulator on this machine, and the very stack that is deployed to AWS.
 *
 * It is brought up by `cdk bootstrap` and `cdk deploy`; no second wiring of the functions exists. It
 * holds nothing that lasts: objects and tables are in the emulator's memory, and gone when it stops.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bootstrap, type Context, deployAssembly, synthesise } from './cdk.ts'
import { LocalCloudError } from './emulator.ts'
import { CREDENTIALS, endpointVariables, REGION } from './environment.ts'
import { startMiniStack } from './ministack.ts'

export { LocalCloudError } from './emulator.ts'

const StackOutputs = z.object({
  BucketName: z.string(),
  TableName: z.string(),
  QueryUrl: z.string(),
  EventsQueueUrl: z.string(),
  EventsDlqUrl: z.string(),
  JobsQueueUrl: z.string(),
  JobsDlqUrl: z.string(),
  IngestFunctionName: z.string(),
  PublishFunctionName: z.string(),
  QueryFunctionName: z.string(),
  SweepFunctionName: z.string(),
  Settings: z.string(),
})

/** What `infra/stack.ts` gives out. */
export type StackOutputs = z.infer<typeof StackOutputs>

export interface DeployOptions {
  /** Another name puts a second, independent stack beside the first; `CheckpointHub` by default. */
  readonly stackName?: string
  /** More settings of `infra/settings.ts`, as text. */
  readonly context?: Context
}

/** What AWS SDK clients are made with: `new S3Client({ ...cloud.clientConfig, forcePathStyle: true })`. */
export interface ClientConfig {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface LocalCloud {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  readonly region: string
  readonly credentials: ClientConfig['credentials']
  readonly clientConfig: ClientConfig
  /** The variables with which any AWS client, the AWS CLI too, talks to this cloud. */
  readonly environment: Readonly<Record<string, string>>
  /** The process group of the emulator and its functions. */
  readonly group: number
  /**
   * Deploys the stack with the CDK CLI; the environment is bootstrapped before the first.
   *
   * @throws {LocalCloudError} with the CLI's whole output
   */
  deploy(options?: DeployOptions): Promise<StackOutputs>
  /** Where the query function answers here, ending in `/`: its real name is not resolved locally. */
  queryUrl(outputs: StackOutputs): string
  /** The emulator's log, function output as well; gone when it stops. */
  readonly logFile: string
  /** The end of that. */
  log(): string
  /** Ends the emulator and every process it started, and removes its files. */
  stop(): Promise<void>
}

/**
 * Starts an emulator on a free port of 127.0.0.1, in an environment that is prepared on first use.
 *
 * It ends with this process, however this one ends.
 *
 * @throws {LocalCloudError} where it does not come up, with the end of its log
 * @throws {PythonEnvironmentError} where its Python environment cannot be prepared
 */
export async function startLocalCloud(): Promise<LocalCloud> {
  const { endpoint, group, folder, logFile, log, stop } = await startMiniStack()
  const clientConfig = { endpoint, region: REGION, credentials: CREDENTIALS }
  let bootstrapped: Promise<void> | undefined
  let deployments = 0

  const deploy = async ({ stackName = 'CheckpointHub', context = {} }: DeployOptions = {}) => {
    deployments += 1
    const assembly = join(folder, `cdk.out-${deployments}`)
    const outputsFile = join(folder, `outputs-${deployments}.json`)
    bootstrapped ??= bootstrap(endpoint, folder)
    // Neither needs the other, and both start a Node process and read a large library.
    await Promise.all([bootstrapped, synthesise(endpoint, assembly, { ...context, stackName })])
    await deployAssembly(endpoint, assembly, outputsFile)
    const outputs: unknown = JSON.parse(await readFile(outputsFile, 'utf8'))
    return z.record(z.string(), StackOutputs).parse(outputs)[stackName] ?? missing(stackName)
  }

  return {
    ...clientConfig,
    clientConfig,
    environment: endpointVariables(endpoint),
    group,
    deploy,
    queryUrl: ({ QueryUrl }) => {
      const [id] = new URL(QueryUrl).hostname.split('.')
      return `${endpoint}/_aws/lambda-url/${id}/`
    },
    logFile,
    log,
    stop,
  }
}

function missing(stackName: string): never {
  throw new LocalCloudError(`cdk deploy gave no outputs for the stack ${stackName}`)
}
