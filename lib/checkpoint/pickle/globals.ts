import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { allowing, type GlobalName, isAllowed } from './allow-list.ts'
import type { GlobalNode, PickleGraph } from './node.ts'
import { pathsTo } from './paths.ts'

/** One global that a pickle names. */
export interface NamedGlobal {
  readonly module: string
  readonly name: string
  readonly allowed: boolean
  /** Allowed only because someone permitted it: what came of it says so. */
  readonly byOption: boolean
  /** Where it is first used, `meta.cfg`; `(discarded)` where the pickle throws the value away. */
  readonly path: string
}

/** How many findings one message lists; a hostile file may have thousands. */
const MAX_LISTED = 10

/**
 * Every global that a pickle names, those of discarded values too, with the place of its first use.
 *
 * @param permitted what is allowed beside the list
 * @returns sorted by module and name
 */
export function globalsIn(
  graph: PickleGraph,
  permitted: readonly GlobalName[] = [],
): NamedGlobal[] {
  const allows = allowing(permitted)
  const paths = pathsTo(graph.root, (node): node is GlobalNode => node.kind === 'global')
  const globals = new Set([...graph.globals, ...paths.keys()])
  return [...globals]
    .map((global) => ({
      module: global.module,
      name: global.name,
      allowed: allows(global),
      byOption: allows(global) && !isAllowed(global),
      path: paths.get(global) ?? '(discarded)',
    }))
    .sort((a, b) => compare(a.module, b.module) || compare(a.name, b.name))
}

/**
 * Refuses a pickle that names anything outside the allow-list, be it in a value that would be dropped.
 *
 * @throws {CheckpointFormatError} `forbidden-global`, with each name and its place
 */
export function refuseForbidden(globals: readonly NamedGlobal[]): void {
  const forbidden = globals.filter((global) => !global.allowed)
  if (forbidden.length === 0) return
  const listed = forbidden
    .slice(0, MAX_LISTED)
    .map((global) => `${global.module}.${global.name} at ${global.path}`)
  const more = forbidden.length > MAX_LISTED ? [`and ${forbidden.length - MAX_LISTED} more`] : []
  throw new CheckpointFormatError({
    code: 'forbidden-global',
    field: 'pickle: globals',
    expected: 'only names that hold data (tensors, containers, numpy arrays, MMEngine buffers)',
    found: [...listed, ...more].join(', '),
    meaning:
      'Loading the file would import and perhaps run these. Save plain data instead, or do not trust the file.',
  })
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
