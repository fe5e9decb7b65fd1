/** The functions as they are deployed, and beside each an empty one that imports the same clients. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { BUNDLED } from '../../infra/bundling.ts'
import type { FunctionName } from '../../infra/permissions.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A function's one file. */
export interface Bundle {
  readonly path: string
  readonly sizeBytes: number
  /** How many of them come of each package, the most first; the hub's own code is `checkpoint-hub`. */
  readonly byPackage: readonly (readonly [string, number])[]
}

const S3 = `import { S3Client } from '@aws-sdk/client-s3'`
const DYNAMODB = `import { DynamoDBClient } from '@aws-sdk/client-dynamodb'`
const SQS = `import { SQSClient } from '@aws-sdk/client-sqs'`
const PRESIGNER = `import { getSignedUrl } from '@aws-sdk/s3-request-presigner'`

/** What each function reaches AWS by, and an expression that holds on to it. */
const CLIENTS: Readonly<Record<FunctionName, readonly [imports: string[], used: string]>> = {
  ingest: [[S3, DYNAMODB, SQS], 'new S3Client({}), new DynamoDBClient({}), new SQSClient({})'],
  publish: [[S3, DYNAMODB, SQS], 'new S3Client({}), new DynamoDBClient({}), new SQSClient({})'],
  sweep: [[S3, DYNAMODB, SQS], 'new S3Client({}), new DynamoDBClient({}), new SQSClient({})'],
  query: [[S3, DYNAMODB, PRESIGNER], 'new S3Client({}), new DynamoDBClient({}), getSignedUrl'],
}

export const FUNCTIONS = Object.keys(CLIENTS) as FunctionName[]

/** Bundles a function into a folder. */
export function bundleFunction(name: FunctionName, folder: string): Promise<Bundle> {
  const source = join(ROOT, 'functions', `${name}.ts`)
  return bundled({ entryPoints: [source] }, join(folder, `${name}.mjs`))
}

/** Bundles the empty handler that a function is compared with. */
export function bundleEmpty(name: FunctionName, folder: string): Promise<Bundle> {
  const [imports, used] = CLIENTS[name]
  const contents = `${imports.join('\n')}\nexport const clients = [${used}]\nexport async function handler() {}\n`
  return bundled({ stdin: { contents, resolveDir: ROOT } }, join(folder, `${name}-empty.mjs`))
}

async function bundled(of: object, outfile: string): Promise<Bundle> {
  const { metafile } = await build({
    ...BUNDLED,
    ...of,
    outfile,
    metafile: true,
    absWorkingDir: ROOT,
  })
  const [output] = Object.values(metafile.outputs)
  if (output === undefined) throw new Error(`${outfile}: nothing was bundled`)
  return { path: outfile, sizeBytes: output.bytes, byPackage: byPackage(output) }
}

function byPackage({ inputs }: Metafile['outputs'][string]): [string, number][] {
  const sizes = new Map<string, number>()
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const name = packageOf(path)
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput)
  }
  return [...sizes].toSorted(([, a], [, b]) => b - a)
}

function packageOf(path: string): string {
  const [, within] = path.split(/^.*node_modules\//)
  if (within === undefined) return 'checkpoint-hub'
  const [scope = '', name = ''] = within.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}
