/** Which runs there are. */
import * as z from 'zod/mini'
import { withoutKeys } from './entries.ts'
import { indexPage, keyText, placeIn, placeText } from './index-page.ts'
import type { Stack } from './stack.ts'

/** A run as a list shows it. */
export interface ListedRun {
  run: string
  bucket: string
  /** ISO 8601, as `last_upload`. */
  first_upload: string
  last_upload: string
  checkpoints: number
  evicted: number
  lives: number
  /** Missing until there is a complete checkpoint. */
  last_step?: number
  /** By each tracked metric that has a best; missing where the run was last changed before lists had it. */
  best?: ListedBest[]
  problems: number
}

export interface ListedBest {
  metric: string
  /** A text, as in the table: `Number()` reads it. */
  score: string
  step: number
}

export interface RunsAnswer {
  runs: ListedRun[]
  /** Where the next page begins; missing on the last one. */
  next?: string
}

/** What DynamoDB asks for to go on in the index `runs`. */
const PLACE = z.strictObject({
  run: keyText(2048),
  entry: z.literal('run'),
  listed: z.literal('runs'),
  last_upload: keyText(1024),
})
const PLACE_KEYS = ['run', 'entry', 'listed', 'last_upload']

/**
 * Runs whose names begin with a prefix, the one with the newest upload first.
 *
 * @param limit runs in a page, at most
 * @param next what the page before gave
 * @throws {QueryError} where no page gave that
 */
export async function listRuns(
  stack: Stack,
  { prefix, limit, next }: { prefix: string; limit: number; next?: string | undefined },
): Promise<RunsAnswer> {
  const isNarrowed = prefix !== ''
  const query = {
    IndexName: 'runs',
    KeyConditionExpression: 'listed = :runs',
    ScanIndexForward: false,
    values: { ':runs': 'runs', ...(isNarrowed && { ':prefix': prefix }) },
    ...(isNarrowed && {
      FilterExpression: 'begins_with(#run, :prefix)',
      ExpressionAttributeNames: { '#run': 'run' },
    }),
  }
  const from = next === undefined ? undefined : placeIn(PLACE, next)
  const { items, after } = await indexPage(stack, query, PLACE_KEYS, limit, from)
  return {
    runs: items.map((item) => withoutKeys(item, ['entry', 'listed']) as unknown as ListedRun),
    ...(after !== undefined && { next: placeText(after) }),
  }
}
