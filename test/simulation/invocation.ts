/**
 * One invocation of a function: clients of its own, whose calls take time and meet faults. Once it is dead, it
 * sees no answer any more, and what it had sent may still arrive.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Chance } from '../oracle/chance.ts'
import { callSite } from './call-site.ts'
import { cancelled, dynamodbError } from './dynamodb/dynamodb-model.ts'
import { type CallFault, CRASHES, faultsOf } from './faults.ts'
import { type Body, bodyOf } from './s3/body.ts'
import { s3Error } from './s3/errors.ts'
import type { World } from './world.ts'

export type Service = 's3' | 'dynamodb' | 'sqs'

/** A call as the invocation makes it. */
export interface Call {
  readonly service: Service
  readonly operation: string
  readonly input: object
}

interface Command {
  readonly input: object
}

/** The connection broke: no answer came. */
class ConnectionError extends Error {
  override readonly name = 'TimeoutError'
}

const QUICK_MS = 40
const SLOW_MS = 3_000
/** What a function had sent when it died arrives within this time, or never. */
const LAST_WORDS_MS = 10_000
const LONGEST_STALL_MS = 400_000

export class Invocation {
  readonly name: string
  /** Told once, however it ends. */
  onEnd: () => void = () => {}
  #isDead = false
  #diedMs: number | undefined
  readonly #world: World
  #calls = 0

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** It is done, or was killed: it hears of nothing any more. */
  end(): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#diedMs = this.#world.timeline.nowMs
    this.onEnd()
  }

  /** The clients of one worker. */
  clients(): { s3: S3Client; dynamodb: DynamoDBClient; sqs: SQSClient } {
    return {
      s3: { send: this.#sender('s3') } as unknown as S3Client,
      // The SDK's paginator asks whether it is one.
      dynamodb: Object.assign(Object.create(DynamoDBClient.prototype), {
        send: this.#sender('dynamodb'),
      }) as DynamoDBClient,
      sqs: { send: this.#sender('sqs') } as unknown as SQSClient,
    }
  }

  #sender(service: Service) {
    return (command: Command): Promise<object> => {
      const operation = command.constructor.name.replace(/Command$/, '')
      const call = { service, operation, input: command.input }
      return new Promise((resolve, reject) => this.#begin(call, resolve, reject))
    }
  }

  #begin(call: Call, resolve: (answer: object) => void, reject: (error: unknown) => void): void {
    if (this.isDead) return
    this.#calls += 1
    const id = `${this.name}.${this.#calls}`
    const { timeline, tally } = this.#world
    const chance = this.#world.chanceOf(id)
    const byChance = this.#faultOf(call, id, chance)
    const isNamed = byChance !== undefined || this.#world.namesAll
    const site = isNamed ? callSite(call.operation, call.input) : call.operation
    const fault = this.#world.strikeAt(site) ?? byChance
    if (isNamed) tally.called(site, fault)
    const stallMs = this.#stallMs(id, chance, call.operation === 'DeleteObject')
    const isRequest = chance.happens(0.5)
    const requestMs = latency(chance) + (isRequest ? stallMs : 0)
    const answerMs = latency(chance) + (isRequest ? 0 : stallMs)
    if (fault === 'crash before') {
      this.#world.note(`${id} ${site}`, call, fault)
      this.#world.kill(this)
      return
    }
    timeline.after(requestMs, () => {
      if (this.#diedMs !== undefined && timeline.nowMs > this.#diedMs + LAST_WORDS_MS) return
      const outcome = this.#arrive(call, fault, chance)
      this.#world.note(
        `${id} ${site}`,
        call,
        outcome.error === undefined ? (fault ?? 'ok') : `${fault ?? ''} ${nameOf(outcome.error)}`,
      )
      if (fault === 'crash after') this.#world.kill(this)
      timeline.after(answerMs, () => {
        if (this.isDead) return
        if (outcome.error === undefined) resolve(outcome.answer ?? {})
        else reject(outcome.error)
      })
    })
  }

  #faultOf(call: Call, id: string, chance: Chance): CallFault | undefined {
    const { rates } = this.#world
    const strikes = chance.happens(rates.call)
    const [first, ...others] = faultsOf(call.operation, call.input)
    if (first === undefined) return undefined
    // As often as all others together, since each place is to be a crash point.
    const fault = chance.happens(0.5) ? chance.one(asList(CRASHES)) : chance.one([first, ...others])
    return strikes && this.#world.mayStrike(id) ? fault : undefined
  }

  /** A delete that comes late is what can do most harm. */
  #stallMs(id: string, chance: Chance, isDelete: boolean): number {
    const strikes = chance.happens(this.#world.rates.stall * (isDelete ? 6 : 1))
    const stallMs = chance.between(SLOW_MS, LONGEST_STALL_MS)
    if (!strikes || !this.#world.mayStrike(id)) return 0
    this.#world.tally.struck('stalled')
    return stallMs
  }

  #arrive(call: Call, fault: CallFault | undefined, chance: Chance): Outcome {
    switch (fault) {
      case 'request lost':
        return { error: new ConnectionError('request lost') }
      case '503':
        return { error: refusal(call.service, 'ServiceUnavailable', 503) }
      case 'throttled':
        return { error: throttling(call.service) }
      case 'conflict':
        return { error: conflict(call) }
      case 'error inside a 200':
        if (chance.happens(0.5)) this.#apply(call)
        return { error: s3Error('InternalError', 503) }
      case 'answer lost':
        this.#apply(call)
        return { error: new ConnectionError('answer lost') }
      case '500 after it was applied':
        this.#apply(call)
        return { error: refusal(call.service, 'InternalError', 500) }
      case 'body cut short':
        return cutShort(this.#apply(call), chance)
      default:
        return this.#apply(call)
    }
  }

  #apply(call: Call): Outcome {
    try {
      return { answer: this.#world.apply(call) }
    } catch (error) {
      return { error }
    }
  }
}

interface Outcome {
  readonly answer?: object
  readonly error?: unknown
}

function latency(chance: Chance): number {
  return chance.happens(0.02) ? chance.between(1, SLOW_MS) : chance.between(1, QUICK_MS)
}

function asList<T>(items: readonly T[]): readonly [T, ...T[]] {
  return items as readonly [T, ...T[]]
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error)
}

function refusal(service: Service, name: string, status: number): Error {
  return service === 's3' ? s3Error(name, status) : dynamodbError(name, status)
}

/** S3 says so with 503, DynamoDB and SQS with 400. */
function throttling(service: Service): Error {
  return service === 's3' ? s3Error('SlowDown', 503) : dynamodbError('ThrottlingException', 400)
}

function conflict({ service }: Call): Error {
  if (service === 's3') return s3Error('ConditionalRequestConflict', 409)
  return cancelled([{ Code: 'TransactionConflict' }])
}

function cutShort(outcome: Outcome, chance: Chance): Outcome {
  if (outcome.answer === undefined || !('ContentLength' in outcome.answer)) return outcome
  const { Body: body, ContentLength: length } = outcome.answer as {
    Body: Body
    ContentLength: number
  }
  const endsAt = chance.between(0, Math.max(0, length - 1))
  return { answer: { ...outcome.answer, Body: bodyOf(body.bytes, endsAt) } }
}
