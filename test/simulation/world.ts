/**
 * The world of one schedule: the services, the functions that Lambda runs, and what goes wrong on the way.
 */
import { keepsVersions } from '../../lib/bucket/versioning.ts'
import { KnownRuns } from '../../lib/message-hub/known-runs.ts'
import type { Worker } from '../../lib/run/worker.ts'
import type { Chance } from '../oracle/chance.ts'
import { DynamodbModel } from './dynamodb/dynamodb-model.ts'
import { type CallFault, chanceOfName, type FaultRates } from './faults.ts'
import { EVENTS_URL, type FunctionName, HANDLERS, TIMEOUT_SECONDS } from './functions.ts'
import { type Call, Invocation } from './invocation.ts'
import { S3Model } from './s3/s3-model.ts'
import { BEGIN_MS, type Schedule } from './schedule.ts'
import { type Message, Queue } from './sqs/queue.ts'
import { Tally } from './tally.ts'
import { Timeline } from './timeline.ts'
import { Watch } from './watch.ts'

export const BUCKET = 'bucket'
const NO_FAULTS: FaultRates = { call: 0, stall: 0, message: 0 }
const VISIBILITY_PER_TIMEOUT = 6
const MAX_RECEIVE = 5
const BATCH_SIZE = { ingest: 10, publish: 1 } as const
const CONCURRENCY = 10
/** In every such schedule all places that make calls are counted. */
const NAMED = 10
const QUICK_MS = 1_500
const LONGEST_DELAY_MS = 900_000

/** How often a process that waits is asked, and not a new one. */
const WARM = 0.8

export class World {
  readonly schedule: Schedule
  readonly timeline = new Timeline(BEGIN_MS)
  readonly tally = new Tally()
  readonly s3: S3Model
  readonly dynamodb: DynamodbModel
  readonly events: Queue
  readonly jobs: Queue
  readonly watch: Watch
  /** Whom the trace is told; nobody where nobody asks. */
  readonly #tell: ((line: string) => void) | undefined
  readonly #seed: number
  readonly #running = { ingest: 0, publish: 0, sweep: 0 }
  /** Of processes that wait for work, what each remembers. */
  readonly #containers: Record<FunctionName, KnownRuns[]> = { ingest: [], publish: [], sweep: [] }
  readonly #delivering: Chance
  #notifications = 0
  #invocations = 0
  #isCalm = false
  /** Why invocations failed, of late. */
  readonly reasons: string[] = []
  /** Names of the faults that struck. */
  readonly struck: string[] = []
  /** How many of the schedule's strikes found their place. */
  strikesMet = 0
  /** Places that made a call once all strikes had found theirs. */
  readonly reached = new Set<string>()

