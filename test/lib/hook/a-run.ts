/**
 * Runs for the tests, told as a trainer would:
 * `aRun().upload(1, 2).metrics(2, { acc: 0.9 }).end()`.
 *
 * Every fact comes ten seconds after the one before. Each upload has bytes of its own unless it
 * says otherwise.
 */
import { fold, type Outcome } from '../../../lib/hook/fold.ts'
import type { History, Upload } from '../../../lib/hook/history.ts'
import { stepId } from '../../../lib/hook/history.ts'
import type { NamedArguments } from '../../../lib/hook/hook-arguments.ts'
import { emptyLedger, type Ledger } from '../../../lib/hook/ledger.ts'
import {
  checkpointName,
  factKey,
  isDirectory,
  keyIn,
  parseRun,
  type Series,
} from '../../../lib/hook/names.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import type { Fate } from '../../../lib/hook/retention.ts'

export const RUN = parseRun('exp')
export const BRAKE = 10

/** What an upload is like, where it is not a whole checkpoint with bytes of its own. */
export interface UploadTraits {
  series?: Series
  template?: string
  /** Uploads of one step with the same bytes have the same letters here. */
  bytes?: string
  /** Sent in parts: another ETag for the same bytes. */
  multipart?: boolean
  /** Why it is no whole checkpoint. */
  torn?: string
}

/** What a metric event is like, where it is not an event file of its own. */
export interface MetricTraits {
  series?: Series
  source?: 'event' | 'log'
  key?: string
  versionId?: string
}

type Seen<Kind> = Extract<Observation, { kind: Kind }>

/** A run that is being told. */
export class ARun {
  /** What is seen when every event is looked at as it comes. */
  readonly observations: Observation[] = []
  readonly #stackArguments: NamedArguments
  #seconds = 0
  #next: number | undefined
  #count = 0
  #newestOptions = ''
  readonly #ordinals = new Map<string, number>()
  readonly #keys = new Map<string, Seen<'checkpoint'>>()

  constructor(stackArguments: NamedArguments) {
    this.#stackArguments = stackArguments
  }

  /** The next fact has this time; those after it go on as if it had not been told. */
  at(seconds: number): this {
    this.#next = seconds
    return this
  }

  upload(...steps: number[]): this {
    for (const step of steps) this.uploadLike({}, step)
    return this
  }

  uploadLike(traits: UploadTraits, ...steps: number[]): this {
    for (const step of steps) this.#upload(step, traits)
    return this
  }

