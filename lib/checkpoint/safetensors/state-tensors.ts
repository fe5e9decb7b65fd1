import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { safetensorsDtype } from '../pickle/dtypes.ts'
import type { PickleNode } from '../pickle/node.ts'
import {
  checkTensor,
  elementCount,
  isContiguous,
  viewOfTensor,
  withinParameter,
} from '../pickle/tensors.ts'
import { topLevelEntries } from '../pickle/top-level.ts'

/** A tensor of a state dict whose bytes follow each other in its storage. */
export interface StateTensor {
  readonly name: string
  /** torch's name. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly storageKey: string
  /** Of the whole storage. */
  readonly storageBytes: number
  /** Where in the storage it begins, in bytes. */
  readonly startBytes: number
  readonly sizeBytes: number
  readonly elementBytes: number
}

/** How many names one message lists. */
const MAX_LISTED = 10

/**
 * The tensors of a state dict, in its order.
 *
 * @throws {CheckpointFormatError} `not-expressible` with the names of values that safetensors cannot hold, and
 *   why each cannot; `bad-storage`; `no-top-level-dict` where it is no dict of text keys
 */
export function stateTensors(stateDict: PickleNode): StateTensor[] {
  const tensors: StateTensor[] = []
  const refused: string[] = []
  for (const { key: name, value } of topLevelEntries(stateDict)) {
    const tensor = tensorOf(name, value)
    if (typeof tensor === 'string') refused.push(`${name.slice(0, 100)} (${tensor})`)
    else tensors.push(tensor)
  }
  if (refused.length === 0) return tensors
  const more = refused.length > MAX_LISTED ? [`and ${refused.length - MAX_LISTED} more`] : []
  throw new CheckpointFormatError({
    code: 'not-expressible',
    field: 'publish_format "safetensors": state_dict',
    expected: 'contiguous tensors of dtypes that safetensors has',
    found: [...refused.slice(0, MAX_LISTED), ...more].join(', '),
    meaning: 'No byte is changed on the way. Save contiguous tensors, or publish it as "pth".',
  })
}

/** The tensor, or why it is none that can be copied. */
function tensorOf(name: string, value: PickleNode): StateTensor | string {
  if (name === '__metadata__') return 'a name that the format keeps for itself'
  if (value.kind !== 'object') return `a ${value.kind}`
  const view = viewOfTensor(withinParameter(value))
  if (view === undefined) return `a ${value.callee.module}.${value.callee.name}`
  checkTensor(view)
  if (!view.isPlain) return 'quantized, conjugated or negated'
  if (safetensorsDtype(view.dtype) === undefined) return `of dtype ${view.dtype}`
  if (!isContiguous(view)) return 'not contiguous'
  return {
    name,
    dtype: view.dtype,
    shape: view.shape,
    storageKey: view.storage.key,
    storageBytes: view.storage.sizeBytes,
    startBytes: view.offset * view.elementBytes,
    sizeBytes: elementCount(view.shape) * view.elementBytes,
    elementBytes: view.elementBytes,
  }
}
