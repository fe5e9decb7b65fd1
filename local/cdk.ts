/** The CDK CLI as a child process, on the unmodified app, with nothing but the endpoint changed. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LocalCloudError } from './emulator.ts'
import { ACCOUNT, endpointVariables, plainEnvironment, REGION } from './environment.ts'
import { spawnGroup } from './process-group.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CDK = join(ROOT, 'node_modules', '.bin', 'cdk')

/** Context of one deployment, as `cdk --context key=value` takes it. */
export type Context = Readonly<Record<string, string>>

/**
 * Makes the bucket and roles that every CDK deployment needs.
 *
 * @param folder private to the local cloud; run from there, the CLI finds no app to synthesise
 */
export async function bootstrap(endpoint: string, folder: string): Promise<void> {
  await cdk(endpoint, folder, ['bootstrap', `aws://${ACCOUNT}/${REGION}`])
}

/**
 * Synthesises the app into a folder of its own, so that two at once do not meet in `cdk.out`.
 *
 * @param assembly an absolute path; it is created
 */
export async function synthesise(
  endpoint: string,
  assembly: string,
  context: Context,
): Promise<void> {
  await mkdir(assembly, { recursive: true })
  const pairs = Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`])
  await cdk(endpoint, ROOT, ['synth', '--quiet', '--output', assembly, ...pairs])
}

/** Deploys a synthesised app, and writes its outputs to a JSON file. */
export async function deployAssembly(
  endpoint: string,
  assembly: string,
  outputsFile: string,
): Promise<void> {
  await cdk(endpoint, assembly, [
    'deploy',
    '--app',
    assembly,
    '--require-approval',
    'never',
    // Without a change set: nobody reviews one here.
    '--method',
    'direct',
    '--outputs-file',
    outputsFile,
  ])
}

function cdk(endpoint: string, cwd: string, args: readonly string[]): Promise<void> {
  const child = spawnGroup(CDK, [...args, '--no-notices', '--no-color', '--ci'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...plainEnvironment(),
      ...endpointVariables(endpoint),
      // A person's own profiles and role names are not for this account.
      AWS_CONFIG_FILE: join(cwd, 'no-config'),
      AWS_SHARED_CREDENTIALS_FILE: join(cwd, 'no-credentials'),
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      // Two seconds of checks against CloudFormation's rules, which `npm run synth` makes.
      CDK_VALIDATION: 'false',
    },
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) return resolve()
      reject(new LocalCloudError(`cdk ${args[0]} ended with ${code ?? signal}:\n${output}`))
    })
  })
}
