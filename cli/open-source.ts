/** Opening what a command was told to read. */
import { basename } from 'node:path'
import { openFile } from '../lib/files/file-reader.ts'
import type { ConnectionOptions } from './connection.ts'
import type { Place } from './place.ts'
import { counted, type Source } from './source.ts'

/**
 * Opens what a command was told to read.
 *
 * @throws {Failure} `not-found` or `usage`
 */
export async function openSource(place: Place, connection: ConnectionOptions): Promise<Source> {
  // Only here: reading the client of S3 takes longer than most of what is done with a file.
  if (place.kind === 'object') {
    const { openObject } = await import('./object-source.ts')
    return openObject(place, connection)
  }
  const file = await openFile(place.path)
  const traffic = { requests: 0, bytes: 0 }
  return {
    place,
    fileName: basename(place.path),
    reader: counted(file, traffic),
    traffic,
    requireUnchanged: file.requireUnchanged,
    close: file.close,
  }
}
