/** How long a function takes to begin: the time in which its file is loaded, in a process of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CREDENTIALS, REGION } from '../../local/environment.ts'

/** What the stack sets for a function; nothing of it is reached while it begins. */
const ENVIRONMENT = {
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  TABLE_NAME: 'table',
  BUCKET_NAME: 'bucket',
  JOBS_QUEUE_URL: 'https://sqs.invalid/jobs',
  EVENTS_QUEUE_URL: 'https://sqs.invalid/events',
  SOURCE_QUEUE_URL: 'https://sqs.invalid/events',
  DEAD_LETTERS_URL: 'https://sqs.invalid/dead',
  MAX_RECEIVES: '5',
  DEFAULT_HOOK_ARGUMENTS: '{"interval":1}',
  NONCURRENT_DAYS: '30',
  BRAKE: '10',
  PUBLISH_TIMEOUT_SECONDS: '900',
}

const LOAD = `
const started = performance.now()
const { handler } = await import(process.argv[1])
if (typeof handler !== 'function') throw new Error('no handler')
console.log(performance.now() - started)
`

/**
 * Loads files in turn, so that what disturbs one round disturbs all of them alike.
 *
 * @returns of each file the median of so many rounds, in milliseconds
 */
export async function initMilliseconds(
  paths: readonly string[],
  rounds: number,
): Promise<number[]> {
  const taken = paths.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, path] of paths.entries()) taken[at]?.push(await load(path))
  }
  return taken.map(medianOf)
}

async function load(path: string): Promise<number> {
  const options = ['--input-type=module', '--eval', LOAD, path]
  const { stdout } = await promisify(execFile)(process.execPath, options, { env: ENVIRONMENT })
  return Number(stdout)
}

function medianOf(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
