/** What `ckpt publish` says when it is done. */
import { basename } from 'node:path'
import type { RewritePlan } from '../../lib/checkpoint/rewrite.ts'
import { type Cell, pairsOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { textOfPlace } from '../place.ts'
import type { Source } from '../source.ts'
import type { Published } from './moving.ts'
import { type Target, textOfTarget } from './target.ts'

/** What came of it; a plan's hash may be unknown. */
export type Outcome = Published | { readonly kind: 'planned'; readonly sha256: string | undefined }

/** A publication that is done, or planned. */
export interface Publication {
  readonly source: Source
  readonly target: Target
  readonly plan: RewritePlan
  readonly outcome: Outcome
}

const SAYS = {
  written: 'published',
  same: 'is there already',
  planned: 'would publish',
} as const

/** Prints the answer. */
export function reportPublication(terminal: Terminal, publication: Publication): void {
  const { source, target, plan, outcome } = publication
  const copies = plan.pieces.filter((piece) => piece.kind === 'copy')
  const copiedBytes = copies.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
  const newBytes = plan.sizeBytes - copiedBytes
  const place = textOfTarget(target, outcome.sha256)
  const permitted = plan.globals
    .filter(({ byOption }) => byOption)
    .map(({ module, name }) => `${module}.${name}`)
  const json = {
    outcome: outcome.kind,
    source: textOfPlace(source.place),
    source_size_bytes: plan.sourceSizeBytes,
    published: place,
    name: basename(place),
    sha256: outcome.sha256 ?? null,
    size_bytes: plan.sizeBytes,
    kept_keys: plan.keptKeys,
    removed_keys: plan.removedKeys,
    globals_allowed_by_option: permitted,
    copied_bytes: copiedBytes,
    copied_ranges: copies.length,
    new_bytes: newBytes,
    layout_version: plan.layoutVersion,
    read: source.traffic,
  }
  const pairs: [string, Cell][] = [
    [SAYS[outcome.kind], place],
    ['keys kept', plan.keptKeys.join(', ') || 'none'],
    ['keys removed', plan.removedKeys.join(', ') || 'none'],
    ['size', { sizeBytes: plan.sizeBytes }],
    ['size of source', { sizeBytes: plan.sourceSizeBytes }],
    ['copied', { sizeBytes: copiedBytes }],
    ['ranges copied', copies.length],
    ['new', { sizeBytes: newBytes }],
    ['SHA-256', outcome.sha256 ?? 'not known before the bytes are read'],
  ]
  if (permitted.length > 0) pairs.push(['allowed by you', permitted.join(', ')])
  terminal.answer(json, () => pairsOf(terminal, pairs))
}
