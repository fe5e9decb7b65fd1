/** How the command fails: with which exit code, and in whose words. */

/** What each exit code says; `docs/cli.md` and `ckpt --help` list them. */
export const EXIT_CODES = {
  failed: { code: 1, means: 'something went wrong on the way: network, rights, disk' },
  usage: { code: 2, means: 'the command line is wrong; nothing was done' },
  'not-found': {
    code: 3,
    means: 'no such file, bucket, object, key of a checkpoint, stack, run or step',
  },
  refused: { code: 4, means: 'not a checkpoint, a damaged one, or one that names code' },
  taken: { code: 5, means: 'the name to write holds something else, which was left' },
  gone: { code: 6, means: 'the checkpoint has expired, or was removed by a person' },
  interrupted: { code: 130, means: 'stopped by Ctrl-C; what was half done is removed' },
} as const

export type FailureKind = keyof typeof EXIT_CODES

/** An end of a command that is not success; its message is written for the person at the terminal. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly kind: FailureKind
  /** The machine's word, where another error is behind it: `forbidden-global`, `AccessDenied`. */
  readonly code: string
  /** What to do; a sentence, or empty. */
  readonly advice: string

  constructor(
    kind: FailureKind,
    message: string,
    { code = kind, advice = '', cause }: { code?: string; advice?: string; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.kind = kind
    this.code = code
    this.advice = advice
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind].code
  }
}
