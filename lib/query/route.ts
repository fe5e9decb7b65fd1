/** The query API: which question a request asks, and the answer as HTTP. */
import { parseRun, type Run } from '../hook/names.ts'
import { bestOf } from './best.ts'
import { describeRun } from './describe-run.ts'
import { lastOf } from './last.ts'
import type { Pointer } from './pointers.ts'
import { problemDetails, QueryError } from './problem-details.ts'
import { publishedOf } from './published.ts'
import { resumableOf } from './resume.ts'
import { listRuns } from './runs.ts'
import { expiresIn, signedUrl } from './signed-url.ts'
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

const QUESTIONS = {
  '/runs': 'runs, newest upload first: prefix, next',
  '/run': 'one run with its checkpoints, files and problems: run',
  '/best': 'the best checkpoint and a signed URL: run, metric, expires, redirect=1',
  '/last': 'the last checkpoint and a signed URL: run, expires, redirect=1',
  '/resume':
    'the newest checkpoint that is verified now and a signed URL: run, expires, redirect=1',
  '/published': 'the published files, each with a signed URL: run, expires',
}

/** Answers a question; errors become problem details. */
export async function answer(stack: Stack, question: Question): Promise<Answer> {
  try {
    if (question.method !== 'GET') {
      const refused = problem(405, 'Method Not Allowed', `expected GET, got ${question.method}`)
      return { ...refused, headers: { ...refused.headers, allow: 'GET' } }
    }
    return await answerTo(stack, question)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    const title = error.status === 404 ? 'Not Found' : 'Bad Request'
    return problem(error.status, title, error.message, error.more)
  }
}

async function answerTo(stack: Stack, question: Question): Promise<Answer> {
  const { parameters } = question
  switch (question.path.replace(/\/+$/, '')) {
    case '':
      return json({ questions: QUESTIONS })
    case '/runs':
      return json(
        await listRuns(stack, { prefix: parameters['prefix'] ?? '', next: parameters['next'] }),
      )
    case '/run':
      return json(await describeRun(stack, runIn(parameters['run'])))
    case '/best':
      return withUrl(
        stack,
        await bestOf(stack, runIn(parameters['run']), parameters['metric']),
        parameters,
      )
    case '/last':
      return withUrl(stack, await lastOf(stack, runIn(parameters['run'])), parameters)
    case '/resume':
      return withUrl(stack, await resumableOf(stack, runIn(parameters['run'])), parameters)
    case '/published': {
      const seconds = expiresIn(parameters['expires'])
      const { run, published } = await publishedOf(stack, runIn(parameters['run']))
      const signed = published.map(async (file) => ({
        ...file,
        url: await signedUrl(stack.bucket, file.object, seconds),
      }))
      return json({ run, published: await Promise.all(signed) })
    }
    default: {
      const known = Object.keys(QUESTIONS).join(', ')
      throw new QueryError(
        'not-found',
        `no question ${JSON.stringify(question.path)}; there are ${known}`,
      )
    }
  }
}

async function withUrl(
  { bucket }: Stack,
  found: { object: Pointer },
  parameters: Question['parameters'],
): Promise<Answer> {
  const url = await signedUrl(bucket, found.object, expiresIn(parameters['expires']))
  const body = json({ ...found, url })
  if (parameters['redirect'] !== '1') return body
  return { ...body, statusCode: 302, headers: { ...body.headers, location: url } }
}

/** Signed URLs must not outlive themselves in a cache. */
function json(body: unknown): Answer {
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'private, no-store' },
    body: JSON.stringify(body),
  }
}

function problem(
  statusCode: number,
  title: string,
  detail: string,
  more?: QueryError['more'],
): Answer {
  return {
    statusCode,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: problemDetails(statusCode, title, detail, more),
  }
}

/** The run that a question names. */
function runIn(text: string | undefined): Run {
  if (text === undefined || text === '') {
    throw new QueryError(
      'bad-request',
      'name a run, such as ?run=experiments/resnet; "." is the root',
    )
  }
  return parseRun(text)
}
