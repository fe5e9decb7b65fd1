/**
 * The history of a run: the facts that its uploads are, and the order in which they count.
 *
 * Decides which upload is a new fact and which is the same bytes once more. Holds nothing of what the
 * hub did or decided: that is in the ledger. Two histories with the same facts are equal, in whatever
 * order the facts were found.
 */
import type { NamedArguments } from './hook-arguments.ts'
import type { Series } from './names.ts'

/** What makes an upload a directory. The files are not listed here: there may be thousands. */
export interface DirectoryMark {
  /** The name of the file that names the others; nothing where none is there. */
  marker: string | undefined
  /** How many files the marker names. */
  files: number
  /** How many of those were deleted although the marker is there. */
  removed: number
  /** Of the current one the time of the newest file in it as it was looked at, in seconds since 1970. */
  newestSeconds?: number | undefined
}

/** What the hub left out as it wrote a version. */
export interface Strip {
  /** The version that it was made from. */
  versionId: string
  /** The ETag of that version: it was written over an object that had it. */
  etag: string
  /** Top-level keys that it has no longer, whether that version had them or not. */
  droppedKeys: readonly string[]
}

/**
 * One version of a checkpoint's key, as the bucket holds it. Of a directory, whose key ends with a slash,
 * version, ETag and time are its marker's, size and fingerprint those of all its files.
 */
export interface Upload {
  key: string
  versionId: string
  etag: string
  sizeBytes: number
  /** `Last-Modified`, in whole seconds since 1970: S3 gives no more. */
  seconds: number
  /** Hash of the zip directory; nothing where there is none to read. */
  fingerprint: string | undefined
  /** Why this is no whole checkpoint; nothing where it is one. */
  fault: string | undefined
  /** The version that the hub restored by writing this one. */
  restores: string | undefined
  /** True once the hub needed this version and the bucket no longer had it. */
  gone: boolean
  directory?: DirectoryMark
  /** What the hub wrote to strip the checkpoint says so. */
  strips?: Strip
}

/** A metric's value at a step, from one source; `null` is Python's `None`. */
export interface MetricFact {
  metric: string
  value: number | null
  /** Time of the version that first said so, in seconds since 1970. */
  seconds: number
  source: 'event' | 'log'
  key: string
  /** Place in the source's text, from 0: the first one is what `auto` means. */
  position: number
  /** How many other values the same key gave this metric before. */
  ordinal: number
  /** The version of the checkpoint that the event names, if it does. */
  versionId: string | undefined
}

/** A key whose current version is a delete marker, or nothing, by no doing of the hub. */
export interface Removal {
  key: string
  seconds: number
}

/** The facts of one step: its uploads from the oldest to the newest, its metrics in order of the text. */
export interface StepFacts {
  series: Series
  step: number
  uploads: Upload[]
  metrics: MetricFact[]
  removal: Removal | undefined
}

/** A version of a control file. */
export interface ControlFact {
  key: string
  versionId: string
  seconds: number
  /** Which version of its key this is, counted from 0 as the bucket lists them. */
  ordinal: number
  /** What is wrong with it; then it changes nothing. */
  fault: { field: string; reason: string } | undefined
}

/** `checkpoint_hook.json`. */
export interface OptionsFact extends ControlFact {
  named: NamedArguments
}

/** `before_train.json`: a life of the run begins. */
export interface BeginFact extends ControlFact {
  resumeFrom: string | undefined
}

/** `after_train.json`: training ended. */
export interface EndFact extends ControlFact {
  /** The name of the checkpoint that publishing waits for. */
  last: string | undefined
}

/** A checkpoint is pinned, or no longer: `.checkpoint-hub/facts/<run>/pin-<any>.json`. */
export interface PinFact extends ControlFact {
  /** The name of the checkpoint in the run. */
  name: string
  pinned: boolean
  /** Who says so, if it says who. */
  by: string | undefined
}

/** Evictions that the brake holds are agreed to: `.checkpoint-hub/facts/<run>/apply-<any>.json`. */
export interface ConsentFact extends ControlFact {
  /** The version of `checkpoint_hook.json` whose evictions are meant. */
  optionsVersionId: string
  /** How many evictions were shown to whoever agreed. */
  evicts: number
  by: string | undefined
}

/** All facts of a run. */
export interface History {
  /** The stack's default arguments when the hub first saw the run: its first options fact. */
  stackArguments: NamedArguments
  options: OptionsFact[]
  begins: BeginFact[]
  ends: EndFact[]
  pins: PinFact[]
  consents: ConsentFact[]
  steps: Map<string, StepFacts>
}

/** Names a step within its run; sorts by series, then by step, as the message hub's entries do. */
export function stepId(series: Series, step: number): string {
  return `${series}#${String(step).padStart(16, '0')}`
}

/** Names the step of a checkpoint. */
export function idOf({ series, step }: { series: Series; step: number }): string {
  return stepId(series, step)
}

/** What a fact is, in the order in which facts of the same second count. */
export const FACT_ORDER = [
  'begin',
  'options',
  'pin',
  'consent',
  'checkpoint',
  'metric',
  'end',
] as const
export type FactKind = (typeof FACT_ORDER)[number]

/** A place in the history. */
export interface Moment {
  seconds: number
  kind: FactKind
  step?: number
  key?: string
  ordinal?: number
}

/** Compares two places: time, then kind, then step, then key, then the versions of one key. */
export function compareMoments(a: Moment, b: Moment): number {
  return (
    a.seconds - b.seconds ||
    FACT_ORDER.indexOf(a.kind) - FACT_ORDER.indexOf(b.kind) ||
    (a.step ?? 0) - (b.step ?? 0) ||
    compareTexts(a.key ?? '', b.key ?? '') ||
    (a.ordinal ?? 0) - (b.ordinal ?? 0)
  )
}

