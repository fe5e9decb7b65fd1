/** Explanations for programs. Scores are texts where JSON has no number for them. */
import type { Rival } from '../../lib/hook/evictions.ts'
import type { BestStanding } from '../../lib/hook/explain.ts'
import type { FactAt } from '../../lib/hook/history-until.ts'
import { uriOf } from '../../lib/hook/names.ts'
import { isoTime } from '../output/times.ts'
import type { Explained, ExplainedRun } from './explained.ts'

/** The document that `ckpt explain --json` prints. */
export function jsonOfExplanations({ run, bucket, checkpoints }: ExplainedRun): object {
  return { run, checkpoints: checkpoints.map((each) => jsonOf(bucket, each)) }
}

function jsonOf(bucket: string, each: Explained): object {
  const { decidedBy, deletion, remainder, removedSeconds } = each
  return {
    series: each.series,
    step: each.step,
    checkpoint: uriOf(bucket, each.key),
    fate: each.fate,
    rule: each.rule,
    reason: each.reason,
    rivals: each.rivals.map(rival),
    uploaded: isoTime(each.uploadedSeconds),
    size_bytes: each.sizeBytes,
    life: each.life ?? null,
    decided_by: decidedBy === undefined ? null : factJson(bucket, decidedBy),
    best: each.best.map(standing),
    made: each.made.map(({ kind, key, metric = null, state, reason }) => ({
      kind,
      object: uriOf(bucket, key),
      metric,
      state,
      ...(reason !== undefined && { reason }),
    })),
    deletion: deletion.state,
    ...('versionId' in deletion && { evicted_version_id: deletion.versionId }),
    ...(remainder?.state === 'gone' && { is_expired: true }),
    ...(remainder?.state === 'restorable' && {
      restorable_until: isoTime(remainder.untilSeconds),
    }),
    ...(each.fault !== undefined && { fault: each.fault }),
    ...(removedSeconds !== undefined && { removed: isoTime(removedSeconds) }),
  }
}

function rival({ step, key, seconds }: Rival): object {
  return { step, key, uploaded: isoTime(seconds) }
}

function standing({ metric, rule, score, rank, of, isBest, rival: other }: BestStanding): object {
  return {
    metric,
    rule,
    score: scoreJson(score),
    rank,
    of,
    is_best: isBest,
    rival: other === undefined ? null : { ...rival(other), score: scoreJson(other.score) },
  }
}

/** What decided, as the history has it. */
export function factJson(
  bucket: string,
  { kind, key, versionId, moment, metrics }: FactAt,
): object {
  return {
    event: kind,
    object: uriOf(bucket, key),
    ...(versionId !== undefined && { version_id: versionId }),
    time: isoTime(moment.seconds),
    ...(metrics.length > 0 && {
      metrics: Object.fromEntries(
        metrics.map(({ metric, value }) => [metric, value === null ? null : scoreJson(value)]),
      ),
    }),
  }
}

function scoreJson(score: number): number | string {
  return Number.isFinite(score) ? score : String(score)
}
