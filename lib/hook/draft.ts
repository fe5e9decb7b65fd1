/** A decision while it is being taken: changes over a ledger that stays as it is. */
import type { Action, Artifact, ArtifactIdentity, Effect, Ledger, Refusal } from './ledger.ts'
import { bareKey } from './names.ts'
import { type Destination, destinationOf, type OutDir, type Reach } from './out-dir.ts'

/** What a decision depends on besides the ledger. */
export interface Circumstances {
  /** The bucket, as `last_checkpoint` and the message hub name it. */
  bucket: string
  /** How many evictions a change of the options may cause at once. */
  brake: number
  /** Buckets from which what is deleted could not be had back: then nothing is deleted there. */
  unversioned: readonly string[]
  /** Where else than into its runs the hub may write; nowhere beyond the bucket by default. */
  reach?: Omit<Reach, 'bucket'>
  /** What pickles may name beside the allow-list, sorted; nothing by default. */
  allowedGlobals?: readonly string[]
  /** The time, in seconds since 1970: effects carry when they were decided. */
  nowSeconds: number
}

/** A transaction of DynamoDB holds 100 entries; an effect takes two of them at most. */
export const EFFECTS_AT_ONCE = 25

/** The decisions so far, over a ledger that stays as it is. */
export class Draft {
  readonly run: Ledger['run']
  readonly checkpoints: Ledger['checkpoints']
  readonly artifacts: Ledger['artifacts']
  readonly claims: Ledger['claims']
  readonly claimedBy: Ledger['claimedBy']
  effects: Effect[]
  lastCheckpoint: string | undefined
  answers: Ledger['answers']
  readonly #base: Ledger
  readonly #circumstances: Circumstances
  #added = 0
  more = false
  /** By bucket. */
  readonly heldDeletions = new Map<string, number>()

  constructor(ledger: Ledger, circumstances: Circumstances) {
    this.#base = ledger
    this.#circumstances = circumstances
    this.run = ledger.run
    this.checkpoints = new Map(ledger.checkpoints)
    this.artifacts = new Map(ledger.artifacts)
    this.claims = ledger.claims
    this.claimedBy = ledger.claimedBy
    this.effects = ledger.effects
    this.lastCheckpoint = ledger.lastCheckpoint
    this.answers = ledger.answers
  }

  add(action: Action): void {
    const number = this.#base.nextEffect + this.#added
    this.#added += 1
    this.effects = [
      ...this.effects,
      { number, action, sinceSeconds: this.#circumstances.nowSeconds, sentSeconds: undefined },
    ]
  }

  /** The time, in seconds since 1970. */
  get nowSeconds(): number {
    return this.#circumstances.nowSeconds
  }

  withdraw(number: number): void {
    this.effects = this.effects.filter((effect) => effect.number !== number)
  }

  retire(key: string, artifact: Extract<Artifact, { object: unknown }>): void {
    if (!this.mayDelete(key) || !this.hasRoom()) return
    const { versionId, etag } = artifact.object
    this.artifacts.set(key, { ...artifact, state: 'superseded' })
    this.add({ kind: 'retire', key, versionId, etag })
  }

  /** Where files go that are made under an `out_dir`. */
  destinationOf(outDir: OutDir | undefined): Destination {
    const { bucket, reach = { keyPrefix: '', outBuckets: [] } } = this.#circumstances
    return destinationOf(this.run, outDir, this.claims, { bucket, ...reach })
  }

  /** Asked before each deletion. */
  mayDelete(key: string): boolean {
    const bucket = bareKey(key).bucket ?? this.#circumstances.bucket
    if (!this.#circumstances.unversioned.includes(bucket)) return true
    this.heldDeletions.set(bucket, (this.heldDeletions.get(bucket) ?? 0) + 1)
    return false
  }

  /** What can be told not to be makeable without looking at it. */
  refuse(key: string, identity: ArtifactIdentity, reason: string): void {
    this.artifacts.set(key, { state: 'refused', identity, reason })
  }

  /** Whether what was refused may be made now, since other names are allowed than were then. */
  isOvertaken({ allowedGlobals: then }: Refusal): boolean {
    const now = this.#circumstances.allowedGlobals ?? []
    return then !== undefined && then.join() !== now.join()
  }

  /** Asked before each decision; what finds no room is decided in the next transaction. */
  hasRoom(): boolean {
    if (this.#added < EFFECTS_AT_ONCE) return true
    this.more = true
    return false
  }

  ledger(): Ledger {
    return {
      ...this.#base,
      checkpoints: this.checkpoints,
      artifacts: this.artifacts,
      effects: this.effects,
      nextEffect: this.#base.nextEffect + this.#added,
      lastCheckpoint: this.lastCheckpoint,
      answers: this.answers,
      retired: this.#base.retired.map((each) => ({
        ...each,
        seconds: each.seconds ?? this.nowSeconds,
      })),
    }
  }
}
