/** The conditions under which S3 does what it is asked for. */
import { noSuchKey, preconditionFailed } from './errors.ts'
import type { Version } from './versions.ts'

/** The condition headers of a call. */
export interface Conditions {
  readonly IfMatch?: string | undefined
  readonly IfNoneMatch?: string | undefined
}

/**
 * Refuses a write whose condition does not hold: `If-None-Match: *` is met by no object, `If-Match` by the
 * current object alone, and without one S3 answers 404.
 */
export function requireConditions(top: Version | undefined, conditions: Conditions): void {
  const object = top?.object
  if (conditions.IfNoneMatch === '*' && object !== undefined) throw preconditionFailed()
  if (conditions.IfMatch === undefined) return
  if (object === undefined) throw noSuchKey()
  if (conditions.IfMatch !== '*' && bare(conditions.IfMatch) !== object.etag) {
    throw preconditionFailed()
  }
}

/** ETags travel in quotes. */
export function bare(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}

export function quoted(etag: string): string {
  return `"${etag}"`
}
