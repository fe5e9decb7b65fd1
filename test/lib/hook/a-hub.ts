/**
 * A hub over a bucket in memory: what was decided is carried out, as `lib/run` does it over S3, so
 * that a test sees what stays.
 */
import { createHash } from 'node:crypto'
import { stepId, type Upload } from '../../../lib/hook/history.ts'
import { type Effect, keepsKey, type Ledger, type Refusal } from '../../../lib/hook/ledger.ts'
import { folderOf, keyIn, nameOf, publishedName } from '../../../lib/hook/names.ts'
import type { Claim } from '../../../lib/hook/out-dir.ts'
import { type Decision, decide } from '../../../lib/hook/plan.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import type { Result } from '../../../lib/hook/record-result.ts'
import { type ARun, BRAKE, RUN } from './a-run.ts'

type Version = { upload: Upload } | { marker: { seconds: number } }
type SeenCheckpoint = Extract<Observation, { kind: 'checkpoint' }>

/** The top-level keys of every checkpoint. */
const KEYS = ['meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers']
/** Long after everything that a run tells. */
export const LATER_SECONDS = 1_000_000
/** Enough for every run of the tests; the effects have to run dry. */
const ROUNDS = 100

export class AHub {
  ledger: Ledger
  /** Every effect in the order in which it was carried out. */
  readonly done: Effect['action'][] = []
  /** Live artifacts by name, outside of the run by key, with the version of the checkpoint that each was made from. */
  readonly artifacts = new Map<string, string>()
  /** Names under which a trainer has put objects of his own. */
  readonly foreign = new Set<string>()
  /** Folders that another run was given. */
  readonly taken = new Set<string>()
  reach: { keyPrefix: string; outBuckets: string[] } = { keyPrefix: '', outBuckets: [] }
  /** Versions that are found unfit to publish. */
  readonly unfit = new Set<string>()
  /** Versions whose pickle names a global that is not on the allow-list. */
  readonly namesGlobal = new Set<string>()
  /** What the stack allows beside the list. */
  allowedGlobals: string[] = []
  /** Versions that hold none of the keys that options leave out. */
  readonly bare = new Set<string>()
  /** Versions that have expired. */
  readonly expired = new Set<string>()
  /** False while the Jobs queue stands still. */
  jobs = true
  brake = BRAKE
  readonly #versions = new Map<string, Version[]>()
  readonly #places = new Map<string, SeenCheckpoint>()
  #count = 0

  constructor(run: ARun) {
    this.ledger = run.blank()
  }

  /** Takes events in, settling after each. */
  see(...seen: Observation[]): this {
    for (const each of seen) {
      this.put(each)
      this.settle()
    }
    return this
  }

  /** Takes an event in, and does nothing about it yet. */
  put(seen: Observation): this {
    const observation = seen.kind === 'checkpoint' ? this.#arrive(seen) : seen
    this.ledger = record(this.ledger, observation)
    return this
  }

