/** Random schedules: a trainer that behaves more or less. */
import type { NamedArguments } from '../../lib/hook/hook-arguments.ts'
import { type Chance, chanceOf } from '../oracle/chance.ts'
import { DIRECTORY_MARKER, fileText, type Shape } from './contents.ts'
import type { FaultRates } from './faults.ts'
import type { Act, Schedule, Services } from './schedule.ts'

const RUN = 'run'
/** A key that reads otherwise encoded may be that of two runs, and both are looked at each time. */
const RUN_TO_ENCODE = 'work dirs/run+1'
const ENCODED = 7
/** In one schedule of so many all checkpoints are directories. */
const DIRECTORIES = 5
const FILES = ['rank_0.bin', 'rank_1.bin'] as const
/** By seconds, uploads of a directory are told from those of the next under its name, and from a marker before them. */
const A_SECOND_AND_MORE_MS = 2_000
const A_CALL_MS = 30

/** The schedule of a number within a seed. */
export function scheduleOf(seed: number, number: number): Schedule {
  const chance = chanceOf(seed, number)
  const run = number % ENCODED === 0 ? RUN_TO_ENCODE : RUN
  return {
    seed,
    number,
    run,
    stackArguments: { interval: 1 },
    brake: chance.one([10, 10, 3, 2]),
    acts: new Trainer(chance, run, savesDirectories(number)).acts(),
    services: servicesOf(chance),
    rates: ratesOf(chance),
  }
}

function savesDirectories(number: number): boolean {
  return number % DIRECTORIES === 4
}

function servicesOf(chance: Chance): Services {
  return {
    pageRows: chance.one([1000, 1000, 7, 3]),
    pageItems: chance.happens(0.15) ? chance.between(4, 12) : 1000,
    indexLagMs: chance.one([0, 200, 30_000]),
    inParts: chance.happens(0.25),
    computesHashes: chance.happens(0.8),
  }
}

function ratesOf(chance: Chance): FaultRates {
  return {
    call: chance.one([0, 0.01, 0.03, 0.1]),
    stall: chance.one([0, 0.01, 0.05]),
    message: chance.one([0, 0.05, 0.2]),
  }
}

class Trainer {
  readonly #chance: Chance
  readonly #run: string
  readonly #savesDirectories: boolean
  readonly #acts: Act[] = []
  #nowMs = 0
  #uploads = 0
  /** Steps that were saved as directories, and whether the marker came first of the newest save. */
  readonly #directories = new Map<number, boolean>()

  constructor(chance: Chance, run: string, savesDirectories: boolean) {
    this.#chance = chance
    this.#run = run
    this.#savesDirectories = savesDirectories
  }

  acts(): Act[] {
    const chance = this.#chance
    const optionsAfter = chance.happens(0.7) ? 0 : chance.between(1, 5)
    // Most that goes wrong goes wrong in small runs too, and those are quick.
    const isSmall = chance.happens(0.6)
    const lives = isSmall ? chance.one([1, 1, 2]) : chance.one([1, 1, 2, 2, 3])
    let done = 0
    for (let life = 0; life < lives; life++) {
      let step = 0
      if (life > 0) {
        step = chance.happens(0.7) ? chance.between(0, done) : 0
        this.#begin(step)
      } else if (chance.happens(0.3)) this.#begin(0)
      const until = step + (isSmall ? chance.one([1, 2, 2]) : chance.one([1, 2, 3, 3, 4, 5]))
      while (step < until) {
        if (this.#uploads === optionsAfter) this.#options()
        step += 1
        this.#step(step)
      }
      done = Math.max(done, step)
      if (chance.happens(0.6)) this.#end(step)
      if (chance.happens(0.15)) this.#options()
    }
    if (chance.happens(0.3)) this.#again(done)
    if (chance.happens(0.2)) this.#late(done)
    return this.#acts.toSorted((a, b) => a.atMs - b.atMs)
  }

  #step(step: number): void {
    const chance = this.#chance
    const isEarly = chance.happens(0.2)
    if (isEarly) this.#metrics(step, 0)
    this.#checkpoint(step)
    if (!isEarly && chance.happens(0.8)) {
      this.#metrics(step, chance.happens(0.2) ? chance.between(0, 600_000) : 0)
    }
    if (chance.happens(0.05)) this.#remove(chance.between(1, step))
  }

