/** Errors of the query API, as RFC 9457 shows them. */

/** A question that has no answer; its fields become the problem details. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: 'bad-request' | 'not-found'
  constructor(code: QueryError['code'], detail: string) {
    super(detail)
    this.code = code
  }
  get status(): number {
    return this.code === 'not-found' ? 404 : 400
  }
}

/** The body of an error's answer, of the media type `application/problem+json`. */
export function problemDetails(status: number, title: string, detail: string): string {
  return JSON.stringify({ type: 'about:blank', title, status, detail })
}

/** A name as messages show it. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
