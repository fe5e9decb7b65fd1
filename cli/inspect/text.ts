/** An inspection for people: sections of columns. */
import type { InspectedTensor, Inspection } from '../../lib/checkpoint/inspect.ts'
import { type Cell, pairsOf, tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { textOfPlace } from '../place.ts'
import type { Source } from '../source.ts'

/** How much of an inspection is shown. */
export interface Extent {
  /** All tensors, and values of `meta` in full. */
  readonly all: boolean
  /** What reading it took. */
  readonly stats: boolean
}

/** A screen has room for so many; of a pipe none are left out. */
const SHOWN_TENSORS = 20
/** A value of `meta` takes one line; configurations have thousands of characters. */
const SHOWN_CHARACTERS = 72

/** The whole text. */
export function textOfInspection(
  terminal: Terminal,
  source: Source,
  inspection: Inspection,
  extent: Extent,
): string {
  const { globals, findings } = inspection
  const doubted = globals.filter(({ allowed, byOption }) => !allowed || byOption)
  const sections = [
    pairsOf(terminal, facts(source, inspection, extent)),
    section(terminal, 'Keys', ['key', 'kind', 'tensors', 'size', 'alone'], keyRows(inspection)),
    tensorSection(terminal, inspection.tensors, extent),
    metaSection(terminal, inspection.meta, extent),
    section(
      terminal,
      `Globals (${globals.length}, ${doubted.length === 0 ? 'all' : globals.length - doubted.length} known to be harmless)`,
      ['module', 'name', 'first used at', 'allowed'],
      (extent.all || !terminal.isForPeople ? globals : doubted).map(
        ({ module, name, path, allowed, byOption }) => [
          module,
          name,
          path,
          byOption ? 'by you' : allowed ? 'yes' : 'NO',
        ],
      ),
    ),
    section(
      terminal,
      'Findings',
      ['code', 'where', 'what'],
      findings.map(({ code, place, message }) => [code, place, message]),
    ),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function facts(
  { place, traffic }: Source,
  { sizeBytes, format, writtenBy, facts, totals }: Inspection,
  { stats }: Extent,
): [string, Cell][] {
  const pairs: [string, Cell | undefined][] = [
    ['checkpoint', textOfPlace(place)],
    ['size', { sizeBytes }],
    [
      'format',
      facts.formatVersion === undefined ? format : `${format}, version ${facts.formatVersion}`,
    ],
    ['written by', writtenBy],
    ['pickle protocol', facts.pickleProtocol],
    ['byte order', facts.byteOrder],
    ['tensor data', { sizeBytes: totals.storageBytes }],
    [
      'of it unused',
      totals.unusedStorageBytes === 0 ? undefined : { sizeBytes: totals.unusedStorageBytes },
    ],
    ['checksums', facts.hasChecksums ? undefined : 'none'],
    ['requests', stats ? traffic.requests : undefined],
    ['bytes read', stats ? traffic.bytes : undefined],
  ]
  return pairs.filter((pair): pair is [string, Cell] => pair[1] !== undefined)
}

function keyRows({ keys }: Inspection): Cell[][] {
  return keys.map(({ key, kind, tensors, storageBytes, ownStorageBytes }) => [
    key,
    kind,
    tensors,
    { sizeBytes: storageBytes },
    { sizeBytes: ownStorageBytes },
  ])
}

function tensorSection(
  terminal: Terminal,
  tensors: readonly InspectedTensor[],
  { all }: Extent,
): string {
  const shown = all || !terminal.isForPeople ? tensors : tensors.slice(0, SHOWN_TENSORS)
  const rows = shown.map(({ path, dtype, shape, sizeBytes, storage }): Cell[] => [
    path,
    dtype,
    `[${shape.join(', ')}]`,
    { sizeBytes },
    storage.isShared ? 'shared' : '',
  ])
  const title = `Tensors (${tensors.length})`
  const text = section(terminal, title, ['tensor', 'dtype', 'shape', 'size', 'storage'], rows)
  const hidden = tensors.length - shown.length
  return hidden === 0 ? text : `${text}\n${terminal.style('dim', `… and ${hidden} more: --all`)}`
}

function metaSection(terminal: Terminal, meta: Inspection['meta'], { all }: Extent): string {
  if (meta === undefined) return ''
  const isDict = typeof meta === 'object' && meta !== null && !Array.isArray(meta)
  const rows = Object.entries(isDict ? meta : { value: meta }).map(
    ([name, value]): [string, string] => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      const isShort = all || !terminal.isForPeople || text.length <= SHOWN_CHARACTERS
      return [name, isShort ? text : `${text.slice(0, SHOWN_CHARACTERS - 1)}…`]
    },
  )
  return rows.length === 0 ? '' : `${titleOf(terminal, 'Meta')}\n${pairsOf(terminal, rows)}`
}

function section(
  terminal: Terminal,
  title: string,
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  if (rows.length === 0) return title.includes('(') ? titleOf(terminal, title) : ''
  return `${titleOf(terminal, title)}\n${tableOf(terminal, heads, rows)}`
}

function titleOf(terminal: Terminal, title: string): string {
  return terminal.style(['bold', 'cyan'], title)
}
