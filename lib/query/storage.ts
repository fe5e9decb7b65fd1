/** How many bytes a run takes, and how many retention saves. */
import type { StepFacts, Upload } from '../hook/history.ts'
import type { Ledger } from '../hook/ledger.ts'

/** In bytes. What was evicted is paid for until its noncurrent version expires. */
export interface Storage {
  /** Checkpoints that are there, torn ones too. */
  kept_bytes: number
  /** Best copies and published files. */
  made_bytes: number
  /** Checkpoints that were evicted. */
  evicted_bytes: number
  /** What stored checkpoints lost by `save_optimizer` and `save_param_scheduler`. */
  stripped_bytes: number
}

export function storageOf({ history, checkpoints, artifacts }: Ledger): Storage {
  const storage: Storage = { kept_bytes: 0, made_bytes: 0, evicted_bytes: 0, stripped_bytes: 0 }
  for (const [id, facts] of history.steps) {
    const evicted = checkpoints.get(id)?.evicted?.versionId
    for (const upload of newestOfKeys(facts)) {
      if (upload.versionId === evicted) storage.evicted_bytes += upload.sizeBytes
      else if (facts.removal?.key !== upload.key && !upload.gone) {
        storage.kept_bytes += upload.sizeBytes
        storage.stripped_bytes += strippedFrom(facts, upload)
      }
    }
  }
  for (const artifact of artifacts.values()) {
    if (artifact.state === 'current') storage.made_bytes += artifact.object.sizeBytes
  }
  return storage
}

function newestOfKeys({ uploads }: StepFacts): Iterable<Upload> {
  return new Map(uploads.map((upload) => [upload.key, upload])).values()
}

function strippedFrom({ uploads }: StepFacts, { strips, sizeBytes }: Upload): number {
  const before = uploads.find(({ versionId }) => versionId === strips?.versionId)
  return before === undefined ? 0 : before.sizeBytes - sizeBytes
}
