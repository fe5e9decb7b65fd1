/**
 * The chain of a run's commits. Each has the hash of the one before and of what it changed, so that two readers
 * who hold the same one hold the same entries; and a run's last commits are told with what each changed, so that
 * whoever holds one of them reads no more than that.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import type { Attributes, Entries } from './schema.ts'

/** An entry and its new attributes; without them it was deleted. */
export type Change = [entry: string, attributes: Attributes | undefined]

/** DynamoDB reads 100 items in one transaction, of which two are always wanted. */
const MOST_NAMES = 98
/** Every commit writes them, and pays for each kilobyte. */
const MOST_NAME_BYTES = 2_000

const chainSchema = z.object({
  /** What the run's last commit is known by. */
  commit: z.string(),
  /** The last commits, from the oldest: the one before each, and the entries that it changed. */
  recent_commits: z.array(z.object({ after: z.string(), entries: z.array(z.string()) })),
})

type Chain = z.infer<typeof chainSchema>

/** Where the chain of a run stands; nothing of a run without commits, or whose chain was broken off. */
export function chainOf(entries: Entries): Chain | undefined {
  const chain = chainSchema.safeParse(entries.get('runtime_info'))
  return chain.success ? chain.data : undefined
}

/** The chain after one more commit. */
export function chainAfter(chain: Chain | undefined, changes: readonly Change[]): Chain {
  const before = chain?.commit ?? ''
  const text = JSON.stringify([before, changes])
  const commit = createHash('sha256').update(text).digest('hex').slice(0, 32)
  const names = new Set(changes.map(([entry]) => entry))
  // It changes with every commit, and is always read.
  names.delete('runtime_info')
  const latest = { after: before, entries: [...names] }
  const recent = [...(chain?.recent_commits ?? []), latest]
  while (isTooMuch(recent)) recent.shift()
  return { commit, recent_commits: recent }
}

/** The entries that changed since a commit, `runtime_info` apart; nothing where that is not told any more. */
export function changedSince(
  { commit, recent_commits }: Chain,
  since: string,
): string[] | undefined {
  if (commit === since) return []
  const from = recent_commits.findIndex(({ after }) => after === since)
  if (from < 0) return undefined
  return [...new Set(recent_commits.slice(from).flatMap(({ entries }) => entries))]
}

function isTooMuch(recent: Chain['recent_commits']): boolean {
  const names = recent.flatMap(({ entries }) => entries)
  const bytes = names.reduce((sum, name) => sum + Buffer.byteLength(name), 0)
  return names.length > MOST_NAMES || bytes > MOST_NAME_BYTES
}
