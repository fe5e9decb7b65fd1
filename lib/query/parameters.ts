/** The parameters of the questions: what each may be, checked once where it comes in. */
import * as z from 'zod/mini'
import { parseRun } from '../hook/names.ts'
import { QueryError, quoted } from './problem-details.ts'
import { DEFAULT_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS } from './signed-url.ts'

/** S3's keys have at most so many bytes, so a run's name has no more. */
const MAX_KEY_BYTES = 1024
/** A sort key of the table has 1,024 bytes, of which `best#` takes five. */
const MAX_METRIC_BYTES = 1019
/** Entries in a page. */
const DEFAULT_PAGE = 50
const MAX_PAGE = 100
/** Steps in a page: with twenty metrics each, these are some 1.4 MB. */
const DEFAULT_STEPS = 2000
const MAX_STEPS = 10_000
/** What file systems take. */
const MAX_FILENAME_BYTES = 255

/** A parameter that is read from its text; what cannot be is told by what was expected. */
function parameter<T>(expected: string, read: (text: string) => T | undefined) {
  return z.pipe(
    z.string({ error: `expected ${expected}` }),
    z.transform((text, context) => {
      const value = read(text)
      if (value !== undefined) return value
      const message = `expected ${expected}, got ${quoted(text)}`
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    }),
  )
}

export const run = parameter(
  'the name of a run, such as experiments/resnet, or "." for the root of the bucket',
  (text) => (text !== '' && fits(text, MAX_KEY_BYTES) ? parseRun(text) : undefined),
)

export const metric = parameter('the name of a metric', (text) =>
  text !== '' && fits(text, MAX_METRIC_BYTES) ? text : undefined,
)

/** Which scores are better. */
export const rule = z.optional(
  parameter('greater or less', (text) =>
    text === 'greater' || text === 'less' ? text : undefined,
  ),
)

export const prefix = z._default(
  parameter(`the beginning of a run's name, at most ${MAX_KEY_BYTES} bytes`, (text) =>
    fits(text, MAX_KEY_BYTES) ? text : undefined,
  ),
  '',
)

/** How long a URL is to live, in seconds. */
const expires = z._default(wholeNumber(1, MAX_EXPIRES_SECONDS), DEFAULT_EXPIRES_SECONDS)

const redirect = z._default(
  parameter('0 or 1', (text) => (['0', '1'].includes(text) ? text === '1' : undefined)),
  false,
)

/** What a browser saves a download as. */
const filename = z.optional(
  parameter(
    `a file name of at most ${MAX_FILENAME_BYTES} bytes, without slashes and control characters`,
    (text) => (isFileName(text) ? text : undefined),
  ),
)

/** Where a page begins: what the page before gave. */
const next = z.optional(z.string())
/** Of a question that is answered page by page. */
export const PAGED = { limit: z._default(wholeNumber(1, MAX_PAGE), DEFAULT_PAGE), next }
/** The same, of the steps of a run. */
export const PAGED_STEPS = {
  limit: z._default(wholeNumber(1, MAX_STEPS), DEFAULT_STEPS),
  next,
}

/** Of a question whose answer has several URLs. */
export const MANY_LINKS = { expires }
/** Of a question whose answer has one URL, which can be followed at once. */
export const ONE_LINK = { expires, filename, redirect }

function wholeNumber(least: number, most: number) {
  return parameter(`a whole number from ${least} to ${most}`, (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most ? value : undefined
  })
}

/** What a question knows, by name. */
export type Shape = Readonly<Record<string, z.ZodMiniType>>
/** The same, read. */
export type Asked<T extends Shape> = z.output<z.ZodMiniObject<T>>

/**
 * Reads a question's parameters.
 *
 * @throws {QueryError} that names every parameter that is unknown, or else every one that is wrong
 */
export function parseParameters<T extends Shape>(
  path: string,
  shape: T,
  given: Readonly<Record<string, string | undefined>>,
): Asked<T> {
  const known = Object.keys(shape)
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(shape, name))
  if (unknown.length > 0) {
    const choice = known.length === 0 ? 'takes none' : `takes ${known.join(', ')}`
    const detail = `${path} has no parameter ${unknown.map(quoted).join(', ')}; it ${choice}`
    throw new QueryError('unknown-parameter', detail, { parameters: known })
  }
  const parsed = z.object(shape).safeParse(given)
  if (parsed.success) return parsed.data
  const invalid = parsed.error.issues.map(({ path: [name], message }) => {
    return { parameter: String(name), reason: message }
  })
  const detail = invalid.map(({ parameter: name, reason }) => `${name}: ${reason}`).join('; ')
  throw new QueryError('invalid-parameter', detail, { invalid })
}

function isFileName(text: string): boolean {
  const isPlain = !/[/\\\p{Cc}]/u.test(text) && !['', '.', '..'].includes(text)
  return isPlain && fits(text, MAX_FILENAME_BYTES)
}

/** Nothing else can be a key of the table or of the bucket. */
function fits(text: string, maxBytes: number): boolean {
  return text.isWellFormed() && Buffer.byteLength(text) <= maxBytes
}
