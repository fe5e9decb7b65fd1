/**
 * `out_dir`: where the files go that the hub makes, if not into the run.
 *
 * As in the hook, that is `<out_dir>/<basename of the run>`. Decides whether that folder may be used; the
 * claim on it is asked for by an effect, and its answer is part of the ledger.
 */
import { bareKey, type Folder, keyIn, meaningOf, nameOf, type Run } from './names.ts'

/** A root for the hub's files. */
export interface OutDir {
  /** The bucket that was named; nothing for that of the run. */
  bucket: string | undefined
  /** Without a slash at either end; empty for the bucket's root. */
  prefix: string
}

/** Where the stack lets the hub write. */
export interface Reach {
  bucket: string
  /** Only keys of the bucket that begin with it. */
  keyPrefix: string
  /** Other buckets. */
  outBuckets: readonly string[]
}

/** The answer to a claim on a folder; it stands until somebody takes the claim away by hand. */
export type Claim = { state: 'granted' } | { state: 'refused'; reason: string }

/** Where files of a run go. */
export interface Destination {
  folder: Folder
  /** False until the folder is claimed. */
  isReady: boolean
  /** Why `out_dir` is not followed; the folder is then the run itself. */
  fault: string | undefined
}

/** S3's rules for the names of buckets, as far as they tell one from a mistake. */
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
/** S3's keys have 1,024 bytes, and names follow. A claim looks at every folder above. */
const MAX_BYTES = 512
const MAX_PARTS = 30

/**
 * Reads an `out_dir`: `s3://<bucket>/<prefix>`, or a prefix of the run's own bucket. `exports`,
 * `./exports` and `/exports/` are one; `/` is the bucket's root.
 *
 * @returns nothing where it is none of these, or holds `..`
 */
export function parseOutDir(text: string): OutDir | undefined {
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
  if (rest === '' || (scheme !== undefined && scheme !== 's3')) return undefined
  const parts = rest.split('/').filter((part) => part !== '' && part !== '.')
  const bucket = scheme === undefined ? undefined : rest.split('/', 1)[0]
  if (bucket !== undefined && (!BUCKET_NAME.test(bucket) || parts.shift() !== bucket)) {
    return undefined
  }
  if (parts.includes('..') || parts.length > MAX_PARTS) return undefined
  const prefix = parts.join('/')
  return new TextEncoder().encode(prefix).length > MAX_BYTES ? undefined : { bucket, prefix }
}

/** An `out_dir` as people read it. */
export function outDirText({ bucket, prefix }: OutDir): string {
  if (bucket === undefined) return prefix === '' ? '/' : prefix
  return prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
}

/** Where files go that are made under an `out_dir`: there if the run may use it, else into the run. */
export function destinationOf(
  run: Run,
  outDir: OutDir | undefined,
  claims: ReadonlyMap<string, Claim>,
  reach: Reach,
): Destination {
  const own: Destination = { folder: run, isReady: true, fault: undefined }
  if (outDir === undefined) return own
  const { bucket = reach.bucket, prefix } = outDir
  const isElsewhere = bucket !== reach.bucket
  if (!isElsewhere && prefix === run) return own
  const base = nameOf(run.replace(/\/+$/, ''))
  if (['', '.', '..'].includes(base)) {
    const fault = 'needs the name of the run, which this one does not have; move it into a folder'
    return { ...own, fault }
  }
  const path = prefix === '' ? base : `${prefix}/${base}`
  const folder = (isElsewhere ? `s3://${bucket}/${path}` : path) as Folder
  if (folder === run) return own
  const fault = isElsewhere ? faultOfBucket(bucket, reach) : faultOfFolder(folder, reach)
  if (fault !== undefined) return { ...own, fault }
  const claim = claims.get(folder)
  if (claim?.state === 'refused') return { ...own, fault: claim.reason }
  return { folder, isReady: claim !== undefined, fault: undefined }
}

function faultOfBucket(bucket: string, { bucket: own, outBuckets }: Reach): string | undefined {
  if (outBuckets.includes(bucket)) return undefined
  const allowed = [own, ...outBuckets].join(', ')
  return `names the bucket ${bucket}, which the stack was not given; it may write to ${allowed}`
}

function faultOfFolder(folder: Folder, { keyPrefix }: Reach): string | undefined {
  const shown = JSON.stringify(folder)
  if (!keyIn(folder, '').startsWith(keyPrefix)) {
    return `leads to ${shown}, and the stack looks at keys that begin with ${JSON.stringify(keyPrefix)} only`
  }
  const meaning = meaningOf(keyIn(folder, 'x'))
  if (meaning.kind === 'other' && meaning.run === folder) return undefined
  return `leads to ${shown}, which is the name of a directory checkpoint, or reserved; choose another`
}

/** The folders that hold a folder, from its bucket's root downwards, which itself is none. */
export function foldersAbove(folder: Folder): Folder[] {
  const { key } = bareKey(folder)
  const root = folder.slice(0, folder.length - key.length)
  const parts = key.split('/')
  return parts.slice(1).map((_, at) => `${root}${parts.slice(0, at + 1).join('/')}` as Folder)
}
