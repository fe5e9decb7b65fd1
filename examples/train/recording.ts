/** The recorded example run, as `record.py` wrote it. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Where the recording of this repository lies. */
export const RECORDED = new URL('../recorded/', import.meta.url)

/** One object as the trainer put it, in the trainer's order. */
export interface RecordedUpload {
  /** Below the run's prefix; the content is the file of that name in `uploads/`. */
  readonly key: string
  /** The hook point after which it went. */
  readonly after: 'before_train' | 'after_val_epoch' | 'after_train'
  /** How many epochs were done. */
  readonly epoch: number
  /** How much of the file it was: the log grows, and goes again after each epoch. */
  readonly bytes: number
}

/** A metric event, as in `metrics/epoch_3.json`. */
export interface RecordedValidation {
  readonly epoch: number
  readonly iter: number
  readonly metrics: Readonly<Record<string, number>>
}

/** What MMEngine's hook left, with all paths below the run. */
export interface LeftByHook {
  readonly checkpoints: readonly string[]
  readonly best: readonly string[]
  /** Stems: MMEngine's hash differs from process to process. */
  readonly published: readonly string[]
  /** The text of `last_checkpoint`; `null` where the hook wrote none. */
  readonly last_checkpoint: string | null
  readonly runtime_info: Readonly<Record<string, string | number | readonly number[]>>
}

/** What is in one checkpoint. */
export interface RecordedCheckpoint {
  /** Its top-level keys, in their order. */
  readonly keys: readonly string[]
  /** As its `meta` says. */
  readonly epoch: number
  readonly iter: number
  /** The SHA-256 is that of the tensor's raw bytes, in row-major order. */
  readonly state_dict: Readonly<
    Record<
      string,
      { readonly dtype: string; readonly shape: readonly number[]; readonly sha256: string }
    >
  >
}

/** `expected.json`. */
export interface Expected {
  readonly versions: { readonly torch: string; readonly mmengine: string }
  readonly arguments: Readonly<Record<string, unknown>>
  readonly iterations_per_epoch: number
  readonly validations: readonly RecordedValidation[]
  readonly left: LeftByHook
  /** What the hook left: checkpoints and best by name, published ones by stem. */
  readonly files: Readonly<Record<string, RecordedCheckpoint>>
  /** What was uploaded, by name. */
  readonly uploads: Readonly<Record<string, RecordedCheckpoint>>
}

/** One entry of `expected_variants.json`: the same training with other arguments. */
export interface ExpectedVariant {
  readonly arguments: Readonly<Record<string, unknown>>
  /** What a trainer would upload: each step that the hook saved, and each that was validated. */
  readonly uploads: readonly string[]
  readonly left: LeftByHook
}

/** The recording's tables. */
export interface Recording {
  readonly order: readonly RecordedUpload[]
  readonly expected: Expected
  readonly variants: Readonly<Record<string, ExpectedVariant>>
}

/** Read the tables of the recording. */
export async function readRecording(): Promise<Recording> {
  return {
    order: await readTable('order.json'),
    expected: await readTable('expected.json'),
    variants: await readTable('expected_variants.json'),
  }
}

/** The path of what was uploaded under a key. */
export function uploadPath(key: string): string {
  return fileURLToPath(new URL(`uploads/${key}`, RECORDED))
}

/** The body of one upload: of a growing log, as much as was there. */
export async function uploadBody(upload: RecordedUpload): Promise<Buffer> {
  const content = await readFile(uploadPath(upload.key))
  return content.subarray(0, upload.bytes)
}

async function readTable<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(name, RECORDED), 'utf8'))
}
