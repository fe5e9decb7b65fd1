/**
 * Plans a safetensors file of a checkpoint's `state_dict`: a header, then each tensor's bytes as a range of the
 * source. `meta` becomes `__metadata__`.
 */
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { LAYOUT_VERSION, type Piece } from '../layout.ts'
import type { LegacyFile } from '../legacy/legacy-file.ts'
import { safetensorsDtype } from '../pickle/dtypes.ts'
import { refuseForbidden } from '../pickle/globals.ts'
import { topLevelEntries } from '../pickle/top-level.ts'
import { type RewritePlan, WITHOUT_ENTRIES } from '../plan-rewrite.ts'
import type { RangeReader } from '../range-reader.ts'
import type { TorchFile } from '../read-checkpoint.ts'
import { headerBytes, type NewTensor } from './header-bytes.ts'
import { metadataOf } from './metadata.ts'
import { type StateTensor, stateTensors } from './state-tensors.ts'
import { dataOffsets } from './storage-data.ts'

/** A zip or legacy file of torch. */
export type PickledFile =
  | { readonly format: 'zip'; readonly file: TorchFile }
  | { readonly format: 'legacy'; readonly file: LegacyFile }

/**
 * Tensors lie by the size of their elements, the largest first, as safetensors' own writer puts them, so that
 * each is aligned without gaps; among those of one size, in the order of the state dict. Views that share bytes
 * are written once for each of their names, for the format knows no sharing.
 *
 * @param reader the local headers, or counts, of the storages are read, which tell where their data begin
 * @param wanted asked about `state_dict`, which must be, and about `meta`
 * @throws {CheckpointFormatError} `forbidden-global`, `not-expressible` with the names of values that are no
 *   contiguous tensors of a dtype that safetensors has, `bad-storage`, `bad-zip`, `bad-legacy`, `too-large`
 */
export async function planSafetensors(
  reader: RangeReader,
  source: PickledFile,
  wanted: (key: string) => boolean,
): Promise<RewritePlan> {
  const { globals, pickle } = source.file
  refuseForbidden(globals)
  refuseBigEndian(source)
  const entries = topLevelEntries(pickle.root)
  const keptKeys = entries
    .map(({ key }) => key)
    .filter((key) => (key === 'state_dict' || key === 'meta') && wanted(key))
  const state = entries.find(({ key }) => key === 'state_dict')
  if (state === undefined || !keptKeys.includes('state_dict')) throw noStateDict()
  const tensors = stateTensors(state.value).toSorted((a, b) => b.elementBytes - a.elementBytes)
  requireBounded(tensors, reader.sizeBytes)
  const offsets = await dataOffsets(reader, source, tensors)
  const meta = keptKeys.includes('meta') ? entries.find(({ key }) => key === 'meta') : undefined
  const header = headerBytes(placed(tensors), metadataOf(meta?.value))
  const pieces: Piece[] = [
    { kind: 'bytes', bytes: header },
    ...tensors
      .filter(({ sizeBytes }) => sizeBytes > 0)
      .map(({ storageKey, startBytes, sizeBytes }): Piece => {
        const offset = (offsets.get(storageKey) ?? 0) + startBytes
        return { kind: 'copy', offset, lengthBytes: sizeBytes }
      }),
  ]
  return {
    layoutVersion: LAYOUT_VERSION,
    pieces: withNeighboursJoined(pieces),
    sizeBytes: total(tensors) + header.byteLength,
    keptKeys,
    removedKeys: entries.map(({ key }) => key).filter((key) => !keptKeys.includes(key)),
    globals,
    sourceSizeBytes: reader.sizeBytes,
    ...WITHOUT_ENTRIES,
  }
}

function placed(tensors: readonly StateTensor[]): NewTensor[] {
  let at = 0
  return tensors.map(({ name, dtype, shape, sizeBytes }) => {
    const begin = at
    at += sizeBytes
    return { name, dtype: safetensorsDtype(dtype) ?? dtype, shape, begin, end: at }
  })
}

function withNeighboursJoined(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (
      piece.kind === 'copy' &&
      last?.kind === 'copy' &&
      last.offset + last.lengthBytes === piece.offset
    ) {
      const lengthBytes = last.lengthBytes + piece.lengthBytes
      joined[joined.length - 1] = { kind: 'copy', offset: last.offset, lengthBytes }
    } else {
      joined.push(piece)
    }
  }
  return joined
}

/** A pickle can name one storage endlessly often; a model ties a few of its largest tensors. */
function requireBounded(tensors: readonly StateTensor[], sourceSizeBytes: number): void {
  const sizeBytes = total(tensors)
  if (sizeBytes <= 2 * sourceSizeBytes) return
  const times = new Map<string, string[]>()
  for (const { storageKey, name } of tensors) {
    times.set(storageKey, [...(times.get(storageKey) ?? []).slice(0, 2), name])
  }
  const most = [...times.values()].find((names) => names.length > 2) ?? []
  throw notExpressible(
    `at most twice the source's ${sourceSizeBytes} bytes`,
    `${sizeBytes} bytes, by tensors that share storages (${most.join(', ')} and others)`,
    'safetensors knows no sharing, so each name would be written in full. Publish it as "pth".',
  )
}

/** Bytes are copied as they are, and safetensors' are little-endian; legacy files are so on every machine. */
function refuseBigEndian(source: PickledFile): void {
  if (source.format !== 'zip' || source.file.facts.byteOrder !== 'big') return
  throw notExpressible(
    'byteorder little',
    'big',
    'safetensors files are little-endian, and no byte is changed on the way. Publish it as "pth".',
  )
}

function noStateDict(): CheckpointFormatError {
  return notExpressible(
    'the key state_dict, among the published keys',
    'none',
    'A safetensors file holds the tensors of state_dict. Publish it as "pth", or with that key.',
  )
}

function notExpressible(expected: string, found: string, meaning: string): CheckpointFormatError {
  const field = 'publish_format "safetensors"'
  return new CheckpointFormatError({ code: 'not-expressible', field, expected, found, meaning })
}

function total(tensors: readonly StateTensor[]): number {
  return tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
