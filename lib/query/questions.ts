/** The questions that the query API knows: by their paths, what they take, and who answers them. */
import * as z from 'zod/mini'
import type { Run } from '../hook/names.ts'
import { bestOf } from './best.ts'
import { describeRun } from './describe-run.ts'
import { lastOf } from './last.ts'
import { leaderboardOf } from './leaderboard.ts'
import { linkTo } from './link.ts'
import {
  type Asked,
  MANY_LINKS,
  metric,
  ONE_LINK,
  PAGED,
  PAGED_STEPS,
  parseParameters,
  prefix,
  rule,
  run,
  type Shape,
} from './parameters.ts'
import type { PointedCheckpoint } from './pointers.ts'
import { publishedOf } from './published.ts'
import { resumableOf } from './resume.ts'
import { listRuns } from './runs.ts'
import type { Stack } from './stack.ts'

/** What goes out as JSON, or where a redirect leads. */
export interface Answered {
  body: object
  redirect?: string
}

/** A question as HTTP asks it. */
export interface KnownQuestion {
  summary: string
  parameters: readonly string[]
  /** @throws {QueryError} */
  ask(stack: Stack, given: Readonly<Record<string, string | undefined>>): Promise<Answered>
}

/** By path. */
export const QUESTIONS: Readonly<Record<string, KnownQuestion>> = {
  '/runs': question('/runs', 'runs, the newest upload first', { prefix, ...PAGED }, listRuns),
  '/run': question(
    '/run',
    'one run: options, storage, checkpoints, curves, files, problems',
    { run, ...PAGED_STEPS },
    describeRun,
  ),
  '/best': pointed(
    '/best',
    'the best checkpoint and a signed URL',
    { run, metric: z.optional(metric) },
    bestOf,
  ),
  '/last': pointed('/last', 'the last checkpoint and a signed URL', { run }, lastOf),
  '/resume': pointed(
    '/resume',
    'the newest checkpoint that is verified now and a signed URL',
    { run },
    resumableOf,
  ),
  '/leaderboard': question(
    '/leaderboard',
    'runs by their best score of a metric, the best first',
    { metric, rule, prefix, ...PAGED },
    leaderboardOf,
  ),
  '/published': question(
    '/published',
    'the published files, each with a signed URL',
    { run, ...MANY_LINKS },
    async (stack, asked) => {
      const { published, ...answer } = await publishedOf(stack, asked)
      const signed = published.map(async (file) => {
        return { ...file, url: await linkTo(stack, asked.run, file, asked) }
      })
      return { ...answer, published: await Promise.all(signed) }
    },
  ),
}

function question<T extends Shape>(
  path: string,
  summary: string,
  shape: T,
  answer: (stack: Stack, asked: Asked<T>) => Promise<object>,
): KnownQuestion {
  return {
    summary,
    parameters: Object.keys(shape),
    ask: async (stack, given) => ({
      body: await answer(stack, parseParameters(path, shape, given)),
    }),
  }
}

/** One whose answer points at one object, which can be had at once. */
function pointed<T extends Shape>(
  path: string,
  summary: string,
  shape: T,
  answer: (stack: Stack, asked: Asked<T>) => Promise<PointedCheckpoint & { run: Run }>,
): KnownQuestion {
  const both = { ...shape, ...ONE_LINK }
  return {
    summary,
    parameters: Object.keys(both),
    ask: async (stack, given) => {
      const asked = parseParameters<Shape>(path, both, given)
      const link = asked as Asked<typeof ONE_LINK>
      const found = await answer(stack, asked as Asked<T>)
      const url = await linkTo(stack, found.run, found, link)
      return { body: { ...found, url }, ...(link.redirect && { redirect: url }) }
    },
  }
}
