/** Errors of the query API, as RFC 9457 shows them. `docs/errors.md` explains each. */

/** What can be wrong with a question: the HTTP status, and what it is called. */
const PROBLEMS = {
  'unknown-question': { status: 404, title: 'There is no such question' },
  'unknown-parameter': { status: 400, title: 'The question has no such parameter' },
  'invalid-parameter': { status: 400, title: 'A parameter is missing or wrong' },
  'several-metrics': { status: 400, title: 'The run tracks several metrics' },
  'unknown-run': { status: 404, title: 'The hub knows no such run' },
  'unknown-metric': { status: 404, title: 'There is no best of this metric' },
  'no-checkpoint': { status: 404, title: 'There is no such checkpoint yet' },
  'nothing-to-resume': { status: 404, title: 'No checkpoint can be resumed from' },
  'foreign-object': { status: 404, title: 'The object is not of the run' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed' },
  'answer-too-large': { status: 400, title: 'The answer would be too large' },
  busy: { status: 503, title: 'The run is being changed' },
} as const

export type ProblemCode = keyof typeof PROBLEMS
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[]

/** A question that has no answer; its fields become the problem details. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: ProblemCode
  /** More members of the problem details. */
  readonly more: Readonly<Record<string, unknown>>
  constructor(code: ProblemCode, detail: string, more: QueryError['more'] = {}) {
    super(detail)
    this.code = code
    this.more = more
  }
  get status(): number {
    return PROBLEMS[this.code].status
  }
}

/** The body of an error's answer, of the media type `application/problem+json`. */
export function problemDetails({ code, status, message, more }: QueryError): string {
  const { title } = PROBLEMS[code]
  const type = `urn:checkpoint-hub:problem:${code}`
  return JSON.stringify({ type, title, status, detail: message, ...more })
}

/** How much of somebody's text a message repeats. */
const LONGEST_QUOTED = 200

/** A name as messages show it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTED ? `${text.slice(0, LONGEST_QUOTED)}…` : text)
}
