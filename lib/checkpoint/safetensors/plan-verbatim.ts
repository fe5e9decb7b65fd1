import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { LAYOUT_VERSION } from '../layout.ts'
import { type RewritePlan, WITHOUT_ENTRIES } from '../plan-rewrite.ts'
import type { SafetensorsHeader } from './read-header.ts'

/**
 * Plans a copy of a safetensors file as it is: it holds one state dict and texts about it, so there is no
 * optimizer to leave out.
 *
 * @param wanted asked about `state_dict` only
 * @throws {CheckpointFormatError} `not-expressible` where `state_dict` is not wanted
 */
export function planVerbatim(
  header: SafetensorsHeader,
  wanted: (key: string) => boolean,
): RewritePlan {
  if (!wanted('state_dict')) throw refusal()
  const { fileSizeBytes } = header
  return {
    layoutVersion: LAYOUT_VERSION,
    pieces: [{ kind: 'copy', offset: 0, lengthBytes: fileSizeBytes }],
    sizeBytes: fileSizeBytes,
    keptKeys: header.metadata === undefined ? ['state_dict'] : ['meta', 'state_dict'],
    removedKeys: [],
    globals: [],
    sourceSizeBytes: fileSizeBytes,
    ...WITHOUT_ENTRIES,
  }
}

function refusal(): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'not-expressible',
    field: 'safetensors file',
    expected: 'state_dict among the wanted keys',
    found: 'other keys',
    meaning:
      'A safetensors file holds one state dict; it can be copied as it is, and nothing else.',
  })
}
