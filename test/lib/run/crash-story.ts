/**
 * Tells a worker the story of a run, with faults in it, and looks at how it ends.
 *
 * Invariant 7: a crash before, after, or with the answer lost of any single AWS call, followed by
 * redelivery, converges to the same end.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyIn } from '../../../lib/hook/names.ts'
import { carryOutJob } from '../../../lib/run/job.ts'
import { sweep } from '../../../lib/run/sweep.ts'
import type { Worker } from '../../../lib/run/worker.ts'
import { type StartedStore, type Store, startStore } from '../bucket/store.ts'
import { aroundCalls, type Call } from '../bucket/wire.ts'
import { indexed } from '../message-hub/hub-table.ts'
import { type End, endOf } from './run-end.ts'
import {
  anotherInvocation,
  drain,
  look,
  newWorker,
  RUN,
  sweepOrder,
  type TestWorker,
} from './worker.ts'

/** What is uploaded and announced together, before the jobs that follow are done. */
export type Chapter = Record<string, string | Uint8Array>

/** The process died, or the network did: nobody saw an answer. */
class Crash extends Error {
  override readonly name = 'Crash'
}

/** What goes wrong with one call of a whole story. */
interface Fault {
  call: number
  how: /** It never arrives, and the function sees an error. */
    | 'refused'
    /** It is applied, and the function sees an error. */
    | 'answer lost'
    /** It is applied, and the function ends there and then. */
    | 'death'
}

/** Calls that change nothing. */
const READS = ['GetObject', 'HeadObject', 'ListObjectsV2', 'ListObjectVersions', 'Query']

/** Tests a story with every fault that it can meet. */
export function describeFaults(story: readonly Chapter[], hows: readonly Fault['how'][]): void {
  let store: StartedStore
  let calls: string[]
  let undisturbed: End

  beforeAll(async () => {
    store = await startStore()
    const worker = await newWorker(store)
    calls = await tell(store, worker, story)
    undisturbed = await endOf(worker)
  })
  afterAll(() => store?.stop())

  test('without a fault ends with nothing left to do', () => {
    expect(undisturbed).toMatchObject({ effects: 0 })
    expect(calls).toEqual(expect.arrayContaining(['PutObject', 'SendMessage', 'DeleteObject']))
  })

  test.each(hows)(
    'with any single call that ends in this way ends the same by redelivery: %s',
    async (how) => {
      const ends = new Map<string, End>()
      await atOnce(pointsOf(calls, how), async (call) => {
        const worker = await newWorker(store)
        await tell(store, worker, story, { fault: { call, how } })
        ends.set(`${how} at call ${call}, ${calls[call]}`, await endOf(worker))
      })
      const expected = [...ends.keys()].map((name) => [name, undisturbed])
      expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(expected))
    },
  )

  test('with an effect that nothing redelivers is ended by the sweep', async () => {
    const effects = pointsOf(calls, 'death').filter((call) => calls[call] !== 'TransactWriteItems')
    await atOnce(effects, async (call) => {
      const worker = await newWorker(store)
      await tell(store, worker, story, { fault: { call, how: 'refused' }, redeliver: false })
      const later = anotherInvocation(store, worker)
      later.nowSeconds = () => Math.floor(Date.now() / 1000) + 10_000
      await sweep(later, sweepOrder())
      await drain(worker)
      // What was evicted late needed no restore, so that versions may differ, and objects may not.
      const { objects, effects } = await endOf(worker)
      expect({ objects, effects }, `call ${call}, ${calls[call]}`).toEqual({
        objects: undisturbed.objects,
        effects: 0,
      })
      expect(await indexed(worker.hub, 'outbox', 'effects')).toEqual([])
    })
  })
}

/** Some tellings at a time: the store answers one while the others think. */
async function atOnce(points: readonly number[], telling: (call: number) => Promise<void>) {
  const left = points.values()
  const teller = async () => {
    for (const call of left) await telling(call)
  }
  await Promise.all(Array.from({ length: 4 }, teller))
}

/** Of reads in a row each finds the same, and leaves the same behind when it fails. */
function pointsOf(calls: readonly string[], how: Fault['how']): number[] {
  const isWrite = (call: number) => !READS.includes(calls[call] ?? '')
  const all = [...calls.keys()]
  if (how !== 'refused') return all.filter(isWrite)
  return all.filter((call) => call === 0 || isWrite(call) || isWrite(call - 1))
}

/** How a story is told. */
interface Telling {
  fault?: Fault
  /** Whether a message whose handling crashed is delivered again; true by default. */
  redeliver?: boolean
}

/**
 * Tells the story of a run.
 *
 * @returns the names of the calls that were made, up to the crash and after it
 */
async function tell(
  store: Store,
  worker: TestWorker,
  story: readonly Chapter[],
  { fault, redeliver = true }: Telling = {},
): Promise<string[]> {
  const calls: string[] = []
  // One set of clients for all invocations; the faults are in it.
  const invocation = anotherInvocation(store, worker)
  let dead = false
  everyCall(invocation, async ({ name, go }) => {
    if (dead) throw new Crash('the dead make no calls')
    const isIt = calls.length === fault?.call
    calls.push(name)
    if (!isIt || fault?.how !== 'refused') await go()
    if (!isIt) return
    dead = fault?.how === 'death'
    throw new Crash(`${fault?.how} at call ${fault?.call}, ${name}`)
  })
  const deliver = async (work: () => Promise<unknown>) => {
    dead = false
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      if (redeliver) await deliver(work)
    }
  }
  for (const chapter of story) {
    for (const [name, body] of Object.entries(chapter)) {
      const Key = keyIn(RUN, name)
      const { s3, name: Bucket } = worker.bucket
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: body }))
    }
    await deliver(() => look(invocation, Object.keys(chapter)))
    while (worker.queue.length > 0) {
      const [job] = worker.queue
      if (job !== undefined) await deliver(() => carryOutJob(invocation, job))
      worker.queue.shift()
    }
  }
  return calls
}

function everyCall(invocation: Worker, around: (call: Call) => Promise<void>): void {
  aroundCalls(invocation.bucket.s3, around)
  aroundCalls(invocation.hub.dynamodb, around)
  aroundCalls(invocation.jobs.sqs, around)
}
