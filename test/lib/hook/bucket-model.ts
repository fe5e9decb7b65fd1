/** A bucket in memory, as far as the pure core sees one: versions, delete markers, whole seconds. */

import type { MetricFact, Strip, Upload } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { type Action, keepsKey, type Ledger } from '../../../lib/hook/ledger.ts'
import { factKey, keyIn, meaningOf, publishedName, type Run } from '../../../lib/hook/names.ts'
import type { Claim } from '../../../lib/hook/out-dir.ts'
import type { Observation } from '../../../lib/hook/record.ts'
import type { Result } from '../../../lib/hook/record-result.ts'

/** What lies under a key. */
export type Body =
  | { kind: 'checkpoint'; bytes: string; torn: boolean }
  | { kind: 'options'; named: NamedArguments }
  | { kind: 'begin' }
  | { kind: 'end'; last: string | undefined }
  | { kind: 'pin'; name: string; pinned: boolean }
  /** To one version of the options, counted from the oldest. */
  | { kind: 'consent'; to: number; evicts: number }
  | { kind: 'metrics'; series: 'epoch' | 'iter'; step: number; metrics: [string, number | null][] }
  | { kind: 'hub'; bytes: string }

interface Version {
  versionId: string
  seconds: number
  /** Nothing for a delete marker. */
  body: Body | undefined
  restores: string | undefined
  strips?: Strip
}

export class BucketModel {
  /** Keys that something happened to, as notifications name them. */
  readonly notifications: string[] = []
  readonly #versions = new Map<string, Version[]>()
  readonly #run: Run
  #written = 0

  constructor(run: Run) {
    this.#run = run
  }

  put(name: string, seconds: number, body: Body, restores?: string): Version {
    const isFact = body.kind === 'pin' || body.kind === 'consent'
    const key = isFact ? factKey(this.#run, name) : keyIn(this.#run, name)
    return this.#add(key, seconds, body, restores)
  }

  /** What is there for whoever lists the bucket: names and bytes. */
  live(): Record<string, string> {
    const live: [string, string][] = []
    for (const [key, versions] of this.#versions) {
      const top = versions.at(-1)
      if (top?.body !== undefined) live.push([key, bytesOf(top)])
    }
    return Object.fromEntries(live.toSorted())
  }

  /** As `lib/run/observe.ts` looks at a key. */
  look(ledger: Ledger, key: string): Observation[] {
    const meaning = meaningOf(key)
    const versions = this.#of(key)
    const uploads = versions.filter(({ body }) => body !== undefined)
    const listed = uploads.map(({ versionId }) => versionId)
    const top = versions.at(-1)
    const isMarker = top !== undefined && top.body === undefined
    const marker = isMarker ? { seconds: top.seconds, above: listed.at(-1) } : undefined
    switch (meaning.kind) {
      case 'checkpoint': {
        const { kind, series, step } = meaning
        const seen = uploads.map((version) => uploadOf(key, version))
        return [{ kind, series, step, key, uploads: seen, listed, marker }]
      }
      case 'options':
      case 'begin':
      case 'end':
      case 'pin':
      case 'consent': {
        const facts = uploads.map((version, ordinal) => controlOf(key, version, ordinal))
        return [{ kind: meaning.kind, facts } as Observation]
      }
      case 'metrics':
        return this.#lookAtMetrics(ledger, key, uploads)
      case 'other': {
        const artifact = ledger.artifacts.get(key)
        if (artifact === undefined || !('object' in artifact) || marker === undefined) return []
        return [{ kind: 'artifact', key, found: 'nothing', seconds: marker.seconds }]
      }
      default:
        return []
    }
  }

  #lookAtMetrics(ledger: Ledger, key: string, uploads: Version[]): Observation[] {
    const read = ledger.sources.get(key)?.versionIds ?? []
    return uploads
      .filter(({ versionId }) => !read.includes(versionId))
      .flatMap(({ versionId, seconds, body }): Observation[] => {
        if (body?.kind !== 'metrics') return []
        const facts = body.metrics.map(([metric, value], position): MetricFact => {
          const common = { seconds, source: 'event', key, ordinal: 0 } as const
          return { metric, value, position, versionId: undefined, ...common }
        })
        return [
          { kind: 'metrics', series: body.series, step: body.step, facts },
          { kind: 'source', key, versionIds: [versionId], faults: [] },
        ]
      })
  }

  /** As `lib/run/carry-out.ts` and `lib/run/make-artifact.ts` do it, on the same conditions. */
  carryOut(action: Action, seconds: number): Result {
    switch (action.kind) {
      case 'write last_checkpoint':
        this.put('last_checkpoint', seconds, { kind: 'hub', bytes: action.text })
        return { kind: 'done' }
      case 'evict':
      case 'retire': {
        const top = this.#of(action.key).at(-1)
        const isThere = top?.body !== undefined && bytesOf(top) === action.etag
        if (isThere) this.#add(action.key, seconds, undefined, undefined)
        return { kind: 'done' }
      }
      case 'restore':
        return this.#restore(action, seconds)
      case 'make':
        return this.#make(action, seconds)
      case 'strip':
        return this.#strip(action, seconds)
      case 'claim': {
        const isTaken = action.folder.startsWith('taken')
        const claim: Claim = isTaken ? { state: 'refused', reason: 'taken' } : { state: 'granted' }
        return { kind: 'claimed', claim }
      }
    }
  }

