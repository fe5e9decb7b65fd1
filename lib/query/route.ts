/** The query API as HTTP. */
import { ConflictError } from '../message-hub/message-hub-error.ts'
import { parseParameters } from './parameters.ts'
import { problemDetails, QueryError, quoted } from './problem-details.ts'
import { type Answered, QUESTIONS } from './questions.ts'
import type { Stack } from './stack.ts'

/** A request, as far as it matters. */
export interface Question {
  method: string
  path: string
  parameters: Record<string, string | undefined>
}

/** An HTTP answer. */
export interface Answer {
  statusCode: number
  headers: Record<string, string>
  body: string
}

const METHODS = ['GET', 'HEAD']

/** Answers a question; errors of whoever asks become problem details. */
export async function answer(stack: Stack, question: Question): Promise<Answer> {
  const full = await fullAnswer(stack, question)
  return question.method === 'HEAD' ? { ...full, body: '' } : full
}

async function fullAnswer(stack: Stack, { method, path, parameters }: Question): Promise<Answer> {
  try {
    if (!METHODS.includes(method)) {
      const detail = `expected ${METHODS.join(' or ')}, got ${quoted(method)}`
      throw new QueryError('method-not-allowed', detail)
    }
    const { body, redirect } = await answerTo(stack, path.replace(/\/+$/, ''), parameters)
    const found = json(body)
    if (redirect === undefined) return found
    return { ...found, statusCode: 302, headers: { ...found.headers, location: redirect } }
  } catch (error) {
    if (error instanceof QueryError) return problem(error)
    if (error instanceof ConflictError) return problem(new QueryError('busy', error.message))
    throw error
  }
}

async function answerTo(
  stack: Stack,
  path: string,
  parameters: Question['parameters'],
): Promise<Answered> {
  if (path === '') {
    parseParameters('/', {}, parameters)
    return { body: { questions: listed() } }
  }
  const question = Object.hasOwn(QUESTIONS, path) ? QUESTIONS[path] : undefined
  if (question !== undefined) return question.ask(stack, parameters)
  const known = Object.keys(QUESTIONS)
  const detail = `there is no question ${quoted(path)}; there are ${known.join(', ')}`
  throw new QueryError('unknown-question', detail, { questions: known })
}

function listed() {
  return Object.fromEntries(
    Object.entries(QUESTIONS).map(([path, { summary, parameters }]) => [
      path,
      { summary, parameters },
    ]),
  )
}

/** Lambda answers 6 MB at most, in which every quote takes one byte more. */
const LARGEST_BYTES = 6_000_000

/** Signed URLs must not outlive themselves in a cache. */
function json(answered: unknown): Answer {
  const body = JSON.stringify(answered)
  // The first is cheap and leaves the second to few.
  if (
    2 * Buffer.byteLength(body) > LARGEST_BYTES &&
    Buffer.byteLength(JSON.stringify(body)) > LARGEST_BYTES
  ) {
    const detail = `the answer would have more than ${LARGEST_BYTES} bytes; ask for less with limit`
    throw new QueryError('answer-too-large', detail)
  }
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'private, no-store' },
    body,
  }
}

function problem(error: QueryError): Answer {
  return {
    statusCode: error.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(error.code === 'method-not-allowed' && { allow: METHODS.join(', ') }),
      ...(error.code === 'busy' && { 'retry-after': '1' }),
    },
    body: problemDetails(error),
  }
}
