import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import type { PickleNode } from './node.ts'

/**
 * Refuses a kept value that refers to the whole: a removed value would stay under that name.
 *
 * @param nodes of what is kept, as `reachable` gives them
 * @throws {CheckpointFormatError} `not-expressible`
 */
export function refuseWayBack(nodes: readonly PickleNode[], whole: PickleNode): void {
  if (!nodes.includes(whole)) return
  throw new CheckpointFormatError({
    code: 'not-expressible',
    field: 'pickle: the saved object',
    expected: 'values that do not contain the checkpoint itself',
    found: 'a kept value that refers back to the whole',
    meaning: 'Keys cannot be removed from it, because a kept value still holds them.',
  })
}
