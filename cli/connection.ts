/** The way to S3 with the caller's own credentials and region, found as the AWS CLI finds them. */
import { S3Client } from '@aws-sdk/client-s3'
import { loadConfig } from '@smithy/core/config'

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
    region: region ?? regionOfCaller(ofProfile),
    followRegionRedirects: true,
    // As the AWS CLI: other stores than AWS seldom have a host name for each bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  })
}

function regionOfCaller(ofProfile: { profile?: string }): () => Promise<string> {
  return loadConfig<string>(
    {
      environmentVariableSelector: (env) =>
        env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined,
      configFileSelector: (profile) => profile['region'],
      default: FALLBACK_REGION,
    },
    ofProfile,
  )
}