  #upload(step: number, traits: UploadTraits): void {
    const series = traits.series ?? 'epoch'
    const key = keyOf(step, series, traits.template)
    this.#count += 1
    const bytes = `${key} ${traits.bytes ?? `upload ${this.#count}`}`
    const torn = traits.torn !== undefined
    const upload: Upload = {
      key,
      versionId: `v${this.#count}`,
      etag: traits.multipart ? `"${bytes}"-2` : bytes,
      sizeBytes: torn ? 500 : 1000,
      seconds: this.#time(),
      fingerprint: torn ? undefined : `zip of ${bytes}`,
      fault: traits.torn,
      restores: undefined,
      gone: false,
      ...(isDirectory(key) && { directory: { marker: '.complete.json', files: 3, removed: 0 } }),
    }
    const before = this.#keys.get(key)
    const uploads = [...(before?.uploads ?? []), upload].toSorted((a, b) => a.seconds - b.seconds)
    this.#see({
      kind: 'checkpoint',
      series,
      step,
      key,
      uploads,
      listed: uploads.map(({ versionId }) => versionId),
      marker: undefined,
    })
  }

  /** A person removes a checkpoint. */
  remove(step: number, template?: string): this {
    const seen = this.#keys.get(keyOf(step, 'epoch', template))
    const above = seen?.uploads.at(-1)?.versionId
    if (seen !== undefined) this.#see({ ...seen, marker: { seconds: this.#time(), above } })
    return this
  }

  #see(seen: Seen<'checkpoint'>): void {
    this.#keys.set(seen.key, seen)
    this.observations.push(seen)
  }

  metrics(step: number, values: Record<string, number | null>, traits: MetricTraits = {}): this {
    this.#count += 1
    const name = traits.key ?? `metrics/${this.#count}.json`
    const source = traits.source ?? 'event'
    const seconds = this.#time()
    const facts = Object.entries(values).map(([metric, value], position) => ({
      metric,
      value,
      seconds,
      source,
      key: keyIn(RUN, name),
      position,
      ordinal: 0,
      versionId: traits.versionId,
    }))
    this.observations.push({ kind: 'metrics', series: traits.series ?? 'epoch', step, facts })
    return this
  }

  /** An upload and its metrics, step after step from 1. */
  validated(metric: string, ...scores: number[]): this {
    for (const [at, score] of scores.entries()) {
      this.upload(at + 1).metrics(at + 1, { [metric]: score })
    }
    return this
  }

  options(named: NamedArguments, fault?: { field: string; reason: string }): this {
    const facts = [{ ...this.#control(keyIn(RUN, 'checkpoint_hook.json')), named, fault }]
    this.#newestOptions = facts[0]?.versionId ?? ''
    this.observations.push({ kind: 'options', facts })
    return this
  }

  begin(resumeFrom?: string, fault?: { field: string; reason: string }): this {
    const facts = [{ ...this.#control(keyIn(RUN, 'before_train.json')), resumeFrom, fault }]
    this.observations.push({ kind: 'begin', facts })
    return this
  }

  end(last?: string, fault?: { field: string; reason: string }): this {
    const facts = [{ ...this.#control(keyIn(RUN, 'after_train.json')), last, fault }]
    this.observations.push({ kind: 'end', facts })
    return this
  }

  /** Somebody pins the checkpoint of a step. */
  pin(step: number, by?: string): this {
    return this.#statePin(step, true, by)
  }

  unpin(step: number, by?: string): this {
    return this.#statePin(step, false, by)
  }

  #statePin(step: number, pinned: boolean, by: string | undefined): this {
    const name = `epoch_${step}.pth`
    const facts = [{ ...this.#control(factKey(RUN, `pin-${name}.json`)), name, pinned, by }]
    this.observations.push({ kind: 'pin', facts })
    return this
  }

  /** Somebody agrees to what the newest options would evict. */
  consent(evicts: number, optionsVersionId = this.#newestOptions): this {
    const key = factKey(RUN, `apply-${optionsVersionId}.json`)
    const facts = [{ ...this.#control(key), optionsVersionId, evicts, by: undefined }]
    this.observations.push({ kind: 'consent', facts })
    return this
  }

  #control(key: string) {
    this.#count += 1
    const ordinal = this.#ordinals.get(key) ?? 0
    this.#ordinals.set(key, ordinal + 1)
    const versionId = `v${this.#count}`
    return { key, versionId, seconds: this.#time(), ordinal, fault: undefined }
  }

  #time(): number {
    const told = this.#next
    this.#next = undefined
    if (told !== undefined) return told
    this.#seconds += 10
    return this.#seconds
  }

  /** The same events, looked at once the whole run is in the bucket. */
  late(): Observation[] {
    return this.observations.map((seen) =>
      seen.kind === 'checkpoint' ? (this.#keys.get(seen.key) ?? seen) : seen,
    )
  }

  blank(): Ledger {
    return emptyLedger(RUN, this.#stackArguments)
  }

  ledger(): Ledger {
    return this.observations.reduce(record, this.blank())
  }

  history(): History {
    return this.ledger().history
  }

  outcome(brake = BRAKE): Outcome {
    return fold(RUN, this.history(), brake)
  }
}

/** A run whose stack keeps every epoch, unless it says otherwise. */
export function aRun(stackArguments: NamedArguments = {}): ARun {
  return new ARun({ interval: 1, ...stackArguments })
}

export function keyOf(step: number, series: Series = 'epoch', template = `${series}_{}.pth`) {
  return keyIn(RUN, checkpointName(template, step))
}

/** The epochs whose fate is one of these kinds, in step order. */
export function stepsThatAre(outcome: Outcome, ...kinds: Fate['kind'][]): number[] {
  return [...outcome.fates]
    .filter(([, { kind }]) => kinds.includes(kind))
    .map(([id]) => Number(id.split('#')[1]))
    .toSorted((a, b) => a - b)
}

export function fateOf(outcome: Outcome, step: number, series: Series = 'epoch'): Fate | undefined {
  return outcome.fates.get(stepId(series, step))
}

/** `[metric, score, step]` of each best. */
export function bestOf(outcome: Pick<Outcome, 'best'>): [string, number, number][] {
  return outcome.best.map(({ metric, score, checkpoint }) => [metric, score, checkpoint.step])
}
