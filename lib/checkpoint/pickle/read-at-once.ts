import type { PickleNode } from './node.ts'
import type { CompositeNode } from './steps.ts'

/**
 * For each node of a path, whether its contents are read at once where it stands, and not only referred to:
 * a call reads its arguments through all lists and dicts in them, BUILD reads the state itself. Such a
 * container must be full by then.
 *
 * @param path nodes within each other, from the outermost
 * @param unmade those of them that do not exist yet; a call in it is still collecting its arguments
 */
export function readAtOnce(
  path: readonly CompositeNode[],
  unmade: ReadonlySet<PickleNode>,
): boolean[] {
  let inArguments = false
  let isState = false
  return path.map((node, index) => {
    const around = path[index - 1]
    if (around?.kind === 'object') {
      inArguments = unmade.has(around)
      isState = around.changes.some((change) => change.kind === 'build' && change.state === node)
    } else if (around?.kind !== 'tuple') {
      // The parts of a state that is a tuple are read, what lies in its lists and dicts is not.
      isState = false
    }
    return inArguments || isState
  })
}
