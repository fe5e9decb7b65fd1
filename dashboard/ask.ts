/** Questions to the server that the page came from. */

/** Why there is no answer; the message is for the person who looks on. */
export class AskError extends Error {
  override readonly name = 'AskError'
  /** The HTTP status; nothing where the server did not answer. */
  readonly status: number | undefined
  /** What the query API calls the problem; empty where it is none of it. */
  readonly code: string
  constructor(message: string, status?: number, code = '') {
    super(message)
    this.status = status
    this.code = code
  }
}

export type Asked<T> =
  | { readonly kind: 'answer'; readonly body: T; readonly tag: string | null }
  | { readonly kind: 'unchanged' }

/** A path with its parameters, each of which may hold anything. */
export function pathTo(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

/**
 * Asks a question.
 *
 * @param known the tag of the answer that is there already
 * @throws {AskError}
 */
export async function ask<T>(
  path: string,
  signal: AbortSignal,
  known: string | null = null,
): Promise<Asked<T>> {
  const headers = known === null ? {} : { 'if-none-match': known }
  const response = await fetch(path, { headers, signal, cache: 'no-store' }).catch((error) => {
    if (signal.aborted) throw error
    throw new AskError('`ckpt ui` does not answer. Is it still running?')
  })
  if (response.status === 304) return { kind: 'unchanged' }
  if (!response.ok) throw await failureIn(response)
  return { kind: 'answer', body: (await response.json()) as T, tag: response.headers.get('etag') }
}

interface ProblemDetails {
  readonly detail: string
  readonly advice?: string
  readonly type?: string
}

async function failureIn(response: Response): Promise<AskError> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.endsWith('json') ?? false
  if (!isJson) return new AskError(text, response.status)
  const { detail, advice = '', type = '' } = JSON.parse(text) as ProblemDetails
  return new AskError(`${detail} ${advice}`.trim(), response.status, type.replace(/^.*:/, ''))
}
