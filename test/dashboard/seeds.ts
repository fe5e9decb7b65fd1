/** Runs to look at: the recorded one, trainings that were never trained, and one whose name is an attack. */

import { readRecording, uploadBody } from '../../examples/train/recording.ts'
import { emptyLedger } from '../../lib/hook/ledger.ts'
import { keyIn, type Run } from '../../lib/hook/names.ts'
import type { Observation } from '../../lib/hook/record.ts'
import { commitRun, loadRun } from '../../lib/message-hub/message-hub.ts'
import { put } from '../lib/bucket/objects.ts'
import {
  checkpointAt,
  endAt,
  metricsAt,
  optionsAt,
  settledOn,
} from '../lib/message-hub/observations.ts'
import { drain, look, type TestWorker } from '../lib/run/worker.ts'

/** The recorded training, as `npm run demo` uploads it. */
export const DIGITS = 'work_dirs/digits' as Run
/** 2,000 checkpoints with 20 metrics each. */
export const LONG = 'work_dirs/long/pretrain-vit-l' as Run
/** Markup, quotes, what moves a terminal's cursor, what turns the writing, and letters of many kinds. */
export const ODD =
  'odd/<img src=x onerror=alert(1)>"\'`&amp;\u0024{7*7}</title><script>alert(2)</script>\u0007\u001b[31m\u202egnp.exe\u2066 größe 模型 🙂 javascript:alert(3)' as Run

/** The metric that decides in that run. */
export const ODD_METRIC = '"><svg onload=alert(4)>\u202e'

export const LONG_STEPS = 2_000
export const LONG_METRICS = 20

/** Uploads the recorded training in its trainer's order, and lets the hub work after each. */
export async function seedDigits(worker: TestWorker, run = DIGITS): Promise<void> {
  const { order } = await readRecording()
  for (const each of order) {
    await put(worker.bucket, keyIn(run, each.key), await uploadBody(each))
    await look(worker, [each.key], run)
    await drain(worker)
  }
}

/** A training whose curve rises towards a height; nothing of it is in the bucket. */
export async function seedTraining(
  worker: TestWorker,
  run: Run,
  { epochs, height, at, seed }: { epochs: number; height: number; at: number; seed: number },
): Promise<void> {
  const chance = randomFrom(seed)
  const options = {
    interval: 1,
    max_keep_ckpts: 5,
    save_best: ['accuracy', 'val/loss'],
    published_keys: ['state_dict'],
  }
  const steps = Array.from({ length: epochs }, (_, index) => {
    const done = 1 - Math.exp(-(index + 1) / (epochs / 4))
    const accuracy = height * done + chance() * 1.5
    const loss = 2.3 * (1 - 0.85 * done) + chance() * 0.08
    return [
      checkpointAt(at + 60 * index, index + 1, { run, over: { sizeBytes: 97_800_000 } }),
      metricsAt(at + 60 * index, index + 1, { accuracy, 'val/loss': loss }, { run }),
    ]
  })
  await commit(worker, run, [
    optionsAt(at, options, 0, run),
    ...steps.flat(),
    endAt(at + 60 * epochs, undefined, run),
  ])
}

/**
 * A training of 2,000 checkpoints, with twenty metrics of which two decide.
 *
 * @param end of it, in seconds since the start of observations
 */
export async function seedLong(worker: TestWorker, end = 10 * LONG_STEPS): Promise<void> {
  const chance = randomFrom(7)
  const begin = end - 10 * LONG_STEPS
  const run = LONG
  const series = 'iter' as const
  const options = {
    interval: 500,
    by_epoch: false,
    max_keep_ckpts: 8,
    save_best: ['val/top1', 'val/loss'],
  }
  const seen: Observation[] = [optionsAt(begin, options, 0, run)]
  for (let index = 0; index < LONG_STEPS; index++) {
    const step = 500 * (index + 1)
    const done = 1 - Math.exp(-index / 500)
    const metrics: Record<string, number> = {
      'val/top1': 78 * done + 2 * chance(),
      'val/loss': 6.9 - 5.1 * done + 0.2 * chance(),
    }
    for (let nth = 3; nth <= LONG_METRICS; nth++) {
      metrics[`val/class_${String(nth).padStart(2, '0')}`] = (60 + nth) * done + 5 * chance()
    }
    // One in a hundred is NaN, as trainings have it.
    if (index % 100 === 50) metrics['val/class_03'] = Number.NaN
    const at = begin + 10 * index
    seen.push(checkpointAt(at, step, { run, series, over: { sizeBytes: 1_216_000_000 } }))
    seen.push(metricsAt(at, step, metrics, { run, series }))
  }
  await commit(worker, run, seen)
}

/** A run whose names are an attack on whatever shows them, with a torn upload. */
export async function seedOdd(worker: TestWorker): Promise<void> {
  const run = ODD
  const metric = ODD_METRIC
  const options = {
    save_best: metric,
    rule: 'greater',
    max_keep_ckpts: 1,
    published_keys: ['state_dict'],
  }
  await commit(worker, run, [
    optionsAt(0, options, 0, run),
    checkpointAt(10, 1, { run }),
    metricsAt(10, 1, { [metric]: 0.25, constructor: 1, ['__proto__']: 2 }, { run }),
    checkpointAt(20, 2, { run }),
    metricsAt(20, 2, { [metric]: 0.5, constructor: 2, ['__proto__']: 3 }, { run }),
    checkpointAt(30, 3, {
      run,
      over: { fault: 'expected </td><script>alert(5)</script>, found \u001b]0;' },
    }),
    endAt(40, undefined, run),
  ])
}

/** Lets the hub meet observations, carry out what follows, and write it down. */
async function commit(worker: TestWorker, run: Run, seen: readonly Observation[]): Promise<void> {
  const loaded = await loadRun(worker.hub, run)
  let decision = settledOn(emptyLedger(run, worker.hub.stackArguments), ...seen)
  while (decision.ledger.effects.length > 0) decision = settledOn(decision.ledger)
  await commitRun(worker.hub, loaded, decision)
}

/** The same numbers from 0 to 1 each time. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}
