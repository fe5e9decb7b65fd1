/** The environment variables of the processes that the local cloud starts. */
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const REGION = 'us-east-1'
/** The account that MiniStack plays. */
export const ACCOUNT = '000000000000'
/** Accepted by MiniStack, and worth nothing elsewhere. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * The caller's variables without those that reach for a real account or change how Node runs, and
 * with our pinned Node first on the path: MiniStack runs functions with the `node` that it finds.
 */
export function plainEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(AWS_|CDK_|NODE_OPTIONS$|VITEST)/.test(entry[0]),
  )
  const environment = Object.fromEntries(kept)
  const path = [join(ROOT, 'node_modules', '.bin'), environment['PATH'] ?? ''].join(delimiter)
  return { ...environment, PATH: path }
}

/**
 * The variables that point any AWS client at the local cloud, and all that `cdk deploy` needs.
 *
 * @param endpoint with an IP address: with a host name, clients put the bucket before it
 */
export function endpointVariables(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  }
}
