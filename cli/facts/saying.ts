/** Options of the commands that tell the hub something. */
import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'

/** How something is said. */
export interface Saying {
  /** Who says it. */
  readonly by: string
  /** For how long the hub's doing is waited for; 0 is not at all. */
  readonly waitSeconds: number
}

/** What commander makes of the options. */
export interface SayingOptions {
  readonly by?: string
  readonly wait?: number
}

/** S3 tells of an upload within seconds, and a large checkpoint is copied within a minute. */
const WAIT_SECONDS = 120
/** As `lib/run/read-control.ts` allows. */
const LONGEST_NAME = 200

/** Adds `--by` and `--wait`. */
export function withSaying(command: Command): Command {
  return command
    .option('--by <name>', 'who says so (default: the name of this user)', parseName)
    .option(
      '--wait <seconds>',
      `for how long to wait until the hub has done it; 0: not (default: ${WAIT_SECONDS})`,
      parseSeconds,
    )
}

/** How something is said, where not all of it was typed. */
export function sayingOf({ by, wait }: SayingOptions): Saying {
  return { by: by ?? nameOfUser(), waitSeconds: wait ?? WAIT_SECONDS }
}

/** A user without an entry in the system's list has no name. */
function nameOfUser(): string {
  try {
    return userInfo().username.slice(0, LONGEST_NAME)
  } catch {
    return 'unknown'
  }
}

function parseName(text: string): string {
  if (text !== '' && text.length <= LONGEST_NAME) return text
  throw new InvalidArgumentError(`It has to have 1 to ${LONGEST_NAME} letters.`)
}

function parseSeconds(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It has to be a whole number of seconds.')
}
