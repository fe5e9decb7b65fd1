/** Where the objects of a run are to be had. */
import { pathTo } from '../ask.ts'

/** An address that leads to the bytes of a file of the hub's, or of a checkpoint, of that run. */
export function downloadOf(run: string, key: string): string {
  return pathTo('download', { run, key })
}

/** The key in the URI of an object of the hub's own bucket. */
export function keyIn(uri: string): string {
  return uri.replace(/^s3:\/\/[^/]+\//, '')
}

/** The last part of a key. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}
