/**
 * Making an artifact: a checkpoint rewritten with fewer keys, written under its final name.
 *
 * Reads the trainer's own upload, never a restored or rewritten one unless that upload has expired.
 */
import { type Bucket, BucketError } from '../bucket/bucket.ts'
import { prepareFile, type Rewrite, type RewrittenFile } from '../bucket/rewritten-file.ts'
import { sourceReader } from '../bucket/source-reader.ts'
import { type Written, writeIfAbsent } from '../bucket/write.ts'
import {
  CheckpointFormatError,
  type GlobalName,
  type OutputPlan,
  planOutput,
  type RewritePlan,
} from '../checkpoint/rewrite.ts'
import { checkpointFacts, droppedFrom } from '../hook/history.ts'
import {
  type Action,
  type ArtifactIdentity,
  type ArtifactObject,
  fileText,
  keepsKey,
  type Ledger,
} from '../hook/ledger.ts'
import { keyIn, publishedName, yieldedName } from '../hook/names.ts'
import type { Result } from '../hook/record-result.ts'
import { type Attempt, goOn, UNHURRIED } from './attempt.ts'
import { namesOf, refusalOf } from './refusal.ts'
import { whereIs } from './where-is.ts'

type Make = Extract<Action, { kind: 'make' }>

/** What came of making an artifact. */
export type Made =
  | Result
  /** Another job of ours wrote other bytes under the name, of which the ledger did not know. */
  | { kind: 'taken'; etag: string }

/** An object that an artifact can be made from. */
interface Source {
  key: string
  versionId: string
  etag: string
  sizeBytes: number
}

/**
 * Makes an artifact, whatever was left of an earlier attempt.
 *
 * @param action what is to be made, from which upload
 * @param allowed what the source's pickle may name beside the allow-list; it changes no byte of what is made
 * @throws {OutOfTime} where another attempt may go on; what is there by then stays
 * @throws the S3 error where the outcome is not known; making it again is safe
 */
export async function makeArtifact(
  bucket: Bucket,
  ledger: Ledger,
  action: Make,
  attempt: Attempt = UNHURRIED,
  allowed: readonly GlobalName[] = [],
): Promise<Made> {
  for (const source of sourcesOf(ledger, action.identity)) {
    try {
      return await makeFrom(bucket, action, source, { attempt, allowed })
    } catch (error) {
      if (error instanceof CheckpointFormatError) {
        return { kind: 'refused', ...refusalOf(error, allowed) }
      }
      if (!(error instanceof BucketError && error.code === 'gone')) throw error
    }
  }
  return { kind: 'gone' }
}

/**
 * The trainer's upload, then other uploads of the same bytes, then what the hub restored of them, then
 * the best copy made from them, and last the file itself where it was before.
 */
function sourcesOf(ledger: Ledger, identity: ArtifactIdentity): Source[] {
  const { key, versionId } = identity.source
  const fact = [...ledger.history.steps.values()]
    .flatMap((facts) => checkpointFacts(facts, key))
    .find(({ versions }) => versions.some((version) => version.versionId === versionId))
  // A stripped version does only where all that it lacks would go anyway.
  const versions =
    fact?.versions.filter(
      (version) => !droppedFrom(fact, version).some((each) => keepsKey(identity, each)),
    ) ?? []
  const own = versions.filter((version) => version.versionId === versionId)
  const others = versions.filter((version) => version.versionId !== versionId)
  const twins = others.filter(({ restores }) => restores === undefined)
  const restored = others.filter(({ restores }) => restores !== undefined)
  const copies = [...ledger.artifacts].flatMap(([key, artifact]): Source[] => {
    if (!('object' in artifact)) return []
    const { kind, source } = artifact.identity
    const { versionId, etag, sizeBytes } = artifact.object
    const isBest = kind === 'best' && source.versionId === identity.source.versionId
    // The same file, where an earlier `out_dir` had it.
    const fits = isBest || fileText(artifact.identity) === fileText(identity)
    return fits ? [{ key, versionId, etag, sizeBytes }] : []
  })
  return [...own, ...twins, ...restored, ...copies]
}

async function makeFrom(
  bucket: Bucket,
  action: Make,
  source: Source,
  { attempt, allowed }: { attempt: Attempt; allowed: readonly GlobalName[] },
): Promise<Made> {
  const { identity } = action
  const at = whereIs(bucket, source.key)
  const reader = await sourceReader(at.bucket, { ...source, key: at.key })
  const plan = await planOutput(reader, {
    wanted: (key) => keepsKey(identity, key),
    format: identity.format ?? 'pth',
    permitted: allowed,
  })
  const rewrite = { source: { ...source, ...at }, reader, plan, timeLeft: attempt.timeLeft }
  return goOn<Made>(
    rewrite,
    attempt,
    () => makeFile(bucket, action, rewrite),
    (reason) => ({ kind: 'refused', reason }),
  )
}

async function makeFile(
  bucket: Bucket,
  action: Make,
  rewrite: Rewrite & { plan: OutputPlan },
): Promise<Made> {
  const { identity } = action
  const file = await prepareFile(rewrite)
  const key =
    identity.kind === 'published'
      ? keyIn(identity.folder, publishedName(identity.name, file.sha256, rewrite.plan.extension))
      : action.key
  const result = await write(bucket, action, key, rewrite.plan, file)
  await file.drop()
  return result
}

async function write(
  bucket: Bucket,
  action: Make,
  key: string,
  plan: RewritePlan,
  content: RewrittenFile,
): Promise<Made> {
  const at = whereIs(bucket, key)
  const written = await writeIfAbsent(at.bucket, at.key, content, action.replaces)
  if (written.kind === 'written') {
    const permitted = namesOf(plan.globals.filter(({ byOption }) => byOption))
    const object: ArtifactObject = {
      versionId: written.versionId,
      etag: written.etag,
      sizeBytes: content.sizeBytes,
      sha256: content.sha256,
      keptKeys: plan.keptKeys,
      removedKeys: plan.removedKeys,
      layoutVersion: plan.layoutVersion,
      hashedBy: content.hashedBy,
      ...(permitted.length > 0 && { permittedGlobals: permitted }),
    }
    return { kind: 'made', key, object }
  }
  const { identity } = action
  if (written.kind === 'own' && identity.kind === 'best') {
    return { kind: 'taken', etag: written.etag }
  }
  const plain = keyIn(identity.folder, identity.name)
  if (identity.kind === 'best' && key === plain)
    return { kind: 'foreign', key, seconds: secondsOf(written) }
  const yielded = yieldedName(key)
  if (identity.kind === 'published' && !key.includes('.hub.')) {
    return write(bucket, action, yielded, plan, content)
  }
  const reason = `both ${plain} and the name that the hub takes instead hold objects that are not the hub's; move one away`
  return { kind: 'refused', reason }
}

function secondsOf(written: Written): number {
  return written.kind === 'foreign' ? written.seconds : 0
}