  #strip(action: Extract<Action, { kind: 'strip' }>, seconds: number): Result {
    const { key, versionId, droppedKeys } = action
    const top = this.#of(key).at(-1)
    if (top?.strips?.versionId === versionId) {
      return { kind: 'stripped', upload: uploadOf(key, top) }
    }
    if (top?.body?.kind !== 'checkpoint' || bytesOf(top) !== action.etag) return { kind: 'done' }
    const [whole = ''] = top.body.bytes.split(WITHOUT)
    if (whole.startsWith(BARE)) return { kind: 'unstripped', refusal: undefined }
    const bytes = `${whole}${WITHOUT}${droppedKeys.join(' and ')}`
    const stripped = this.#add(key, seconds, { ...top.body, bytes }, undefined)
    stripped.strips = { versionId, etag: action.etag, droppedKeys }
    return { kind: 'stripped', upload: uploadOf(key, stripped) }
  }

  #restore(action: Extract<Action, { kind: 'restore' }>, seconds: number): Result {
    const versions = this.#of(action.key)
    const top = versions.at(-1)
    const over = top?.body === undefined ? undefined : bytesOf(top)
    if (over !== action.over) return { kind: 'done' }
    const source = versions.find(({ versionId }) => versionId === action.versionId)
    if (source?.body === undefined) return { kind: 'gone' }
    const restored = this.#add(action.key, seconds, source.body, action.versionId)
    return { kind: 'restored', upload: uploadOf(action.key, restored) }
  }

  #make(action: Extract<Action, { kind: 'make' }>, seconds: number): Result {
    const { kind, folder, name, source } = action.identity
    const upload = this.#of(source.key).find(({ versionId }) => versionId === source.versionId)
    if (upload === undefined) return { kind: 'gone' }
    const keys = ['meta', 'state_dict', ...(bytesOf(upload).startsWith(BARE) ? [] : TRAINERS_KEYS)]
    const [keptKeys = [], removedKeys = []] = [true, false].map((isKept) =>
      keys.filter((key) => keepsKey(action.identity, key) === isKept),
    )
    const bytes = JSON.stringify([bytesOf(upload), keptKeys])
    const made = kind === 'best' ? name : publishedName(name, hashOf(bytes))
    const key = keyIn(folder, made)
    const top = this.#of(key).at(-1)
    const isThere = top?.body !== undefined && bytesOf(top) === bytes
    const { versionId } = isThere ? top : this.#add(key, seconds, { kind: 'hub', bytes }, undefined)
    const about = {
      keptKeys,
      removedKeys,
      layoutVersion: 1,
      sizeBytes: bytes.length,
      hashedBy: 'function' as const,
    }
    return {
      kind: 'made',
      key,
      object: { versionId, etag: bytes, sha256: hashOf(bytes), ...about },
    }
  }

  #add(
    key: string,
    seconds: number,
    body: Body | undefined,
    restores: string | undefined,
  ): Version {
    this.#written += 1
    // A consent names such a version, whatever else was written by then.
    const isOptions = body?.kind === 'options'
    const versionId = isOptions ? optionsVersion(this.#of(key).length) : `v${this.#written}`
    const version = { versionId, seconds, body, restores }
    this.#of(key).push(version)
    this.notifications.push(key)
    return version
  }

  #of(key: string): Version[] {
    const versions = this.#versions.get(key) ?? []
    this.#versions.set(key, versions)
    return versions
  }
}

/** What comes between the bytes that a trainer uploaded and the keys that a strip left out. */
const WITHOUT = ' without '
/** Keys that only a trainer needs. */
const TRAINERS_KEYS = ['optimizer', 'param_schedulers']
/** Bytes of checkpoints that hold none of these. */
export const BARE = 'bare'

/** Any function of the bytes will do, as long as names differ where bytes do. */
function hashOf(bytes: string): string {
  let hash = 7
  for (const each of bytes) hash = (hash * 31 + (each.codePointAt(0) ?? 0)) % 0xffffffff
  return hash.toString(16).padStart(8, '0')
}

function optionsVersion(ordinal: number): string {
  return `options ${ordinal}`
}

function bytesOf({ body }: Version): string {
  return body !== undefined && 'bytes' in body ? body.bytes : JSON.stringify(body)
}

function uploadOf(key: string, version: Version): Upload {
  const { versionId, seconds, body, restores } = version
  return {
    key,
    versionId,
    etag: bytesOf(version),
    sizeBytes: 1,
    seconds,
    fingerprint: bytesOf(version),
    fault: body?.kind === 'checkpoint' && body.torn ? 'truncated' : undefined,
    restores,
    gone: false,
    ...(version.strips !== undefined && { strips: version.strips }),
  }
}

function controlOf(key: string, { versionId, seconds, body }: Version, ordinal: number): object {
  const common = { key, versionId, seconds, ordinal, fault: undefined }
  if (body?.kind === 'options') return { ...common, named: body.named }
  if (body?.kind === 'end') return { ...common, last: body.last }
  if (body?.kind === 'pin') {
    return { ...common, name: body.name, pinned: body.pinned, by: undefined }
  }
  if (body?.kind === 'consent') {
    const optionsVersionId = optionsVersion(body.to)
    return { ...common, optionsVersionId, evicts: body.evicts, by: undefined }
  }
  return { ...common, resumeFrom: undefined }
}
