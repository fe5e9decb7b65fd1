/**
 * The ledger of a run: its history, and what the hub did or decided to do about it.
 *
 * Plain data, as the message hub stores it. `record` adds facts to it, `decide` adds decisions.
 */
import { type RemovedBests, removedBest } from './best.ts'
import { type CheckpointFact, type History, type StepFacts, stepId } from './history.ts'
import type { NamedArguments } from './hook-arguments.ts'
import type { Folder, Run } from './names.ts'
import type { Claim } from './out-dir.ts'
import type { SourceFault } from './problems.ts'

/** How far a metric file was read. */
export interface SourceReading {
  key: string
  /** Versions that were read, from the oldest. */
  versionIds: string[]
  faults: SourceFault[]
}

/** A version that was evicted, and when, in seconds since 1970, where that is known. */
export interface Evicted {
  versionId: string
  etag: string
  seconds?: number | undefined
  /** Set where files of the directory are there all the same, or again: they are to go too. */
  undone?: true | undefined
}

/** A version whose eviction was withdrawn, and when, in seconds since 1970. */
export interface Withdrawn {
  versionId: string
  seconds: number
}

/** What the hub did to one checkpoint. */
export interface CheckpointState {
  /** The version whose eviction was decided last, and stands. */
  evicted: Evicted | undefined
  /**
   * Versions whose eviction was withdrawn while it may have been on its way: a delete marker right above
   * one of them may be a stale worker's.
   */
  withdrawn: Withdrawn[]
  /** Why the checkpoint stays as it is although keys are to go. */
  unstripped?: Unstripped
}

/** A checkpoint that was to be stripped, and was not. */
export interface Unstripped {
  /** Tells the bytes from others. */
  bytes: string
  droppedKeys: readonly string[]
  /** Why it could not be done; nothing where the checkpoint has none of the keys. */
  refusal: Refusal | undefined
}

/** Why a checkpoint could not be rewritten. */
export interface Refusal {
  reason: string
  /**
   * Set where its pickle names what nobody allowed: what the stack allowed then, beside the list, sorted. It
   * is tried again once the stack allows other names.
   */
  allowedGlobals?: readonly string[]
}

/** Which file an artifact is, apart from its bytes. */
export interface ArtifactIdentity {
  kind: 'best' | 'published'
  /** Where it lies: the run, or what `out_dir` leads to. */
  folder: Folder
  /** The metric whose best it is; nothing for the last. */
  metric: string | undefined
  /** The name that the hook gives it; a published one gets its hash before the extension. */
  name: string
  /** The trainer's upload that it is made from, the step of that, and what tells its bytes from others. */
  source: { key: string; versionId: string; step: number; bytes: string }
  /** Top-level keys that may stay; nothing: all. */
  publishedKeys: readonly string[] | undefined
  droppedKeys: readonly string[]
  /** Set where it is no file of torch. */
  format?: 'safetensors'
}

/** The object that an artifact became. */
export interface ArtifactObject {
  versionId: string
  etag: string
  sizeBytes: number
  sha256: string
  keptKeys: readonly string[]
  removedKeys: readonly string[]
  layoutVersion: number
  /** Whether S3 computed the SHA-256, or the function, which read the bytes for it. */
  hashedBy: 's3' | 'function'
  /** Names in the source's pickle that only the stack's setting allowed; set where there were any. */
  permittedGlobals?: readonly string[]
}

/** A file that the hub made, or could not make. */
export type Artifact =
  | {
      state: 'current' | 'superseded' | 'removed'
      identity: ArtifactIdentity
      object: ArtifactObject
      /** When a person removed it, in seconds since 1970. */
      removedSeconds?: number | undefined
    }
  | ({ state: 'refused'; identity: ArtifactIdentity } & Refusal)
  /** Somebody else's object under a name that the hub would write. */
  | { state: 'foreign'; seconds: number }

/**
 * What an effect does to the bucket; each names the exact version that it was decided for. Of a directory
 * that is a version of its marker, whose name stands beside.
 */
export type Action =
  | { kind: 'write last_checkpoint'; text: string }
  | {
      kind: 'evict'
      id: string
      key: string
      versionId: string
      etag: string
      marker?: string
      /** Of a directory: its files are told by it from those of the next one under its name. */
      fingerprint?: string
    }
  | {
      kind: 'restore'
      id: string
      key: string
      versionId: string
      etag: string
      sizeBytes: number
      marker?: string
      /** ETag of what the hub had stripped, which this takes the place of. */
      over?: string
      /** When what comes back was evicted, in seconds since 1970. */
      evictedSeconds?: number | undefined
    }
  | {
      kind: 'strip'
      id: string
      key: string
      versionId: string
      etag: string
      sizeBytes: number
      droppedKeys: readonly string[]
    }
  | { kind: 'retire'; key: string; versionId: string; etag: string }
  | { kind: 'make'; key: string; identity: ArtifactIdentity; replaces: string | undefined }
  | { kind: 'claim'; folder: Folder }