  constructor(schedule: Schedule, tell?: (line: string) => void) {
    this.schedule = schedule
    this.#tell = tell
    this.#seed = Math.imul(schedule.seed, 0x9e3779b1) ^ Math.imul(schedule.number + 1, 0x85ebca6b)
    this.#delivering = this.chanceOf('delivering')
    const now = () => this.timeline.nowMs
    const { pageRows, pageItems, indexLagMs, computesHashes } = schedule.services
    this.s3 = new S3Model(BUCKET, now, { pageRows, computesHashes }, (key) => this.#notify(key))
    this.dynamodb = new DynamodbModel(now, { pageItems, indexLagMs })
    const queue = (name: string, timeoutSeconds: number) =>
      new Queue(
        {
          name,
          visibilityMs: timeoutSeconds * VISIBILITY_PER_TIMEOUT * 1000,
          maxReceive: MAX_RECEIVE,
        },
        now,
      )
    this.events = queue('event', TIMEOUT_SECONDS.ingest)
    this.jobs = queue('job', TIMEOUT_SECONDS.publish)
    this.watch = new Watch(this)
  }

  get rates(): FaultRates {
    return this.#isCalm ? NO_FAULTS : this.schedule.rates
  }

  /** Whether each call's place is told: that takes time, so mostly only of those that meet a fault. */
  get namesAll(): boolean {
    const { number, strikes } = this.schedule
    return this.#tell !== undefined || strikes !== undefined || number % NAMED === 0
  }

  /** The fault that was waiting for this place, if one was. */
  strikeAt(site: string): CallFault | undefined {
    const strike = this.schedule.strikes?.[this.strikesMet]
    if (strike === undefined) this.reached.add(site)
    if (strike?.site !== site) return undefined
    this.strikesMet += 1
    return strike.fault
  }

  get invocations(): number {
    return this.#invocations
  }

  chanceOf(name: string): Chance {
    return chanceOfName(this.#seed, name)
  }

  /** Whether a fault of this name may strike: a smaller schedule leaves some out. */
  mayStrike(name: string): boolean {
    const { only } = this.schedule
    if (only !== undefined && !only.includes(name)) return false
    this.struck.push(name)
    return true
  }

  /** From now on nothing goes wrong; what was lost stays lost, and the sweep has to find it. */
  calm(): void {
    this.#isCalm = true
    this.redrive()
  }

  /** As an operator does once the cause is gone. */
  redrive(): void {
    for (const queue of [this.events, this.jobs]) {
      for (const message of queue.redrive()) this.#whenVisible(queue, message)
    }
  }

  note(id: string, { input }: Call, what: string): void {
    if (this.#tell === undefined) return
    const { Key = '' } = input as { Key?: string }
    this.tell(`${id} ${Key} ${what}`)
  }

  tell(line: string): void {
    this.#tell?.(`${((this.timeline.nowMs - BEGIN_MS) / 1000).toFixed(3)} ${line}`)
  }

  /** Applies a call of the hub. */
  apply({ service, operation, input }: Call): object {
    if (service === 's3') {
      this.watch.beforeWrite(operation, input)
      return this.s3.apply(operation, input, 'hub')
    }
    if (service === 'dynamodb') {
      const answer = this.dynamodb.apply(operation, input)
      if (operation === 'TransactWriteItems') this.watch.afterCommit(input)
      return answer
    }
    if (operation !== 'SendMessage') throw new TypeError(`the model of SQS has no ${operation}`)
    const { QueueUrl, MessageBody = '' } = input as { QueueUrl?: string; MessageBody?: string }
    this.#send(QueueUrl === EVENTS_URL ? this.events : this.jobs, MessageBody)
    return { $metadata: { httpStatusCode: 200 } }
  }

  kill(invocation: Invocation): void {
    invocation.end()
  }

  /** Runs the sweep, as its schedule does. */
  sweep(): void {
    this.#start('sweep', undefined, [])
  }

  #notify(key: string): void {
    this.#notifications += 1
    const name = `notification ${this.#notifications}`
    const chance = this.chanceOf(name)
    const isLost = chance.happens(this.rates.message / 2)
    const isDoubled = chance.happens(this.rates.message)
    const isLate = chance.happens(this.rates.message * 2)
    const lateMs = chance.between(QUICK_MS, LONGEST_DELAY_MS)
    const delayMs = chance.between(100, QUICK_MS)
    if (isLost && this.mayStrike(`${name} lost`)) {
      this.tally.struck('notification lost')
      this.tell(`${name} ${key} lost`)
      return
    }
    const late = isLate && this.mayStrike(`${name} delayed`)
    if (late) this.tally.struck('notification delayed')
    this.#announce(key, late ? lateMs : delayMs)
    if (isDoubled && this.mayStrike(`${name} doubled`)) {
      this.tally.struck('notification doubled')
      this.#announce(key, lateMs)
    }
  }

  /** S3 encodes keys as a form does. */
  #announce(key: string, delayMs: number): void {
    const encoded = encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
    const body = JSON.stringify({ Records: [{ s3: { object: { key: encoded } } }] })
    this.#whenVisible(this.events, this.events.send(body, delayMs))
  }

  #send(queue: Queue, body: string): void {
    const chance = this.chanceOf(`job after ${this.timeline.steps}`)
    const name = `message ${this.timeline.steps}`
    const isLate = chance.happens(this.rates.message)
    const lateMs = chance.between(QUICK_MS, LONGEST_DELAY_MS)
    const isDoubled = chance.happens(this.rates.message)
    const late = isLate && this.mayStrike(`${name} delayed`)
    if (late) this.tally.struck('message delayed')
    this.#whenVisible(queue, queue.send(body, late ? lateMs : 20))
    if (isDoubled && this.mayStrike(`${name} doubled`)) {
      this.tally.struck('message doubled')
      this.#whenVisible(queue, queue.send(body, lateMs))
    }
  }

