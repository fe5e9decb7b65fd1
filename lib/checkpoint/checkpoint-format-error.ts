/**
 * Why a file is not read, or not rewritten, as a checkpoint.
 *
 * - `truncated`, `no-end-record`: the file is torn, or its upload is not finished
 * - `not-a-checkpoint`, `legacy-format`, `torchscript`, `no-pickle`: another kind of file
 * - `bad-zip`, `overlap`, `duplicate-name`, `compressed-entry`, `checksum`: readers could disagree about it
 * - `bad-legacy`, `bad-safetensors`: a file of that format whose parts contradict each other
 * - `too-large`, `too-deep`: a stated limit is exceeded
 * - `bad-pickle`, `unknown-opcode`: its `data.pkl` is damaged, or does what no pickler writes
 * - `forbidden-global`: its pickle names something that is not on the allow-list
 * - `bad-storage`: a storage or a tensor is not as long as the pickle says
 * - `no-top-level-dict`: the pickle holds something else than a dict with string keys
 * - `bad-marker`: the marker of a directory checkpoint does not name its files
 * - `not-expressible`: a value that the format of the output has no way to write
 */
export type CheckpointFormatErrorCode =
  | 'truncated'
  | 'no-end-record'
  | 'not-a-checkpoint'
  | 'legacy-format'
  | 'torchscript'
  | 'no-pickle'
  | 'bad-zip'
  | 'overlap'
  | 'duplicate-name'
  | 'compressed-entry'
  | 'checksum'
  | 'bad-legacy'
  | 'bad-safetensors'
  | 'too-large'
  | 'too-deep'
  | 'bad-pickle'
  | 'unknown-opcode'
  | 'forbidden-global'
  | 'bad-storage'
  | 'no-top-level-dict'
  | 'bad-marker'
  | 'not-expressible'

/** What a `CheckpointFormatError` is made of. */
export interface FormatComplaint {
  readonly code: CheckpointFormatErrorCode
  /** The field of the format, in its specification's words: `end record: entries on this disk`. */
  readonly field: string
  readonly expected: string
  readonly found: string
  /** What that probably means for the person who uploaded the file. */
  readonly meaning: string
}

/** A file that is not read, or not rewritten, as a checkpoint; the only error that this room throws. */
export class CheckpointFormatError extends Error {
  override readonly name = 'CheckpointFormatError'
  readonly code: CheckpointFormatErrorCode
  readonly field: string
  readonly expected: string
  readonly found: string
  readonly meaning: string

  constructor(complaint: FormatComplaint) {
    super(
      `${complaint.field}: expected ${complaint.expected}, found ${complaint.found}. ${complaint.meaning}`,
    )
    this.code = complaint.code
    this.field = complaint.field
    this.expected = complaint.expected
    this.found = complaint.found
    this.meaning = complaint.meaning
  }
}
