/** Observations to build ledgers from: what `lib/run` would have seen in a bucket. */
import type { Upload } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import type { Effect, Ledger } from '../../../lib/hook/ledger.ts'
import { keyIn, type Run, type Series } from '../../../lib/hook/names.ts'
import { type Decision, decide } from '../../../lib/hook/plan.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import type { Result } from '../../../lib/hook/record-result.ts'

export const RUN = 'experiments/resnet' as Run
/** A moment to count seconds from. */
export const START = 1_790_000_000

/** An upload that the bucket lists as the only version of its key. */
export function uploadOf(key: string, seconds: number, over: Partial<Upload> = {}): Upload {
  return {
    key,
    versionId: `version-of-${key}-${seconds}`,
    etag: `etag-${key}-${seconds}`,
    sizeBytes: 1000 + seconds,
    seconds,
    fingerprint: `print-${key}-${seconds}`,
    fault: undefined,
    restores: undefined,
    gone: false,
    ...over,
  }
}

/** A whole checkpoint of the run, uploaded `at` seconds after the start. */
export function checkpointAt(
  at: number,
  step: number,
  { run = RUN, series = 'epoch' as Series, over = {} as Partial<Upload> } = {},
): Observation {
  const upload = uploadOf(keyIn(run, `${series}_${step}.pth`), START + at, over)
  return {
    kind: 'checkpoint',
    series,
    step,
    key: upload.key,
    uploads: [upload],
    listed: [upload.versionId],
    marker: undefined,
  }
}

/** A delete marker above what a step's key held. */
export function removalAt(at: number, step: number, run = RUN): Observation {
  return {
    kind: 'checkpoint',
    series: 'epoch',
    step,
    key: keyIn(run, `epoch_${step}.pth`),
    uploads: [],
    listed: [],
    marker: { seconds: START + at, above: undefined },
  }
}

/** A metric event of one step. */
export function metricsAt(
  at: number,
  step: number,
  metrics: Record<string, number | null>,
  { run = RUN, series = 'epoch' as Series } = {},
): Observation {
  return {
    kind: 'metrics',
    series,
    step,
    facts: Object.entries(metrics).map(([metric, value], position) => ({
      metric,
      value,
      seconds: START + at,
      source: 'event',
      key: keyIn(run, `metrics/${series}_${step}.json`),
      position,
      ordinal: 0,
      versionId: undefined,
    })),
  }
}

/** A version of `checkpoint_hook.json`. */
export function optionsAt(at: number, named: NamedArguments, ordinal = 0, run = RUN): Observation {
  const key = keyIn(run, 'checkpoint_hook.json')
  const fact = { key, versionId: `options-${ordinal}`, seconds: START + at, ordinal }
  return { kind: 'options', facts: [{ ...fact, fault: undefined, named }] }
}

/** An end of training. */
export function endAt(at: number, last?: string, run = RUN): Observation {
  const key = keyIn(run, 'after_train.json')
  const fact = { key, versionId: `end-${at}`, seconds: START + at, ordinal: 0 }
  return { kind: 'end', facts: [{ ...fact, fault: undefined, last }] }
}

/** That an effect was carried out, by a `publish` that makes the same bytes of the same source. */
export function resultOf({ number, action }: Effect): Observation {
  return { kind: 'result', effect: number, action, result: resultOfAction(action) }
}

function resultOfAction(action: Effect['action']): Result {
  if (action.kind === 'restore') {
    const { key, versionId, sizeBytes } = action
    const over = { sizeBytes, restores: versionId, fingerprint: undefined }
    return { kind: 'restored', upload: uploadOf(key, START + 9999, over) }
  }
  if (action.kind !== 'make') return { kind: 'done' }
  return {
    kind: 'made',
    key: action.identity.kind === 'best' ? action.key : `${action.key}-0123abcd.pth`,
    object: {
      versionId: `made-of-${action.identity.source.versionId}`,
      etag: 'made',
      sizeBytes: 500,
      sha256: '0123abcd'.repeat(8),
      keptKeys: ['meta', 'state_dict'],
      removedKeys: ['optimizer'],
      layoutVersion: 1,
      hashedBy: 'function',
    },
  }
}

/** The decision on a ledger with observations in it. */
export function decisionOn(ledger: Ledger, ...seen: Observation[]): Decision {
  return decide(seen.reduce(record, ledger), {
    bucket: 'bucket',
    brake: 10,
    unversioned: [],
    nowSeconds: START + 5000,
  })
}

/** The decision after every effect that follows was carried out. */
export function settledOn(ledger: Ledger, ...seen: Observation[]): Decision {
  let decision = decisionOn(ledger, ...seen)
  for (let round = 0; decision.ledger.effects.length > 0 && round < 20; round++) {
    decision = decisionOn(decision.ledger, ...decision.ledger.effects.map(resultOf))
  }
  return decision
}
