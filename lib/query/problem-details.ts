/** Errors of the query API, as RFC 9457 shows them. */

/** A question that has no answer; its fields become the problem details. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: 'bad-request' | 'not-found'
  /** More members of the problem details. */
  readonly more: Readonly<Record<string, unknown>>
  constructor(code: QueryError['code'], detail: string, more: QueryError['more'] = {}) {
    super(detail)
    this.code = code
    this.more = more
  }
  get status(): number {
    return this.code === 'not-found' ? 404 : 400
  }
}

/** The body of an error's answer, of the media type `application/problem+json`. */
export function problemDetails(
  status: number,
  title: string,
  detail: string,
  more: QueryError['more'] = {},
): string {
  return JSON.stringify({ type: 'about:blank', title, status, detail, ...more })
}

/** A name as messages show it. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
