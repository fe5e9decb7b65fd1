/** What publishing a checkpoint comes to, before a byte of it is moved. */
import type { RangeReader } from '../../lib/checkpoint/range-reader.ts'
import {
  type GlobalName,
  type OutputFormat,
  planOutput,
  type RewritePlan,
} from '../../lib/checkpoint/rewrite.ts'
import { Failure } from '../failure.ts'

/** What a person asked for. */
export interface PublicationRequest {
  /** The top-level keys to keep. */
  readonly keys: readonly string[]
  readonly format: OutputFormat
  /** Globals that are allowed beside the list. */
  readonly permitted: readonly GlobalName[]
}

/**
 * Reads a checkpoint and plans its rewrite.
 *
 * @throws {Failure} `not-found` where the checkpoint does not have one of the keys, with those that it has;
 *   `usage` where the format has no room for one
 * @throws {CheckpointFormatError} as `planOutput` does
 */
export async function planPublication(
  reader: RangeReader,
  { keys, format, permitted }: PublicationRequest,
): Promise<RewritePlan> {
  // In the checkpoint's own order, as far as it is asked for.
  const there = new Set<string>()
  const wanted = (key: string) => {
    there.add(key)
    return keys.includes(key)
  }
  const plan = await planOutput(reader, { wanted, format, permitted })
  for (const key of [...plan.keptKeys, ...plan.removedKeys]) there.add(key)
  requireKeys(keys, there)
  const without = keys.filter((key) => !plan.keptKeys.includes(key))
  if (without.length > 0) {
    throw new Failure('usage', `${format} has no room for ${quoted(without)}`, {
      advice: 'It holds the tensors of state_dict, and meta as text: --keys meta,state_dict',
    })
  }
  return plan
}

function requireKeys(keys: readonly string[], there: ReadonlySet<string>): void {
  const missing = keys.filter((key) => !there.has(key))
  if (missing.length === 0) return
  throw new Failure('not-found', `the checkpoint has no key ${quoted(missing)}`, {
    code: 'no-such-key',
    advice: `It has ${[...there].join(', ') || 'none at all'}.`,
  })
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => JSON.stringify(key)).join(', ')
}