  #checkpoint(step: number): void {
    const chance = this.#chance
    this.#uploads += 1
    const words = `step ${step}, upload ${this.#uploads}`
    if (this.#savesDirectories) {
      this.#directory(step, words)
      return
    }
    if (chance.happens(0.06)) this.#upload(step, words, 'torn', 'a torn upload')
    const shape = chance.happens(0.15) ? 'bare' : 'whole'
    this.#upload(step, words, shape, 'a checkpoint')
    if (chance.happens(0.08)) this.#upload(step, words, shape, 'the same bytes again')
  }

  /** Its marker mostly last, and sometimes all of it once more, or an attempt before it that broke off. */
  #directory(step: number, words: string): void {
    const isAfterAttempt = !this.#directories.has(step) && this.#chance.happens(0.15)
    if (isAfterAttempt) this.#brokenOff(step, `${words}, broken off`)
    this.#files(step, words, 'a directory', !isAfterAttempt && this.#chance.happens(0.2))
    if (this.#chance.happens(0.08)) {
      const what = 'the same directory again'
      // As S3 takes them: a restore in between them is not judged yet.
      this.#files(step, words, what, this.#chance.happens(0.2), A_CALL_MS)
    }
  }

  /** Its marker, and that of the save after it, come last: no marker tells which attempt a file is of. */
  #brokenOff(step: number, words: string): void {
    this.#nowMs += A_SECOND_AND_MORE_MS
    this.#file(`epoch_${step}`, words, FILES[0], 'a directory that broke off: file')
    this.#nowMs += A_SECOND_AND_MORE_MS
  }

  #file(folder: string, words: string, name: string, what: string, tookMs?: number): void {
    const content = { kind: 'text', text: fileText(words, name) } as const
    this.#put(`${folder}/${name}`, content, what, { tookMs })
  }

  /** @param tookMs for each file; by chance where it is missing */
  #files(step: number, words: string, what: string, isMarkerFirst: boolean, tookMs?: number): void {
    const folder = `epoch_${step}`
    const marker = { kind: 'marker', words, names: FILES } as const
    const mark = () => this.#put(`${folder}/${DIRECTORY_MARKER}`, marker, `${what}: marker`)
    this.#directories.set(step, isMarkerFirst)
    this.#nowMs += A_SECOND_AND_MORE_MS
    if (isMarkerFirst) {
      mark()
      this.#nowMs += A_SECOND_AND_MORE_MS
    }
    for (const name of FILES) this.#file(folder, words, name, `${what}: file`, tookMs)
    if (!isMarkerFirst) mark()
    this.#nowMs += A_SECOND_AND_MORE_MS
  }

  #upload(step: number, words: string, shape: Shape, what: string): void {
    const chance = this.#chance
    const begunMsBefore = chance.happens(0.15) ? chance.between(100, 20_000) : undefined
    this.#put(`epoch_${step}.pth`, { kind: 'checkpoint', words, shape }, what, {
      ...(begunMsBefore !== undefined && { begunMsBefore }),
    })
  }

  #metrics(step: number, delayMs: number): void {
    const chance = this.#chance
    const score = () => chance.one([0.1, 0.2, 0.3, 0.4, 0.5])
    const metrics = { acc: score(), ...(chance.happens(0.5) && { loss: score() }) }
    const text = JSON.stringify({ epoch: step, metrics })
    const what = delayMs > 0 ? 'late metrics' : 'metrics'
    this.#put(`metrics/${step}.json`, { kind: 'text', text }, what, { delayMs })
    if (chance.happens(0.1)) {
      const corrected = JSON.stringify({ epoch: step, metrics: { acc: score() } })
      const later = { delayMs: delayMs + chance.between(1_000, 300_000) }
      this.#put(
        `metrics/${step}.json`,
        { kind: 'text', text: corrected },
        'corrected metrics',
        later,
      )
    }
  }

  #options(): void {
    const chance = this.#chance
    const named: NamedArguments = {
      interval: chance.one([1, 1, 2]),
      max_keep_ckpts: chance.one([1, 1, 2, 3, -1]),
      save_best: chance.one<string | string[] | null>([
        'acc',
        'acc',
        ['acc', 'loss'],
        'auto',
        null,
      ]),
      ...(chance.happens(0.5) && { published_keys: ['meta', 'state_dict'] }),
      ...(chance.happens(0.25) && { save_optimizer: false }),
      ...(chance.happens(0.1) && { save_param_scheduler: false }),
    }
    this.#put('checkpoint_hook.json', { kind: 'text', text: JSON.stringify(named) }, 'options')
  }

  #begin(step: number): void {
    this.#nowMs += 2_000
    if (this.#chance.happens(0.3)) return
    const text = step === 0 ? '' : JSON.stringify({ resume_from: `epoch_${step}.pth` })
    this.#put('before_train.json', { kind: 'text', text }, step === 0 ? 'a begin' : 'a resume')
  }

  #end(step: number): void {
    const text = this.#chance.happens(0.5) ? '' : JSON.stringify({ last: `epoch_${step}.pth` })
    this.#put('after_train.json', { kind: 'text', text }, 'an end')
    this.#nowMs += 2_000
  }

  #remove(step: number): void {
    const atMs = this.#at()
    const what = 'a removal by a person'
    if (!this.#savesDirectories) {
      this.#delete(`epoch_${step}.pth`, atMs + this.#chance.between(0, 120_000), what)
      return
    }
    // All of it, as S3 lists it, and not while it is saved. How one ends of which a part was removed depends on when the
    // hub looked, as it does where the hub takes a save whose marker came first for the one before: not judged yet.
    if (this.#directories.get(step)) return
    for (const [at, name] of [DIRECTORY_MARKER, ...FILES].entries()) {
      this.#delete(`epoch_${step}/${name}`, atMs + at * A_CALL_MS, `${what}: of a directory`)
    }
    this.#nowMs += A_SECOND_AND_MORE_MS
  }

  #delete(name: string, atMs: number, what: string): void {
    this.#acts.push({ kind: 'delete', atMs, key: `${this.#run}/${name}`, what })
  }

  /** Something of long ago comes again, in other bytes. */
  #again(done: number): void {
    this.#nowMs += this.#chance.between(0, 300_000)
    this.#checkpoint(this.#chance.between(1, done))
  }

  /** An evaluation that took very long. */
  #late(done: number): void {
    this.#nowMs += this.#chance.between(0, 3_600_000)
    this.#metrics(this.#chance.between(1, done), 1)
  }

  #put(
    name: string,
    content: Extract<Act, { kind: 'put' }>['content'],
    what: string,
    {
      delayMs = 0,
      tookMs,
      ...traits
    }: { delayMs?: number; tookMs?: number | undefined; begunMsBefore?: number } = {},
  ): void {
    const atMs = this.#at(tookMs) + delayMs
    this.#acts.push({ kind: 'put', atMs, key: `${this.#run}/${name}`, content, what, ...traits })
  }

  /** Some things come within a second, some after minutes. */
  #at(tookMs = this.#chance.one([100, 700, 2_000, 5_000, 20_000, 90_000])): number {
    this.#nowMs += tookMs
    return this.#nowMs
  }
}
