/** Entries that only people and indexes read: derived at each commit, and never read back. */
import { bytesOf } from '../hook/history.ts'
import type { Ledger } from '../hook/ledger.ts'
import { sameIdentity } from '../hook/ledger.ts'
import { keyIn, uriOf } from '../hook/names.ts'
import type { Decision } from '../hook/plan.ts'
import { bestIdentity } from '../hook/plan-artifacts.ts'
import {
  newestProblems,
  outDirProblems,
  type Problem,
  problem,
  problemOfSource,
} from '../hook/problems.ts'
import { scoreRank, scoreText } from '../hook/score.ts'
import type { Attributes } from './schema.ts'

/** What a list of runs needs; the index `runs` sorts these by their last upload. */
export function runEntry(decision: Decision, bucket: string): Attributes {
  const { ledger, outcome, last } = decision
  const uploads = [...ledger.history.steps.values()].flatMap((facts) => facts.uploads)
  const seconds = uploads.map((upload) => upload.seconds)
  const fates = [...outcome.fates.values()]
  return {
    listed: 'runs',
    bucket,
    first_upload: seconds.length > 0 ? isoTime(Math.min(...seconds)) : undefined,
    last_upload: seconds.length > 0 ? isoTime(Math.max(...seconds)) : undefined,
    checkpoints: fates.length,
    evicted: fates.filter(({ kind }) => kind === 'evicted').length,
    lives: outcome.survey.lives.length,
    last_step: last?.step,
    best: outcome.best.map(({ metric, score, checkpoint }) => {
      return { metric, score: scoreText(score), step: checkpoint.step }
    }),
    problems: problemsOf(decision).length,
  }
}

/** The index `leaderboard` ranks these. */
export function bestEntries(
  { ledger, outcome, destination }: Decision,
  bucket: string,
): [string, Attributes][] {
  return outcome.best.map((best) => {
    const wanted = bestIdentity(best, destination.folder)
    const copy = [...ledger.artifacts].find(
      ([, artifact]) =>
        'identity' in artifact &&
        artifact.state !== 'superseded' &&
        sameIdentity(artifact.identity, wanted),
    )
    return [
      best.metric,
      {
        metric: best.metric,
        rule: best.rule,
        score: scoreText(best.score),
        score_rank: scoreRank(best.score),
        step: best.checkpoint.step,
        life: best.life.ordinal,
        source: uriOf(bucket, best.checkpoint.key),
        source_version_id: best.checkpoint.first.versionId,
        // What was refused is no file.
        copy: copy && copy[1].state !== 'refused' ? uriOf(bucket, copy[0]) : undefined,
        state: copy?.[1].state ?? 'being made',
      },
    ]
  })
}

/** The newest problems of a run. */
export function problemsOf(decision: Decision): Problem[] {
  const { ledger, outcome } = decision
  const ofSources = [...ledger.sources.values()].flatMap(({ faults }) =>
    faults.map(problemOfSource),
  )
  return newestProblems([
    ...outcome.problems,
    ...ofSources,
    ...outDirProblems(ledger, decision.destination),
    ...artifactProblems(ledger),
    ...heldProblems(decision),
    ...unstrippedProblems(ledger),
  ])
}

function heldProblems({ ledger, heldDeletions }: Decision): Problem[] {
  const uploads = [...ledger.history.steps.values()].flatMap((facts) => facts.uploads)
  const seconds = Math.max(0, ...uploads.map((upload) => upload.seconds))
  return [...heldDeletions].map(([bucket, count]) => {
    const reason = `is not enabled on the bucket ${bucket}, so ${count} deletions that could not be undone are held; enable it`
    return problem('error', keyIn(ledger.run, ''), seconds, 'versioning', reason)
  })
}

function artifactProblems(ledger: Ledger): Problem[] {
  return [...ledger.artifacts].flatMap(([key, artifact]) => {
    if (artifact.state === 'foreign') {
      const reason =
        'is not of the hub, which leaves it alone and puts ".hub" into the name of its own'
      return [problem('warning', key, artifact.seconds, 'key', reason)]
    }
    if (artifact.state !== 'refused') return []
    const { source } = artifact.identity
    const upload = [...ledger.history.steps.values()]
      .flatMap(({ uploads }) => uploads)
      .find(({ versionId }) => versionId === source.versionId)
    return [
      problem('error', source.key, upload?.seconds ?? 0, artifact.identity.kind, artifact.reason),
    ]
  })
}

/** Checkpoints that hold more than the options ask for, since they cannot be rewritten. */
function unstrippedProblems({ checkpoints, history }: Ledger): Problem[] {
  return [...checkpoints].flatMap(([id, { unstripped }]) => {
    const upload = history.steps
      .get(id)
      ?.uploads.find((each) => bytesOf(each) === unstripped?.bytes)
    if (unstripped?.refusal === undefined || upload === undefined) return []
    const reason = `is kept with all its keys, ${unstripped.droppedKeys.join(' and ')} too: ${unstripped.refusal.reason}`
    return [problem('warning', upload.key, upload.seconds, 'checkpoint', reason)]
  })
}

/** A time as sort keys and people read it. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
