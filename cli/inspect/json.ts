import type { Inspection } from '../../lib/checkpoint/inspect.ts'
import { textOfPlace } from '../place.ts'
import type { Source } from '../source.ts'

/** An inspection as `--json` prints it. Programs read this: `docs/cli.md` describes each field. */
export function jsonOfInspection(source: Source, inspection: Inspection): object {
  const { facts, totals, globals, findings } = inspection
  return {
    source: textOfPlace(source.place),
    size_bytes: inspection.sizeBytes,
    format: inspection.format,
    written_by: inspection.writtenBy,
    pickle_protocol: facts.pickleProtocol ?? null,
    format_version: facts.formatVersion ?? null,
    byte_order: facts.byteOrder ?? null,
    storage_alignment_bytes: facts.storageAlignmentBytes ?? null,
    serialization_id: facts.serializationId ?? null,
    has_checksums: facts.hasChecksums,
    storage_bytes: totals.storageBytes,
    unused_storage_bytes: totals.unusedStorageBytes,
    keys: inspection.keys.map((key) => ({
      key: key.key,
      kind: key.kind,
      tensors: key.tensors,
      tensor_bytes: key.tensorBytes,
      storage_bytes: key.storageBytes,
      own_storage_bytes: key.ownStorageBytes,
    })),
    tensors: inspection.tensors.map((tensor) => ({
      path: tensor.path,
      key: tensor.key,
      dtype: tensor.dtype,
      shape: tensor.shape,
      size_bytes: tensor.sizeBytes,
      is_contiguous: tensor.isContiguous,
      storage: tensor.storage.key,
      storage_bytes: tensor.storage.sizeBytes,
      shares_storage: tensor.storage.isShared,
    })),
    meta: inspection.meta ?? null,
    globals: globals.map(({ module, name, path, allowed, byOption }) => ({
      module,
      name,
      first_used_at: path,
      allowed,
      by_option: byOption,
    })),
    findings,
    read: source.traffic,
  }
}
