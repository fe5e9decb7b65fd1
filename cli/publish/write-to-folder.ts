import type { RewritePlan } from '../../lib/checkpoint/rewrite.ts'
import { writeNewFile } from '../../lib/files/write-file.ts'
import type { Source } from '../source.ts'
import { type Moving, type Published, shownChunks } from './moving.ts'
import type { FileTarget } from './target.ts'

/**
 * Writes a planned file on this machine, in one pass.
 *
 * @throws {NameTakenError} where its name holds other bytes
 */
export async function writeToFolder(
  source: Source,
  plan: RewritePlan,
  target: FileTarget,
  moving: Moving,
): Promise<Published> {
  const chunks = async function* () {
    yield* shownChunks('publishing', source.reader, plan, moving)
    await source.requireUnchanged()
  }
  return writeNewFile(target.folder, chunks(), target.pathOf)
}
