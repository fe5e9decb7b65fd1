/** What `inspectCheckpoint` tells of a file. */
import type { CheckpointFormatError, CheckpointFormatErrorCode } from './checkpoint-format-error.ts'
import type { NamedGlobal } from './pickle/globals.ts'
import type { PlainValue } from './plain-values.ts'

/** One tensor at one of its places. */
export interface InspectedTensor {
  /** `state_dict.backbone.conv1.weight` */
  readonly path: string
  /** The top-level key that it lies under; empty where the file has none. */
  readonly key: string
  /** torch's name, `float32`. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** Of its elements; views of one storage are counted each. */
  readonly sizeBytes: number
  readonly storage: {
    readonly key: string
    readonly sizeBytes: number
    /** Whether another tensor of the file, or this one under another name, lies in the same storage. */
    readonly isShared: boolean
  }
  readonly isContiguous: boolean
}

/** One top-level key. */
export interface InspectedKey {
  readonly key: string
  /** `dict`, `int`, `collections.OrderedDict`. */
  readonly kind: string
  readonly tensors: number
  /** Of all its tensors' elements, in bytes. */
  readonly tensorBytes: number
  /** Of the storages that it names, each counted once, in bytes. */
  readonly storageBytes: number
  /** Of the storages that no other key names: what a file without this key is smaller by, in bytes. */
  readonly ownStorageBytes: number
}

/** What would keep a program from loading, or the hub from publishing, the file. */
export interface Finding {
  readonly code: CheckpointFormatErrorCode
  /** Where in the object, or in the file. */
  readonly place: string
  readonly message: string
}

export interface Inspection {
  readonly format: 'zip' | 'legacy' | 'safetensors'
  /** Of the whole file. */
  readonly sizeBytes: number
  /** In words, for what the file itself says of its writer: `torch 2.1 or newer`. */
  readonly writtenBy: string
  /** Each undefined where the format or the file does not say. */
  readonly facts: {
    readonly pickleProtocol: number | undefined
    readonly formatVersion: number | undefined
    readonly byteOrder: 'little' | 'big' | undefined
    readonly storageAlignmentBytes: number | undefined
    readonly serializationId: string | undefined
    /** Whether the file's own checksums tell its bytes from others. */
    readonly hasChecksums: boolean
  }
  /** In the order of the file. */
  readonly keys: readonly InspectedKey[]
  readonly tensors: readonly InspectedTensor[]
  /** Of all storages in the file, in bytes; and of those that nothing in the pickle names. */
  readonly totals: { readonly storageBytes: number; readonly unusedStorageBytes: number }
  /** The value of `meta`, or safetensors' `__metadata__`; undefined where there is none. */
  readonly meta: PlainValue | undefined
  readonly globals: readonly NamedGlobal[]
  /** Empty: the hub would publish it. */
  readonly findings: readonly Finding[]
}

/** A refusal as a finding. */
export function findingOf(error: CheckpointFormatError, place = error.field): Finding {
  return { code: error.code, place, message: error.message }
}