  #arrive(seen: SeenCheckpoint): SeenCheckpoint {
    this.#places.set(seen.key, seen)
    const versions = this.#versions.get(seen.key) ?? []
    this.#versions.set(seen.key, versions)
    const known = versions.flatMap((each) => ('upload' in each ? each.upload.versionId : []))
    for (const upload of seen.uploads) {
      if (!known.includes(upload.versionId)) versions.push({ upload })
    }
    if (seen.marker !== undefined) versions.push({ marker: seen.marker })
    return this.#lookAt(seen)
  }

  /** A slow worker brings a version back, over whatever was evicted since, and the hub is told. */
  lateRestore(key: string, versionId: string): this {
    const place = this.#places.get(key)
    if (place === undefined) throw new Error(`nothing was uploaded as ${key}`)
    this.#copyToTop(key, versionId)
    this.ledger = record(this.ledger, this.#lookAt(place))
    return this
  }

  #lookAt(place: SeenCheckpoint): SeenCheckpoint {
    const versions = this.#versions.get(place.key) ?? []
    const uploads = versions.flatMap((each) => ('upload' in each ? each.upload : []))
    const top = versions.at(-1)
    const marker =
      top !== undefined && 'marker' in top
        ? { ...top.marker, above: uploads.at(-1)?.versionId }
        : undefined
    return { ...place, uploads, listed: uploads.map(({ versionId }) => versionId), marker }
  }

  decide(): Decision {
    return decide(this.ledger, {
      bucket: 'bucket',
      brake: this.brake,
      unversioned: [],
      reach: this.reach,
      allowedGlobals: this.allowedGlobals,
      nowSeconds: LATER_SECONDS,
    })
  }

  /** Decides, and carries out what was decided, until nothing is left to do. */
  settle(): this {
    for (let round = 0; round < ROUNDS; round++) {
      const decision = this.decide()
      this.ledger = decision.ledger
      const effects = this.ledger.effects.filter(
        ({ action }) => this.jobs || (action.kind !== 'make' && action.kind !== 'strip'),
      )
      if (effects.length === 0 && !decision.more) return this
      for (const effect of effects) this.carryOut(effect)
    }
    throw new Error(`the effects did not run dry in ${ROUNDS} rounds`)
  }

  carryOut({ number, action }: Effect): void {
    this.done.push(action)
    const result = this.#resultOf(action)
    this.ledger = record(this.ledger, { kind: 'result', effect: number, action, result })
    // S3 tells of what the hub itself did, too.
    const place = 'key' in action ? this.#places.get(action.key) : undefined
    if (place !== undefined) this.ledger = record(this.ledger, this.#lookAt(place))
  }

  #resultOf(action: Effect['action']): Result {
    switch (action.kind) {
      case 'write last_checkpoint':
        return { kind: 'done' }
      case 'evict':
        return this.#delete(action)
      case 'restore':
        return this.#restore(action)
      case 'retire':
        this.artifacts.delete(placeOf(action.key))
        return { kind: 'done' }
      case 'make':
        return this.#make(action)
      case 'strip':
        return this.#strip(action)
      case 'claim': {
        const isTaken = this.taken.has(action.folder)
        const claim: Claim = isTaken
          ? { state: 'refused', reason: 'is claimed by another' }
          : { state: 'granted' }
        return { kind: 'claimed', claim }
      }
    }
  }

  #delete({ key, etag }: { key: string; etag: string }): Result {
    const versions = this.#versions.get(key) ?? []
    const top = versions.at(-1)
    if (top !== undefined && 'upload' in top && top.upload.etag === etag) {
      versions.push({ marker: { seconds: LATER_SECONDS } })
    }
    return { kind: 'done' }
  }

  #refusalOf(versionId: string): Refusal | undefined {
    if (this.unfit.has(versionId)) return { reason: 'unfit' }
    const isForbidden =
      this.namesGlobal.has(versionId) && !this.allowedGlobals.includes('own.Thing')
    if (!isForbidden) return undefined
    return { reason: 'own.Thing at meta', allowedGlobals: this.allowedGlobals }
  }

  #strip(action: Extract<Effect['action'], { kind: 'strip' }>): Result {
    const { key, versionId, etag, droppedKeys } = action
    const versions = this.#versions.get(key) ?? []
    const top = versions.at(-1)
    if (top === undefined || !('upload' in top) || top.upload.etag !== etag) return { kind: 'done' }
    const refusal = this.#refusalOf(versionId)
    if (refusal !== undefined) return { kind: 'unstripped', refusal }
    if (this.bare.has(versionId)) return { kind: 'unstripped', refusal: undefined }
    this.#count += 1
    const upload: Upload = {
      ...top.upload,
      versionId: `stripped ${this.#count}`,
      etag: `${etag} without ${droppedKeys.join(' and ')}`,
      sizeBytes: top.upload.sizeBytes - 100,
      seconds: LATER_SECONDS,
      fingerprint: undefined,
      strips: { versionId, etag, droppedKeys },
    }
    versions.push({ upload })
    return { kind: 'stripped', upload }
  }

  #restore({ key, versionId, over }: Extract<Effect['action'], { kind: 'restore' }>): Result {
    const versions = this.#versions.get(key) ?? []
    const top = versions.at(-1)
    const present = top !== undefined && 'upload' in top ? top.upload.etag : undefined
    if (present !== over) return { kind: 'done' }
    const upload = this.expired.has(versionId) ? undefined : this.#copyToTop(key, versionId)
    if (upload === undefined) return { kind: 'gone' }
    return { kind: 'restored', upload }
  }

  #copyToTop(key: string, versionId: string): Upload | undefined {
    const versions = this.#versions.get(key) ?? []
    const source = versions
      .flatMap((each) => ('upload' in each ? each.upload : []))
      .find((upload) => upload.versionId === versionId)
    if (source === undefined) return undefined
    this.#count += 1
    const upload: Upload = {
      ...source,
      versionId: `restored ${this.#count}`,
      etag: `copy of ${source.etag}`,
      seconds: LATER_SECONDS,
      // A directory's is of its files, which are the same.
      fingerprint: source.directory && source.fingerprint,
      restores: versionId,
    }
    versions.push({ upload })
    return upload
  }

  #make(action: Extract<Effect['action'], { kind: 'make' }>): Result {
    const { identity } = action
    const { versionId } = identity.source
    if (this.expired.has(versionId)) return { kind: 'gone' }
    const refusal = this.#refusalOf(versionId)
    if (refusal !== undefined) return { kind: 'refused', ...refusal }
    if (this.foreign.has(nameOf(action.key))) {
      return { kind: 'foreign', key: action.key, seconds: 5 }
    }
    const [keptKeys, removedKeys] = [true, false].map((isKept) =>
      KEYS.filter((each) => keepsKey(identity, each) === isKept),
    )
    const extension = identity.format === undefined ? '.pth' : '.safetensors'
    const content = JSON.stringify([identity.source.bytes, keptKeys, extension])
    const sha256 = createHash('sha256').update(content).digest('hex')
    const key =
      identity.kind === 'published'
        ? keyIn(identity.folder, publishedName(identity.name, sha256, extension))
        : action.key
    this.#count += 1
    this.artifacts.set(placeOf(key), versionId)
    const object = {
      versionId: `made ${this.#count}`,
      etag: `etag of made ${this.#count}`,
      sizeBytes: 800,
      sha256,
      keptKeys: keptKeys ?? [],
      removedKeys: removedKeys ?? [],
      layoutVersion: 1,
      hashedBy: 'function' as const,
    }
    return { kind: 'made', key, object }
  }

  /** Names of the checkpoints that the bucket shows, by step. */
  checkpoints(): string[] {
    return this.checkpointKeys().map(nameOf)
  }

  /** Their keys; a directory's ends with a slash. */
  checkpointKeys(): string[] {
    return [...this.#places.values()]
      .filter(({ key }) => {
        const top = this.#versions.get(key)?.at(-1)
        return top !== undefined && 'upload' in top
      })
      .toSorted((a, b) => a.step - b.step)
      .map(({ key }) => key)
  }

  /** Steps of the checkpoints that the bucket shows. */
  steps(): number[] {
    return this.checkpoints().map((name) => Number(name.replaceAll(/\D/g, '')))
  }

  /** Names of best copies that the bucket shows. */
  bestCopies(): string[] {
    return [...this.artifacts.keys()].filter((name) => name.startsWith('best_') && !isHashed(name))
  }

  /** Stems of published files that the bucket shows. */
  published(): string[] {
    return [...this.artifacts.keys()]
      .filter(isHashed)
      .map((name) => name.replace(HASH, ''))
      .toSorted()
  }

  /** What was done of one kind, as the names of the keys. */
  did(kind: Effect['action']['kind']): string[] {
    return this.done.filter((action) => action.kind === kind).map(targetOf)
  }

  /** What waits to be done, as kind and name. */
  pending(): string[] {
    return this.ledger.effects.map(({ action }) => `${action.kind} ${targetOf(action)}`)
  }

  state(step: number) {
    return this.ledger.checkpoints.get(stepId('epoch', step))
  }
}

/** What an action is about, as tests name it. */
function targetOf(action: Effect['action']): string {
  if ('key' in action) return placeOf(action.key)
  return 'text' in action ? action.text : action.folder
}

/** A file of the run by its name, any other by its key. */
export function placeOf(key: string): string {
  return folderOf(key) === RUN ? nameOf(key) : key
}

const HASH = /-[0-9a-f]{8}\.pth$/

function isHashed(name: string): boolean {
  return HASH.test(name)
}

/** A hub that saw a run as it happened, and settled after every event. */
export function hubOf(run: ARun): AHub {
  return new AHub(run).see(...run.observations)
}
