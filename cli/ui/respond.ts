/** What the dashboard's server answers: the page, and questions to the stack with the caller's own rights. */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { pathOf, type Run } from '../../lib/hook/names.ts'
import { runtimeInfo } from '../../lib/query/entries.ts'
import { linkTo } from '../../lib/query/link.ts'
import { parseParameters, run as runParameter } from '../../lib/query/parameters.ts'
import { artifactAt, checkpointAt, pointerOf } from '../../lib/query/pointers.ts'
import { QueryError } from '../../lib/query/problem-details.ts'
import { answer } from '../../lib/query/route.ts'
import { DEFAULT_EXPIRES_SECONDS } from '../../lib/query/signed-url.ts'
import { failureOf } from '../failure-of.ts'
import type { Stack } from '../stack/stack.ts'
import { isOfOwnSite, isToThisMachine, type Key } from './access.ts'
import type { PageFiles } from './page-files.ts'

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** What a server has to answer with. */
export interface Desk {
  readonly stack: Stack
  readonly files: PageFiles
  readonly key: Key
}

/**
 * Nothing from elsewhere, nothing inline, no frame; and no text becomes markup, since the page makes none of the
 * types that browsers then ask for.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const DEFENCES = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

const API = '/api'

/** Answers a request; what goes wrong becomes an answer too. */
export async function respond(desk: Desk, request: Request): Promise<Response> {
  const response = await answerTo(desk, request).catch(failed)
  const headers = { ...response.headers, ...DEFENCES }
  return { ...response, headers, body: request.method === 'HEAD' ? '' : response.body }
}

async function answerTo(desk: Desk, { method, url, headers }: Request): Promise<Response> {
  if (!isToThisMachine(headers)) {
    return said(421, 'This server answers to 127.0.0.1 and localhost alone.')
  }
  if (!['GET', 'HEAD'].includes(method)) {
    return said(405, 'This server only answers GET and HEAD.', { allow: 'GET, HEAD' })
  }
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const key = searchParams.get('key')
  if (pathname === '/' && key !== null && desk.key.admits(key)) {
    return said(303, '', { location: '/', 'set-cookie': desk.key.setCookie })
  }
  const file = desk.files.get(pathname)
  if (file !== undefined)
    return { status: 200, headers: { 'content-type': file.type }, body: file.body }
  if (!isOfOwnSite(headers)) return said(403, 'Another site may not ask this server.')
  if (!desk.key.isWith(headers)) {
    return said(401, 'Open the address that `ckpt ui` printed: it has the key to this server.')
  }
  const tag = headers['if-none-match']
  if (pathname === '/session') return json(200, sessionOf(desk.stack))
  if (pathname === '/download') return download(desk.stack, searchParams)
  if (pathname.startsWith(`${API}/`)) {
    return ask(desk.stack, pathname.slice(API.length), Object.fromEntries(searchParams), tag)
  }
  return said(404, 'There is nothing here.')
}

/** Which stack it is, for the page's head and for the commands that it shows. */
function sessionOf({ name, region, bucket }: Stack) {
  return { stack: name, region, bucket: bucket.name }
}

/**
 * Answers as the query function does. A run that was not changed since it was last asked for is not read: one
 * entry of the table has its version number.
 */
async function ask(
  stack: Stack,
  path: string,
  parameters: Record<string, string>,
  known: string | undefined,
): Promise<Response> {
  const version = path === '/run' ? await versionTag(stack, parameters) : undefined
  if (version !== undefined && version === known) return unchanged(known)
  const { statusCode, headers, body } = await answer(stack, { method: 'GET', path, parameters })
  if (statusCode !== 200) return { status: statusCode, headers, body }
  const tag = version ?? `"${hashOf(body)}"`
  if (tag === known) return unchanged(known)
  return { status: 200, headers: { ...headers, etag: tag }, body }
}

/** Nothing where the question has no answer: the route says why. */
async function versionTag(
  stack: Stack,
  parameters: Record<string, string>,
): Promise<string | undefined> {
  try {
    const { version } = await runtimeInfo(stack, runIn(parameters['run']))
    return `"${version}-${hashOf(JSON.stringify(parameters))}"`
  } catch (error) {
    if (error instanceof QueryError) return undefined
    throw error
  }
}

/** @throws {QueryError} where it is the name of none */
function runIn(text: string | undefined): Run {
  return parseParameters('/run', { run: runParameter }, { run: text }).run
}

/** Leads to the bytes of a file of the hub's or of a checkpoint, of that run alone. */
async function download(stack: Stack, parameters: URLSearchParams): Promise<Response> {
  const run = runIn(parameters.get('run') ?? undefined)
  const key = parameters.get('key') ?? ''
  const found = (await checkpointAt(stack, run, pathOf(key))) ?? {
    object: pointerOf(await artifactAt(stack, run, key)),
  }
  if ('directory' in found && found.directory !== undefined) {
    const { files } = found.directory
    return said(404, `It is a directory of ${files} files, which ckpt download fetches.`)
  }
  const location = await linkTo(stack, run, found, { expires: DEFAULT_EXPIRES_SECONDS })
  return said(302, '', { location })
}

function failed(error: unknown): Response {
  const { code, message, advice } = failureOf(error)
  const status = error instanceof QueryError ? error.status : 502
  return json(status, {
    title: 'The stack could not be asked',
    status,
    code,
    detail: message,
    advice,
  })
}

function json(status: number, body: object): Response {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  return { status, headers: { 'content-type': type }, body: JSON.stringify(body) }
}

function said(status: number, text: string, headers: Record<string, string> = {}): Response {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: text,
  }
}

function unchanged(etag: string): Response {
  return { status: 304, headers: { etag }, body: '' }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