/** Compares two metrics of a step: time, then key, then the versions of one key, then place in the text. */
export function compareMetrics(a: MetricFact, b: MetricFact): number {
  return (
    a.seconds - b.seconds ||
    compareTexts(a.key, b.key) ||
    a.ordinal - b.ordinal ||
    a.position - b.position
  )
}

/** Order by code unit: the same on every machine, unlike a locale's. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What the versions of a file say, as facts. */
export type ControlKind = Exclude<FactKind, 'checkpoint' | 'metric'>

/** The place of a control file's version. */
export function momentOf(kind: ControlKind, fact: ControlFact): Moment {
  return { seconds: fact.seconds, kind, key: fact.key, ordinal: fact.ordinal }
}

/**
 * Whether two uploads are the same bytes: equal size, and equal ETag or equal fingerprint. ETags that
 * differ prove nothing, since they depend on the parts and the encryption. Nor do equal ones of markers,
 * which may name the same files with other bytes.
 */
export function sameBytes(a: Upload, b: Upload): boolean {
  if (a.sizeBytes !== b.sizeBytes) return false
  if (a.directory !== undefined || b.directory !== undefined) {
    return a.fingerprint !== undefined && a.fingerprint === b.fingerprint
  }
  return a.etag === b.etag || (a.fingerprint !== undefined && a.fingerprint === b.fingerprint)
}

/** Tells the bytes of an upload from others: equal for uploads that are known to be the same. */
export function bytesOf({ sizeBytes, etag, fingerprint }: Upload): string {
  return `${sizeBytes} ${fingerprint ?? etag}`
}

/** An upload as a fact: the first version with its bytes, and the newest one above them, which deletes name. */
export interface CheckpointFact {
  series: Series
  step: number
  key: string
  first: Upload
  live: Upload
  /** Every version of these bytes in a row, from the oldest. */
  versions: Upload[]
  /** What a slow worker brought back over these: versions of what had lain under the key before. */
  lateRestores: Upload[]
  /** True where no upload of other bytes lies above it. */
  newestOfKey: boolean
  /** Position among the key's facts, from 0. */
  ordinal: number
}

/**
 * The uploads of one key as facts. An upload of the same bytes as the one before is no new fact: it
 * becomes that fact's live version and leaves it its time. So does what the hub wrote as a restore, or to
 * strip it. Nor is a restore of older bytes a fact: a slow worker wrote it once the key was free again.
 *
 * @param key the key that counts: a step may have been uploaded under another template too
 */
export function checkpointFacts(facts: StepFacts, key: string): CheckpointFact[] {
  const found: CheckpointFact[] = []
  for (const upload of facts.uploads) {
    if (upload.key !== key) continue
    const before = found.at(-1)
    if (before !== undefined && continues(before, upload)) {
      before.live = upload
      before.versions.push(upload)
      continue
    }
    if (before !== undefined && isLateRestore(found, before, upload)) {
      before.live = upload
      before.lateRestores.push(upload)
      continue
    }
    if (before !== undefined) before.newestOfKey = false
    found.push({
      series: facts.series,
      step: facts.step,
      key,
      first: upload,
      live: upload,
      versions: [upload],
      lateRestores: [],
      newestOfKey: true,
      ordinal: found.length,
    })
  }
  return found
}

function continues(before: CheckpointFact, upload: Upload): boolean {
  // Any of them may tell: a restored version has another ETag, and no fingerprint was taken of it.
  return before.versions.some(
    (version) =>
      sameBytes(version, upload) || isRestored(version, upload) || isStripped(version, upload),
  )
}

/** What is torn says nothing: the marker of a directory may have been written while others of its files came. */
function isLateRestore(
  found: readonly CheckpointFact[],
  before: CheckpointFact,
  upload: Upload,
): boolean {
  if (before.first.fault !== undefined || upload.fault !== undefined) return false
  return found.some(({ versions, lateRestores }) =>
    [...versions, ...lateRestores].some((version) => isRestored(version, upload)),
  )
}

/** Its token alone would not do: whoever copies an object copies that too. */
function isRestored(version: Upload, upload: Upload): boolean {
  return version.versionId === upload.restores && version.sizeBytes === upload.sizeBytes
}

/** By the ETag: where the same bytes had come again meanwhile, it was written over those. */
function isStripped(version: Upload, upload: Upload): boolean {
  return version.etag === upload.strips?.etag && upload.fault === undefined
}

/**
 * The top-level keys that a version of a checkpoint has no longer, since the hub left them out; empty
 * where it is as the trainer uploaded it.
 */
export function droppedFrom(
  { versions }: Pick<CheckpointFact, 'versions'>,
  upload: Upload,
): readonly string[] {
  const at = versions.indexOf(upload)
  const origin = versions.findLast(
    (each, place) =>
      place < at &&
      (isStripped(each, upload) || isRestored(each, upload) || sameBytes(each, upload)),
  )
  if (origin === undefined) return []
  return isStripped(origin, upload)
    ? (upload.strips?.droppedKeys ?? [])
    : droppedFrom({ versions }, origin)
}

/** The place of an upload: that of its first version. */
export function momentOfCheckpoint(fact: CheckpointFact): Moment {
  return {
    seconds: fact.first.seconds,
    kind: 'checkpoint',
    step: fact.step,
    key: fact.key,
    ordinal: fact.ordinal,
  }
}