  #whenVisible(queue: Queue, { visibleMs }: Message): void {
    this.timeline.after(visibleMs - this.timeline.nowMs, () => this.#dispatch(queue))
  }

  #dispatch(queue: Queue): void {
    const name = queue === this.events ? 'ingest' : 'publish'
    while (this.#running[name] < CONCURRENCY) {
      const before = queue.deadLetters.length
      const most = this.#delivering.between(1, BATCH_SIZE[name])
      const messages = queue.receive(most, this.#delivering)
      for (let at = before; at < queue.deadLetters.length; at++) this.tally.struck('dead letter')
      if (messages.length === 0) return
      for (const message of messages) this.#whenVisible(queue, message)
      this.#start(name, queue, messages)
    }
  }

  #start(name: FunctionName, queue: Queue | undefined, messages: Message[]): void {
    this.#invocations += 1
    this.#running[name] += 1
    const timeoutMs = TIMEOUT_SECONDS[name] * 1000
    const invocation = new Invocation(this, `${name} ${this.#invocations}`)
    const known = this.#containerFor(name, invocation)
    const deadlineMs = this.timeline.nowMs + timeoutMs
    const deadline = this.timeline.after(timeoutMs, () => {
      this.tally.struck('out of time')
      this.tell(`${invocation.name} is out of time`)
      this.kill(invocation)
    })
    invocation.onEnd = () => {
      deadline.cancelled = true
      this.#running[name] -= 1
      if (queue !== undefined) this.timeline.after(1, () => this.#dispatch(queue))
    }
    this.tell(`${invocation.name} begins: ${messages.map(({ messageId }) => messageId).join(' ')}`)
    const remainingMs = () => deadlineMs - this.timeline.nowMs
    HANDLERS[name](this.#worker(invocation, known), { messages, remainingMs }).then(
      ({ failedIds, reasons }) => {
        if (invocation.isDead) return
        for (const message of messages) {
          if (!failedIds.has(message.messageId)) queue?.delete(message)
        }
        for (const reason of reasons) this.#failed(invocation, reason)
        this.#containers[name].push(known)
        invocation.end()
      },
      (error: unknown) => {
        if (invocation.isDead) return
        this.#failed(
          invocation,
          error instanceof Error ? (error.stack ?? String(error)) : String(error),
        )
        invocation.end()
      },
    )
  }

  /** What a process knows that is asked to work again; a new one knows nothing. One that was killed is gone. */
  #containerFor(name: FunctionName, invocation: Invocation): KnownRuns {
    const isWarm = this.chanceOf(`${invocation.name} container`).happens(WARM)
    return (isWarm ? this.#containers[name].pop() : undefined) ?? new KnownRuns()
  }

  #failed({ name }: Invocation, reason: string): void {
    // Where in a file it was thrown is none of the trace's business.
    this.tell(`${name} failed: ${reason.split('\n', 1)[0]}`)
    this.reasons.push(`${name}: ${reason}`)
  }

  #worker(invocation: Invocation, known: KnownRuns): Worker {
    const clients = invocation.clients()
    const worker = workerOver(this.schedule, clients, () => this.timeline.nowSeconds)
    return { ...worker, hub: { ...worker.hub, known } }
  }
}

/** A worker of the schedule's stack. */
export function workerOver(
  { stackArguments, brake }: Schedule,
  { s3, dynamodb, sqs }: ReturnType<Invocation['clients']>,
  nowSeconds: () => number,
): Worker {
  const bucket = { s3, name: BUCKET }
  return {
    bucket,
    hub: {
      dynamodb,
      tableName: 'message-hub',
      stackArguments,
      setting: { bucket: BUCKET, noncurrentDays: 30 },
    },
    jobs: { sqs, queueUrl: 'https://sqs.invalid/jobs' },
    reach: { keyPrefix: '', outBuckets: [] },
    allowedGlobals: [],
    brake,
    keepsVersions: (name) => keepsVersions({ ...bucket, name }),
    nowSeconds,
  }
}
