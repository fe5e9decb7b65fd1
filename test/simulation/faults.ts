/** What can go wrong with a call, and when it does. */
import { Chance } from '../oracle/chance.ts'

/** What becomes of a call. */
export type CallFault =
  /** The function dies, and the call never arrives. */
  | 'crash before'
  /** The call is applied, and the function dies before the answer. */
  | 'crash after'
  /** The call is applied, and the function sees a broken connection. */
  | 'answer lost'
  /** The call never arrives, and the function sees a broken connection. */
  | 'request lost'
  | '503'
  /** An answer of 500 although the call was applied. */
  | '500 after it was applied'
  | 'throttled'
  /** Another write was under way: 409, or a transaction conflict. */
  | 'conflict'
  /** S3 answers 200, and says in the body that it failed; the SDK makes a 503 of it. */
  | 'error inside a 200'
  | 'body cut short'
  /** It arrives, or is answered, much later: past the time of the function sometimes. */
  | 'stalled'

export const CALL_FAULTS: readonly CallFault[] = [
  'crash before',
  'crash after',
  'answer lost',
  'request lost',
  '503',
  '500 after it was applied',
  'throttled',
  'conflict',
  'error inside a 200',
  'body cut short',
  'stalled',
]
export const CRASHES: readonly CallFault[] = ['crash before', 'crash after', 'answer lost']

/** What can go wrong between the calls. */
export const WORLD_FAULTS = [
  'notification lost',
  'notification doubled',
  'notification delayed',
  'message doubled',
  'message delayed',
  'out of time',
  'dead letter',
] as const
export type WorldFault = (typeof WORLD_FAULTS)[number]

/** How much goes wrong in a schedule. */
export interface FaultRates {
  /** Of a call. */
  readonly call: number
  /** Of a call to take long. */
  readonly stall: number
  /** Of a notification or message. */
  readonly message: number
}

const INSIDE_200 = new Set(['CopyObject', 'CompleteMultipartUpload', 'UploadPartCopy'])
const WRITES = /^(Put|Delete|Copy|Complete|Create|Upload|Abort|Send|TransactWrite)/

/** The faults that a call can meet. */
export function faultsOf(operation: string, input: object): CallFault[] {
  const isWrite = WRITES.test(operation)
  const isConditional =
    operation.startsWith('Transact') || (isWrite && ('IfMatch' in input || 'IfNoneMatch' in input))
  return CALL_FAULTS.filter((fault) => {
    switch (fault) {
      case 'conflict':
        return isConditional
      case 'error inside a 200':
        return INSIDE_200.has(operation)
      case 'body cut short':
        return operation === 'GetObject'
      case '500 after it was applied':
        return isWrite
      case 'stalled':
        return false
      default:
        return true
    }
  })
}

/** Chance that depends on nothing but the seed and a name: taking one fault away leaves the others. */
export function chanceOfName(seed: number, name: string): Chance {
  let hash = 2166136261 ^ seed
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 16777619)
  }
  return new Chance(hash)
}
