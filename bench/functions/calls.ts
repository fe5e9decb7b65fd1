/**
 * The calls to AWS that one event costs, counted where the hub works on a real bucket and table: a checkpoint that
 * evicts another, and a metric, in runs of several lengths.
 */
import type { Bucket } from '../../lib/bucket/bucket.ts'
import { emptyLedger, type Ledger } from '../../lib/hook/ledger.ts'
import { keyIn, type Run } from '../../lib/hook/names.ts'
import { KnownRuns } from '../../lib/message-hub/known-runs.ts'
import { commitRun, loadRun } from '../../lib/message-hub/message-hub.ts'
import { rememberedVersioning } from '../../lib/run/settings.ts'
import { settleRun } from '../../lib/run/settle.ts'
import type { Worker } from '../../lib/run/worker.ts'
import { dict, floatTensor, int, pickleOf } from '../../test/fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../test/fixtures/zip-bytes.ts'
import { put } from '../../test/lib/bucket/objects.ts'
import { type StartedStore, startStore } from '../../test/lib/bucket/store.ts'
import { aroundCalls, type Call } from '../../test/lib/bucket/wire.ts'
import { checkpointAt, metricsAt, settledOn } from '../../test/lib/message-hub/observations.ts'
import { drain, newWorker, type TestWorker } from '../../test/lib/run/worker.ts'

/** The names of the calls of one event, by service. */
export interface EventCalls {
  readonly step: number
  readonly event: 'checkpoint' | 'metric'
  readonly memory: Memory
  readonly s3: readonly string[]
  readonly dynamodb: readonly string[]
  readonly sqs: readonly string[]
}

/** What the function knows of the run: all that happened, all but another function's last event, or nothing. */
type Memory = 'warm' | 'after another' | 'just started'

const RUN = 'bench/run' as Run
const OPTIONS = { interval: 1, max_keep_ckpts: 3, save_best: 'acc', rule: 'greater' }
/** So many steps are uploaded for real before the one that is counted: what is kept by then is there. */
const REAL_STEPS = 8
const WEIGHTS = 512 * 1024
/** A decision begins at most 25 effects. */
const STEPS_AT_ONCE = 24

/** The trainer's own calls are not counted. */
interface CountedWorker extends TestWorker {
  readonly trainer: Bucket
}

/** Counts the events of the last step of runs that are so long. */
export async function callsAtSteps(steps: readonly number[]): Promise<EventCalls[]> {
  const store = await startStore()
  try {
    const found: EventCalls[] = []
    for (const step of steps) found.push(...(await callsAtStep(store, step)))
    return found
  } finally {
    await store.stop()
  }
}

async function callsAtStep(store: StartedStore, last: number): Promise<EventCalls[]> {
  const tested = await newWorker(store, OPTIONS)
  const worker: CountedWorker = {
    ...tested,
    keepsVersions: rememberedVersioning(tested.bucket),
    trainer: { ...tested.bucket, s3: store.newS3() },
  }
  const warm = { ...worker, hub: { ...worker.hub, known: new KnownRuns() } }
  await seed(warm, last - REAL_STEPS - 1)
  for (let step = last - REAL_STEPS; step < last - 2; step++) {
    await checkpointEvent(warm, step)
    await metricEvent(warm, step)
    await drain(warm)
  }
  const anew = () => ({ ...worker, hub: { ...worker.hub, known: new KnownRuns() } })
  const found: EventCalls[] = []
  for (const happen of [checkpointEvent, metricEvent]) {
    found.push(await counted(anew(), last - 2, 'just started', happen))
    await metricEvent(anew(), last - REAL_STEPS)
    found.push(await counted(warm, last - 1, 'after another', happen))
    found.push(await counted(warm, last, 'warm', happen))
  }
  return found
}

async function checkpointEvent(worker: CountedWorker, step: number): Promise<EventCalls['event']> {
  const key = keyIn(RUN, `epoch_${step}.pth`)
  await put(worker.trainer, key, weightyCheckpoint(step))
  await settleRun(worker, RUN, { keys: [key] })
  return 'checkpoint'
}

let metricEvents = 0

async function metricEvent(worker: CountedWorker, step: number): Promise<EventCalls['event']> {
  const key = keyIn(RUN, `metrics/epoch_${step}.json`)
  // Never better than the first, and never the same twice.
  metricEvents += 1
  const event = { epoch: step, metrics: { acc: -metricEvents } }
  await put(worker.trainer, key, JSON.stringify(event))
  await settleRun(worker, RUN, { keys: [key] })
  return 'metric'
}

async function counted(
  worker: CountedWorker,
  step: number,
  memory: Memory,
  happen: (worker: CountedWorker, step: number) => Promise<EventCalls['event']>,
): Promise<EventCalls> {
  const calls = { s3: [] as string[], dynamodb: [] as string[], sqs: [] as string[] }
  let isCounting = true
  const note =
    (names: string[]) =>
    async ({ name, go }: Call) => {
      if (isCounting) names.push(name)
      await go()
    }
  aroundCalls(worker.bucket.s3, note(calls.s3))
  aroundCalls(worker.hub.dynamodb, note(calls.dynamodb))
  aroundCalls(worker.jobs.sqs, note(calls.sqs))
  const event = await happen(worker, step)
  isCounting = false
  return { step, event, memory, ...calls }
}

/** A run's earlier steps, as if each had been uploaded, evaluated and, in its time, evicted. */
async function seed(worker: Worker, steps: number): Promise<void> {
  let ledger: Ledger = emptyLedger(RUN, OPTIONS)
  let decision: ReturnType<typeof settledOn> | undefined
  for (let from = 1; from <= steps; from += STEPS_AT_ONCE) {
    const until = Math.min(steps, from + STEPS_AT_ONCE - 1)
    const seen = Array.from({ length: until - from + 1 }, (_, at) => from + at).flatMap((step) => [
      checkpointAt(step, step, { run: RUN }),
      metricsAt(step, step, { acc: 1 / step }, { run: RUN }),
    ])
    decision = settledOn(ledger, ...seen)
    ledger = decision.ledger
    process.stderr.write(`\r  a run of ${until} steps`)
  }
  process.stderr.write('\n')
  if (decision !== undefined) await commitRun(worker.hub, await loadRun(worker.hub, RUN), decision)
}

/** A checkpoint whose start and end do not come with one read. */
function weightyCheckpoint(step: number): Uint8Array {
  const floats = new Float32Array(WEIGHTS).fill(step)
  const state_dict = dict({ weight: floatTensor('0', WEIGHTS) })
  const pickle = pickleOf(dict({ meta: dict({ epoch: int(step) }), state_dict }))
  return checkpointOf(pickle, { 0: new Uint8Array(floats.buffer) })
}
