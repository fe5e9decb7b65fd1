/**
 * Reads a checkpoint file of any format, and plans what is made of it.
 */
import { firstBytesOf, formatOf } from './file-format.ts'
import { type LegacyFile, readLegacyFile } from './legacy/legacy-file.ts'
import { planLegacyRewrite } from './legacy/plan-legacy.ts'
import { allowing, type GlobalName } from './pickle/allow-list.ts'
import { planRewrite, type RewritePlan } from './plan-rewrite.ts'
import type { RangeReader } from './range-reader.ts'
import { entriesOf, readTorchFile, type TorchFile } from './read-checkpoint.ts'
import { type PickledFile, planSafetensors } from './safetensors/plan-safetensors.ts'
import { planVerbatim } from './safetensors/plan-verbatim.ts'
import { readSafetensorsHeader, type SafetensorsHeader } from './safetensors/read-header.ts'
import { refuseTar } from './tar-header.ts'

/** A file whose tensors were not read. */
export type OpenedCheckpoint =
  | { readonly format: 'zip'; readonly file: TorchFile }
  | { readonly format: 'legacy'; readonly file: LegacyFile }
  | { readonly format: 'safetensors'; readonly file: SafetensorsHeader }

/** In which format a file is written: as `torch.load` reads it, or as the `safetensors` package does. */
export type OutputFormat = 'pth' | 'safetensors'

/** What is to be made of a checkpoint. */
export interface OutputRequest {
  /** Asked once for each top-level key; a key that the checkpoint does not have is not asked about. */
  readonly wanted: (key: string) => boolean
  /** `pth` keeps the source's own format, whichever that is. */
  readonly format: OutputFormat
  /** Globals that are allowed beside the list; the plan's globals tell which of them there were. */
  readonly permitted?: readonly GlobalName[]
}

/** A plan, and the last part of the name that readers of what comes of it look at. */
export interface OutputPlan extends RewritePlan {
  readonly extension: '.pth' | '.safetensors'
}

/**
 * Reads what describes the tensors. A handful of range reads, however large the file.
 *
 * @param permitted globals that are allowed beside the list
 * @throws {CheckpointFormatError} where the file is torn, damaged, or of a kind that is not read
 */
export async function openCheckpoint(
  reader: RangeReader,
  permitted: readonly GlobalName[] = [],
): Promise<OpenedCheckpoint> {
  const format = formatOf(await firstBytesOf(reader), reader.sizeBytes)
  switch (format) {
    case 'zip':
      return { format, file: await readTorchFile(reader, permitted) }
    case 'legacy':
      return { format, file: await readLegacyFile(reader, permitted) }
    case 'safetensors':
      return { format, file: await readSafetensorsHeader(reader) }
  }
}

/**
 * Plans a file with only the wanted keys. The same source and request always give the same plan.
 *
 * @throws {CheckpointFormatError} as `planRewrite`, `planLegacyRewrite`, `planSafetensors`, `planVerbatim` and
 *   `refuseTar` do
 */
export async function planOutput(reader: RangeReader, request: OutputRequest): Promise<OutputPlan> {
  const plan = await planOpened(reader, await openCheckpoint(reader, request.permitted), request)
  await refuseTar(reader, plan.pieces)
  return plan
}

async function planOpened(
  reader: RangeReader,
  opened: OpenedCheckpoint,
  { wanted, format, permitted = [] }: OutputRequest,
): Promise<OutputPlan> {
  if (opened.format === 'safetensors') {
    return { ...planVerbatim(opened.file, wanted), extension: '.safetensors' }
  }
  if (format === 'safetensors') {
    return { ...(await planSafetensors(reader, opened, wanted)), extension: '.safetensors' }
  }
  return { ...(await planTorch(reader, opened, wanted, permitted)), extension: '.pth' }
}

async function planTorch(
  reader: RangeReader,
  opened: PickledFile,
  wanted: OutputRequest['wanted'],
  permitted: readonly GlobalName[],
): Promise<RewritePlan> {
  const allows = allowing(permitted)
  if (opened.format === 'legacy') return planLegacyRewrite(reader, opened.file, wanted, allows)
  const { file } = opened
  return planRewrite({ ...file, entries: entriesOf(file.pickle, file.globals) }, wanted, allows)
}
