/**
 * Invariant 6: the same facts end in the same live objects and the same hub, in any order, however often
 * and however late they are found; and invariants 2 and 8 on the way there.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Circumstances } from '../../../lib/hook/draft.ts'
import { emptyLedger, type Ledger } from '../../../lib/hook/ledger.ts'
import { keyIn, parseRun } from '../../../lib/hook/names.ts'
import { type Decision, decide } from '../../../lib/hook/plan.ts'
import { record } from '../../../lib/hook/record.ts'
import type { Fate } from '../../../lib/hook/retention.ts'
import { BARE, type Body, BucketModel } from './bucket-model.ts'

const RUN = parseRun('run')
const CIRCUMSTANCES = { bucket: 'bucket', brake: 2, unversioned: [] }

/** An upload of a trainer: what, where and when. */
interface Put {
  name: string
  seconds: number
  body: Body
}

describe('the same facts', () => {
  it('end the same when the bucket is full and its keys are looked at in any order (6)', () => {
    fc.assert(
      fc.property(runs(), chances(), (puts, chance) => {
        const disorderly = new Hub(puts)
        const hints = disorderly.bucket.notifications.splice(0)
        for (const key of chance.shuffled([...hints, ...hints])) {
          disorderly.hear(key)
          if (chance.oneIn(3)) disorderly.work(chance)
        }
        disorderly.settle()
        expect(disorderly.state()).toEqual(orderly(puts).state())
      }),
      { numRuns: 1500 },
    )
  })

  it('end the same when uploads, late hints and effects interleave (6, 8)', () => {
    fc.assert(
      fc.property(runs(), chances(), (puts, chance) => {
        const live = new Hub([])
        const waiting: string[] = []
        for (const { name, seconds, body } of puts) {
          live.bucket.put(name, seconds, body)
          waiting.push(...live.bucket.notifications.splice(0))
          while (waiting.length > 0 && !chance.oneIn(3)) {
            const key = chance.taken(waiting)
            live.hear(key)
            if (chance.oneIn(4)) waiting.push(key)
            live.work(chance)
            waiting.push(...live.bucket.notifications.splice(0))
          }
        }
        for (const key of chance.shuffled(waiting)) live.hear(key)
        live.settle()
        expect(live.state()).toEqual(orderly(puts).state())
      }),
      { numRuns: 1500 },
    )
  })

  it('never have the last checkpoint deleted, at any moment (2)', () => {
    fc.assert(
      fc.property(runs(), chances(), (puts, chance) => {
        const hub = new Hub(puts)
        for (const key of chance.shuffled(hub.bucket.notifications.splice(0))) {
          hub.hear(key)
          hub.work(chance)
          const { last, ledger } = hub.decision()
          const isComingBack = ledger.effects.some(({ action }) => action.kind === 'restore')
          if (last !== undefined && !isComingBack) {
            expect(Object.keys(hub.bucket.live())).toContain(last.key)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('keep what is pinned, whatever else was said and in whatever order (2)', () => {
    fc.assert(
      fc.property(runs(), chances(), (puts, chance) => {
        const hub = new Hub(puts)
        for (const key of chance.shuffled(hub.bucket.notifications.splice(0))) {
          hub.hear(key)
          hub.work(chance)
        }
        hub.settle()
        const uploaded = new Set(puts.map(({ name }) => name))
        const wanted = pinnedIn(puts).filter((name) => uploaded.has(name))
        expect(Object.keys(hub.bucket.live())).toEqual(
          expect.arrayContaining(wanted.map((name) => keyIn(RUN, name))),
        )
      }),
      { numRuns: 500 },
    )
  })
})

/** The checkpoints that were pinned last, by what was said of each. */
function pinnedIn(puts: Put[]): string[] {
  const said = new Map<string, boolean>()
  for (const { body } of puts) if (body.kind === 'pin') said.set(body.name, body.pinned)
  return [...said].flatMap(([name, pinned]) => (pinned ? name : []))
}

function orderly(puts: Put[]): Hub {
  const hub = new Hub(puts)
  hub.settle()
  return hub
}

class Hub {
  readonly bucket = new BucketModel(RUN)
  #ledger: Ledger = emptyLedger(RUN, { interval: 1 })
  #clock = 1_000_000

  constructor(puts: Put[]) {
    for (const { name, seconds, body } of puts) this.bucket.put(name, seconds, body)
  }

  /** A notification comes: the key is looked at, and what follows is decided. */
  hear(key: string): void {
    const seen = this.bucket.look(this.#ledger, key)
    this.#ledger = decide(seen.reduce(record, this.#ledger), this.#circumstances()).ledger
  }

  /** Some outstanding effects are carried out; an answer may be lost, and then the effect runs again. */
  work(chance: Chance): void {
    for (const { number, action } of this.#ledger.effects) {
      if (chance.oneIn(3)) continue
      const result = this.bucket.carryOut(action, this.#clock++)
      if (chance.oneIn(5)) continue
      const seen = { kind: 'result', effect: number, action, result } as const
      this.#ledger = decide(record(this.#ledger, seen), this.#circumstances()).ledger
    }
  }

  /** Until nothing is outstanding and nothing unheard of. */
  settle(): void {
    for (let round = 0; round < 100; round++) {
      for (const key of this.bucket.notifications.splice(0)) this.hear(key)
      const { effects } = this.#ledger
      if (effects.length === 0) return
      for (const { number, action } of effects) {
        const result = this.bucket.carryOut(action, this.#clock++)
        const seen = { kind: 'result', effect: number, action, result } as const
        this.#ledger = record(this.#ledger, seen)
      }
      this.#ledger = decide(this.#ledger, this.#circumstances()).ledger
    }
    throw new Error('the hub does not come to rest')
  }

  #circumstances(): Circumstances {
    return { ...CIRCUMSTANCES, nowSeconds: this.#clock }
  }

  decision(): Decision {
    return decide(this.#ledger, this.#circumstances())
  }

  /** What the bucket and the hub show, without what invariant 6 excepts. */
  state(): unknown {
    const { outcome, last, ledger, destination } = this.decision()
    const live = this.bucket.live()
    // Where nothing whole is left, `last_checkpoint` stays as it was: a trainer that finds none would
    // start over without a word.
    if (last === undefined) delete live[`${RUN}/last_checkpoint`]
    return {
      live,
      fates: Object.fromEntries([...outcome.fates].map(shownFate).toSorted()),
      last: last?.key,
      keep: outcome.keepCkptIds,
      due: outcome.publishDue,
      held: outcome.held?.evicts,
      answers: [...ledger.answers].toSorted(),
      artifacts: [...ledger.artifacts].map(([key, { state }]) => [key, state]).toSorted(),
      claims: [...ledger.claims].toSorted(),
      fault: destination.fault,
      problems: outcome.problems.map(({ id }) => id).toSorted(),
      written: last && ledger.lastCheckpoint,
    }
  }
}

/** Without the ids of versions, which the bucket gives in the order of its writes. */
function shownFate([id, fate]: [string, Fate]): [string, unknown] {
  const held = fate.kind === 'held' ? [fate.held.evicts, fate.held.maxKeepCkpts] : []
  return [id, { ...fate, held }]
}

/** What happens by chance in a schedule. */
class Chance {
  readonly #numbers: Iterator<number>
  constructor(numbers: Iterator<number>) {
    this.#numbers = numbers
  }
  below(limit: number): number {
    return (this.#numbers.next().value ?? 0) % Math.max(1, limit)
  }
  oneIn(count: number): boolean {
    return this.below(count) === 0
  }
  taken<T>(items: T[]): T {
    const [item] = items.splice(this.below(items.length), 1)
    if (item === undefined) throw new RangeError('nothing to take')
    return item
  }
  shuffled<T>(items: T[]): T[] {
    const rest = [...items]
    return items.map(() => this.taken(rest))
  }
}

function chances(): fc.Arbitrary<Chance> {
  return fc.array(fc.nat(1000), { minLength: 50, maxLength: 200 }).map((numbers) => {
    const endless = (function* () {
      for (;;) yield* numbers
    })()
    return new Chance(endless)
  })
}

/** Runs of a trainer that behaves more or less: late metrics, re-uploads, lives, ends, other options. */
function runs(): fc.Arbitrary<Put[]> {
  const options = optionsUploads()
  const each = fc.oneof(
    { weight: 8, arbitrary: checkpointUploads() },
    { weight: 5, arbitrary: metricUploads() },
    { weight: 1, arbitrary: options },
    { weight: 2, arbitrary: pinUploads() },
    { weight: 1, arbitrary: consentUploads() },
    { weight: 1, arbitrary: fc.constant(put('before_train.json', { kind: 'begin' })) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, 'epoch_8.pth').map(endUpload) },
  )
  const later = fc.record({ upload: each, pause: fc.integer({ min: 0, max: 2 }) })
  return fc.tuple(options, fc.array(later, { maxLength: 24 })).map(([first, rest]) => {
    let seconds = 100
    return [{ upload: first, pause: 0 }, ...rest].map(({ upload, pause }) => {
      seconds += pause
      return { ...upload, seconds }
    })
  })
}

const steps = fc.integer({ min: 1, max: 8 })

function checkpointUploads() {
  return fc
    .record({ step: steps, bytes: fc.constantFrom('a', 'b', BARE), torn: fc.nat(9) })
    .map(({ step, bytes, torn }) => {
      const isTorn = torn === 0
      const content = `${bytes}${step}${isTorn ? ' torn' : ''}`
      return put(`epoch_${step}.pth`, { kind: 'checkpoint', bytes: content, torn: isTorn })
    })
}

function metricUploads() {
  const score = fc.constantFrom(0.1, 0.2, 0.3, Number.NaN, null)
  return fc.record({ step: steps, acc: score, loss: score }).map(({ step, acc, loss }) => {
    const metrics: [string, number | null][] = [
      ['acc', acc],
      ['loss', loss],
    ]
    return put(`metrics/${step}.json`, { kind: 'metrics', series: 'epoch', step, metrics })
  })
}

function optionsUploads() {
  return fc
    .record({
      interval: fc.constantFrom(1, 2, 3),
      max_keep_ckpts: fc.constantFrom(-1, 1, 2, 3),
      save_best: fc.constantFrom('acc', 'auto', ['acc', 'loss'], null),
      published_keys: fc.constantFrom<string[] | null>(null, ['meta']),
      // The second is another run's, the third in a bucket that the stack was not given.
      out_dir: fc.constantFrom(null, null, null, 'out', 'taken', 's3://other/out'),
      save_optimizer: fc.boolean(),
      save_param_scheduler: fc.boolean(),
    })
    .map((named) => put('checkpoint_hook.json', { kind: 'options', named }))
}

function pinUploads() {
  return fc.record({ step: steps, pinned: fc.boolean() }).map(({ step, pinned }) => {
    const name = `epoch_${step}.pth`
    return put(`pin-${name}.json`, { kind: 'pin', name, pinned })
  })
}

function consentUploads() {
  const evicts = fc.integer({ min: 0, max: 4 })
  return fc
    .record({ to: fc.nat(3), evicts })
    .map(({ to, evicts }) => put(`apply-${to}.json`, { kind: 'consent', to, evicts }))
}

function endUpload(last: string | undefined) {
  return put('after_train.json', { kind: 'end', last })
}

function put(name: string, body: Body): { name: string; body: Body } {
  return { name, body }
}
