/** A schedule: what a trainer does and when, how the world is, and how much goes wrong. */
import type { NamedArguments } from '../../lib/hook/hook-arguments.ts'
import type { Content } from './contents.ts'
import type { CallFault, FaultRates } from './faults.ts'

/** Something that a trainer, or a person, does to the bucket. */
export type Act =
  | {
      readonly kind: 'put'
      /** From the schedule's begin. */
      readonly atMs: number
      readonly key: string
      readonly content: Content
      /** Sent in parts that were begun so long before. */
      readonly begunMsBefore?: number
      /** What it is, for the counts. */
      readonly what: string
    }
  | { readonly kind: 'delete'; readonly atMs: number; readonly key: string; readonly what: string }

/** How the services are. */
export interface Services {
  /** Rows of a page of S3, and items of one of DynamoDB. */
  readonly pageRows: number
  readonly pageItems: number
  readonly indexLagMs: number
  /** Small files go the way of large ones: assembled by S3 from parts. */
  readonly inParts: boolean
  readonly computesHashes: boolean
}

/** A fault that strikes the next time that a place makes a call, on top of those that come by chance. */
export interface Strike {
  /** As `call-site.ts` names it. */
  readonly site: string
  readonly fault: CallFault
}

export interface Schedule {
  readonly seed: number
  readonly number: number
  readonly run: string
  readonly stackArguments: NamedArguments
  readonly brake: number
  readonly acts: readonly Act[]
  readonly services: Services
  readonly rates: FaultRates
  /** For so long things may go wrong after the last act; by chance where it is missing. */
  readonly stormMs?: number
  /** Each is waited for once the one before has struck. */
  readonly strikes?: readonly Strike[]
  /** Names of the faults that may strike; all where it is missing. */
  readonly only?: readonly string[]
}

/** When simulated time begins: in milliseconds since 1970, at a whole second. */
export const BEGIN_MS = 1_700_000_000_000