/** An action that is committed and not yet known to be done. */
export interface Effect {
  number: number
  action: Action
  /** When it was decided, in seconds since 1970. */
  sinceSeconds: number
  /** When it was last handed to the Jobs queue, in seconds since 1970. */
  sentSeconds: number | undefined
}

/** That an artifact was retired, or was to be: what is made again of the same source has the same ETag. */
export interface Retirement {
  etag: string
  /** When its effect ended, in seconds since 1970; missing until the decision that follows. */
  seconds?: number | undefined
}

/** All that the hub knows of a run. */
export interface Ledger {
  run: Run
  history: History
  sources: Map<string, SourceReading>
  /** By step id. */
  checkpoints: Map<string, CheckpointState>
  /** By key, which is `s3://<bucket>/<key>` in another bucket. */
  artifacts: Map<string, Artifact>
  /** The answers to this run's claims on folders that `out_dir` leads to. */
  claims: Map<string, Claim>
  /** The run whose files this run's own prefix was given to, before there was this run. */
  claimedBy: Run | undefined
  /** Artifacts that were retired lately: a delete marker above such an object may be a slow worker's. */
  retired: Retirement[]
  effects: Effect[]
  nextEffect: number
  /** What `last_checkpoint` holds or is about to hold. */
  lastCheckpoint: string | undefined
  /** By metric: the score and the key of the best copy that the hub answers with, which exists. */
  answers: Map<string, { score: number; key: string }>
}

/** The ledger of a run that the hub meets for the first time. */
export function emptyLedger(run: Run, stackArguments: NamedArguments): Ledger {
  return {
    run,
    history: {
      stackArguments,
      options: [],
      begins: [],
      ends: [],
      pins: [],
      consents: [],
      steps: new Map(),
    },
    sources: new Map(),
    checkpoints: new Map(),
    artifacts: new Map(),
    claims: new Map(),
    claimedBy: undefined,
    retired: [],
    effects: [],
    nextEffect: 1,
    lastCheckpoint: undefined,
    answers: new Map(),
  }
}

/** What the hub did to a checkpoint that it has not touched. */
export const UNTOUCHED: CheckpointState = { evicted: undefined, withdrawn: [] }

/** Whether the eviction that stands was decided for these bytes, or for what a slow worker had put over them. */
export function isEvicted(
  { evicted }: CheckpointState,
  { versions, lateRestores }: Pick<CheckpointFact, 'versions' | 'lateRestores'>,
): boolean {
  return [...versions, ...lateRestores].some(({ versionId }) => versionId === evicted?.versionId)
}

/** The best copies that a person removed. */
export function removedBests({ artifacts }: Pick<Ledger, 'artifacts'>): RemovedBests {
  return new Set(
    [...artifacts.values()].flatMap((artifact) => {
      if (artifact.state !== 'removed' || artifact.identity.kind !== 'best') return []
      const { metric = '', source } = artifact.identity
      return [removedBest(metric, source.bytes)]
    }),
  )
}

/** Whether two artifacts are to be the same file, whatever they are called. */
export function sameIdentity(a: ArtifactIdentity, b: ArtifactIdentity): boolean {
  return identityText(a) === identityText(b)
}

/** Whether an artifact keeps a top-level key of its source. */
export function keepsKey({ publishedKeys, droppedKeys }: ArtifactIdentity, key: string): boolean {
  return !droppedKeys.includes(key) && (publishedKeys === undefined || publishedKeys.includes(key))
}

/** A text that is the same for the same identity. */
export function identityText(identity: ArtifactIdentity): string {
  const { folder, ...file } = identity
  return JSON.stringify([folder, fileText(file)])
}

/** A text that is the same for the same file, wherever it lies. */
export function fileText(identity: Omit<ArtifactIdentity, 'folder'>): string {
  const { kind, metric, name, source, publishedKeys, droppedKeys, format } = identity
  const common = [kind, metric, name, source.bytes, publishedKeys, droppedKeys]
  return JSON.stringify(format === undefined ? common : [...common, format])
}

/** The ledger with another history. */
export function withHistory(ledger: Ledger, change: Partial<Ledger['history']>): Ledger {
  return { ...ledger, history: { ...ledger.history, ...change } }
}

/** The ledger with the facts of one step. */
export function withStep(ledger: Ledger, facts: StepFacts): Ledger {
  const steps = new Map(ledger.history.steps).set(stepId(facts.series, facts.step), facts)
  return withHistory(ledger, { steps })
}

/** The ledger with what the hub did to one checkpoint. */
export function withCheckpoint(ledger: Ledger, id: string, state: CheckpointState): Ledger {
  return { ...ledger, checkpoints: new Map(ledger.checkpoints).set(id, state) }
}

/** The ledger with one artifact. */
export function withArtifact(ledger: Ledger, key: string, artifact: Artifact): Ledger {
  return { ...ledger, artifacts: new Map(ledger.artifacts).set(key, artifact) }
}

/** The ledger with the answer to a claim. */
export function withClaim(ledger: Ledger, folder: string, claim: Claim): Ledger {
  return { ...ledger, claims: new Map(ledger.claims).set(folder, claim) }
}
