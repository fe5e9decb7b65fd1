/** Why a checkpoint was not rewritten, as the hub keeps and shows it. */
import { type CheckpointFormatError, dottedName, type GlobalName } from '../checkpoint/rewrite.ts'
import type { Refusal } from '../hook/ledger.ts'

/**
 * The refusal that an error of a rewrite means.
 *
 * @param allowed what the stack allows beside the allow-list
 */
export function refusalOf(error: CheckpointFormatError, allowed: readonly GlobalName[]): Refusal {
  if (error.code !== 'forbidden-global') return { reason: error.message }
  const advice =
    'Where you know that they hold data only, name them in the setting allowedGlobals of the stack (npm run deploy -- --context allowedGlobals=package.module.Name,…); the next event of the run tries again.'
  return { reason: `${error.message} ${advice}`, allowedGlobals: namesOf(allowed) }
}

/** Globals as the hub records them: each once, in an order that does not depend on the setting's. */
export function namesOf(globals: readonly GlobalName[]): string[] {
  return [...new Set(globals.map(dottedName))].sort()
}
