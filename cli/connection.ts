/** The way to AWS with the caller's own credentials and region, found as the AWS CLI finds them. */
import { S3Client } from '@aws-sdk/client-s3'
import { loadConfig } from '@smithy/core/config'
import { Failure } from './failure.ts'

/** The options that every command has for it, as they were typed. */
export interface ConnectionOptions {
  readonly region?: string
  readonly profile?: string
  readonly endpointUrl?: string
}

/** Where S3 itself answers for buckets of every region. */
const FALLBACK_REGION = 'us-east-1'

/**
 * A client of S3. Credentials come from the SDK's default chain: environment, profile, SSO, web identity,
 * container, instance.
 *
 * Region: `--region`, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's; a bucket of another region is
 * found by the redirect that S3 answers with.
 */
export function s3Client({ region, profile, endpointUrl }: ConnectionOptions): S3Client {
  const ofProfile = profile === undefined ? {} : { profile }
  const endpoint =
    endpointUrl ||
    process.env['AWS_ENDPOINT_URL_S3'] ||
    process.env['AWS_ENDPOINT_URL'] ||
    undefined
  return new S3Client({
    ...ofProfile,
    region: region ?? regionOfCaller(ofProfile, FALLBACK_REGION),
    followRegionRedirects: true,
    // As the AWS CLI: other stores than AWS seldom have a host name for each bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  })
}

/** What clients of other services are made with: a stack is in one region, so none is assumed. */
export interface ClientConfig {
  readonly region: string
  readonly profile?: string
  readonly endpoint?: string
}

/**
 * What a client of any service but S3 is made with.
 *
 * @throws {Failure} `usage` where nothing names a region
 */
export async function clientConfig(options: ConnectionOptions): Promise<ClientConfig> {
  const { region: typed, profile, endpointUrl } = options
  const ofProfile = profile === undefined ? {} : { profile }
  const region = typed || (await regionOfCaller(ofProfile, '')())
  if (region === '') {
    throw new Failure('usage', 'no AWS region is named, and a stack is in one', {
      code: 'no-region',
      advice: 'Name the stack’s with --region, or set AWS_REGION.',
    })
  }
  // Where no endpoint is on the command line, the SDK finds the one of each service itself.
  return { ...ofProfile, region, ...(endpointUrl ? { endpoint: endpointUrl } : {}) }
}

function regionOfCaller(ofProfile: { profile?: string }, fallback: string): () => Promise<string> {
  return loadConfig<string>(
    {
      environmentVariableSelector: (env) =>
        env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined,
      configFileSelector: (profile) => profile['region'],
      default: fallback,
    },
    ofProfile,
  )
}
