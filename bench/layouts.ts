/**
 * What passes through the function, by layout: the one that is used, and those that were weighed. Prints the
 * table of docs/decisions/0022-layout-and-parts.md. Nothing is written, read or moved: `npm run bench:layouts`.
 */
import Table from 'cli-table3'
import { lengthOf, type Piece } from '../lib/checkpoint/layout.ts'
import { cutIntoParts } from '../lib/checkpoint/parts.ts'
import { planRewrite, type RewritePlan, readCheckpoint } from '../lib/checkpoint/rewrite.ts'
import { type Run, runsOf } from '../lib/checkpoint/runs.ts'
import { fillerOf } from '../lib/checkpoint/zip/filler.ts'
import {
  SHAPES,
  type Shape,
  type StorageOrder,
  shapedCheckpoint,
} from '../test/fixtures/shaped-checkpoints.ts'

const MIB = 1024 ** 2
const LONG_RUN_BYTES = 5 * MIB

/** A layout that was weighed: its runs in order, with the pickle before one of them. */
type Layout = (runs: readonly Run[]) => readonly (Run | 'pickle')[]

const isLong = ({ origin }: Run) => origin.lengthBytes >= LONG_RUN_BYTES
const WEIGHED: Readonly<Record<string, Layout>> = {
  'source order': (runs) => ['pickle', ...runs],
  'short last': (runs) => ['pickle', ...runs.filter(isLong), ...runs.filter((run) => !isLong(run))],
  'pickle last': (runs) => [
    ...runs.filter(isLong),
    ...runs.filter((run) => !isLong(run)),
    'pickle',
  ],
}

const table = new Table({
  style: { head: [], border: [], compact: true },
  head: ['checkpoint', 'order', 'source', 'published', 'used', 'parts', ...Object.keys(WEIGHED)],
})
for (const shape of Object.keys(SHAPES) as Shape[]) {
  for (const order of ['newer', 'older'] as const) {
    for (const mib of [256, 1024, 4096]) table.push(await rowOf(shape, order, mib * MIB))
  }
}
console.log('Bytes through the function, in MiB:')
console.log(table.toString())

async function rowOf(shape: Shape, order: StorageOrder, sizeBytes: number): Promise<string[]> {
  const source = shapedCheckpoint(shape, sizeBytes, order)
  const plan = planRewrite(await readCheckpoint(source), (key) => key !== 'optimizer')
  const parts = cutIntoParts(plan)
  return [
    shape,
    order,
    (source.sizeBytes / MIB).toFixed(0),
    (plan.sizeBytes / MIB).toFixed(0),
    sentMib(parts),
    String(parts.length),
    ...Object.values(WEIGHED).map((layout) => sentMib(cutIntoParts(weighed(plan, layout)))),
  ]
}

function sentMib(parts: ReturnType<typeof cutIntoParts>): string {
  const sent = parts.filter(({ kind }) => kind === 'send')
  return (sent.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) / MIB).toFixed(2)
}

/** As long as the file would be, with zeros for what is new. */
function weighed(
  plan: RewritePlan,
  layout: Layout,
): Pick<RewritePlan, 'pieces' | 'sizeBytes' | 'sourceSizeBytes'> {
  const [pickle, directory] = [plan.pieces[0], plan.pieces.at(-1)]
  if (pickle === undefined || directory === undefined) throw new Error('an empty plan')
  const pieces: Piece[] = []
  let at = 0
  const add = (piece: Piece) => {
    if (lengthOf(piece) > 0) pieces.push(piece)
    at += lengthOf(piece)
  }
  for (const placed of layout(runsOf(plan.copiedEntries))) {
    if (placed === 'pickle') add(pickle)
    else {
      const { offset, lengthBytes } = placed.origin
      // A file that begins with a run has no room for a filler, and data that are aligned to 16 at best.
      if (at > 0) add({ kind: 'bytes', bytes: fillerOf((((offset - at) % 64) + 64) % 64) })
      add({ kind: 'copy', offset, lengthBytes })
    }
  }
  add(directory)
  return { pieces, sizeBytes: at, sourceSizeBytes: plan.sourceSizeBytes }
}
