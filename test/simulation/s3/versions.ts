/**
 * A versioned bucket in memory: versions and delete markers of each key.
 *
 * The current version is the one that was begun last: a multipart upload counts from its initiation (S3 User
 * Guide, concurrent multipart upload operations), also where it is completed after another one.
 */
import { hash } from 'node:crypto'
import { byUtf8 } from '../text-order.ts'

/** Who wrote a version: the checks tell the trainer's own from the hub's by it. */
export type Writer = 'trainer' | 'hub'

/** A version of an object, or a delete marker. */
export interface Version {
  readonly key: string
  readonly versionId: string
  /** `Last-Modified`, in milliseconds since 1970; S3 tells whole seconds. */
  readonly createdMs: number
  readonly by: Writer
  /** Nothing for a delete marker. */
  readonly object: StoredObject | undefined
}

export interface StoredObject {
  readonly bytes: Uint8Array
  /** Without quotes. */
  readonly etag: string
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType: string | undefined
  /** Base64, of the whole object, where S3 was asked for it or given it. */
  readonly sha256: string | undefined
}

/** What happened to a key, as a notification tells it. */
export type Change = (key: string) => void

export class Versions {
  /** From the oldest to the newest. */
  readonly #byKey = new Map<string, Version[]>()
  readonly #onChange: Change
  #count = 0
  #sorted: string[] | undefined

  constructor(onChange: Change = () => {}) {
    this.#onChange = onChange
  }

  of(key: string): readonly Version[] {
    return this.#byKey.get(key) ?? []
  }

  /** The version on top, which may be a delete marker. */
  top(key: string): Version | undefined {
    return this.#byKey.get(key)?.at(-1)
  }

  /** The current object; nothing where there is none. */
  current(key: string): (Version & { object: StoredObject }) | undefined {
    const top = this.top(key)
    return top?.object === undefined ? undefined : { ...top, object: top.object }
  }

  find(key: string, versionId: string): Version | undefined {
    return this.of(key).find((each) => each.versionId === versionId)
  }

  /** @param createdMs when it was begun, which is when S3 says that it was modified */
  add(key: string, createdMs: number, by: Writer, object: StoredObject | undefined): Version {
    this.#count += 1
    let versionId = `v${this.#count}`
    // Where versions of another bucket were laid out, theirs are taken.
    while (this.find(key, versionId) !== undefined) {
      this.#count += 1
      versionId = `v${this.#count}`
    }
    const version = { key, versionId, createdMs, by, object }
    this.put(version)
    this.#onChange(key)
    return version
  }

  /** Puts a version in its place, and tells nobody. */
  put(version: Version): void {
    const versions = this.#byKey.get(version.key)
    if (versions === undefined) {
      this.#byKey.set(version.key, [version])
      this.#sorted = undefined
      return
    }
    // Of delete markers the documentation does not say so: what is completed after one lies above it.
    const after = versions.findLastIndex(
      ({ createdMs, object }) => createdMs <= version.createdMs || object === undefined,
    )
    versions.splice(after + 1, 0, version)
  }

  /** Lays a version on top of all others of its key. */
  append(version: Version): void {
    const versions = this.#byKey.get(version.key)
    if (versions === undefined) this.put(version)
    else versions.push(version)
  }

  /** Removes a version for good. */
  remove(key: string, versionId: string): boolean {
    const versions = this.#byKey.get(key) ?? []
    const at = versions.findIndex((each) => each.versionId === versionId)
    if (at >= 0) versions.splice(at, 1)
    return at >= 0
  }

  /** All keys that have a version, in S3's order. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.#byKey.keys()].toSorted(byUtf8)
    return this.#sorted
  }
}

const md5s = new WeakMap<Uint8Array, string>()

/** The ETag of an object that one PUT or a copy made: the MD5 of its bytes. */
export function md5Of(bytes: Uint8Array): string {
  const known = md5s.get(bytes)
  if (known !== undefined) return known
  const md5 = hash('md5', bytes, 'hex')
  md5s.set(bytes, md5)
  return md5
}

/** In base64, as S3 tells it. */
export function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64')
}
