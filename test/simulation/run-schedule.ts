/** Runs one schedule to its end, and says what was wrong with it. */
import { MOVE_LIMITS } from '../../lib/bucket/rewritten-file.ts'
import { differences, endStateOf, leftBelowEvicted, straysIn } from './end-state.ts'
import { checkLast } from './last.ts'
import { inSimulatedTime } from './platform.ts'
import { settleInGroups } from './reference.ts'
import type { Version } from './s3/versions.ts'
import { BEGIN_MS, type Schedule } from './schedule.ts'
import type { Tally } from './tally.ts'
import { letTrain } from './trainer.ts'
import { World } from './world.ts'

/** What came of a schedule. */
export interface Verdict {
  readonly schedule: Schedule
  /** What was wrong; nothing where all was right. */
  readonly violations: readonly string[]
  readonly tally: Tally
  readonly struck: readonly string[]
  readonly steps: number
  /** How many of the schedule's strikes found their place. */
  readonly strikesMet: number
  /** Places that made a call once all strikes had found theirs, where places are named. */
  readonly reached: readonly string[]
}

/** A verdict without what it counted. */
export type Finding = Pick<Verdict, 'schedule' | 'violations' | 'struck'>

/** In a large schedule, at worst: the files of directories are events and calls of their own. */
const MOST_STEPS = 60_000
const SWEEP_EVERY_MS = 900_000
/** For so long things go wrong after the trainer's last act. */
const STORM_MS = 3 * 3_600_000
/** In so many sweeps, an hour apart, all is to be done once nothing goes wrong any more. */
const CALM_SWEEPS = 12
/** A round through the bucket tells in whole seconds when it began. */
const A_SECOND_MS = 1_000
/** And in so many invocations: each message may be handed out once more, and each effect takes a few. */
const CALM_INVOCATIONS = 400

export async function runSchedule(
  schedule: Schedule,
  tell?: (line: string) => void,
): Promise<Verdict> {
  const world = new World(schedule, tell)
  const limits = { ...MOVE_LIMITS }
  // Small files then go the way of those that are too large to be held.
  if (schedule.services.inParts) Object.assign(MOVE_LIMITS, { wholeBytes: 0 })
  try {
    return await inSimulatedTime(world.timeline, world.chanceOf('pauses'), () => live(world))
  } finally {
    Object.assign(MOVE_LIMITS, limits)
    // Now Node sees to what it puts off while ticks follow each other: errors of promises that nobody looks at.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function live(world: World): Promise<Verdict> {
  const { schedule, timeline, watch } = world
  letTrain(world)
  const lastMs = Math.max(0, ...schedule.acts.map(({ atMs }) => atMs))
  const stormMs = lastMs + (schedule.stormMs ?? world.chanceOf('storm').between(0, STORM_MS))
  for (let atMs = SWEEP_EVERY_MS / 2; atMs < stormMs; atMs += SWEEP_EVERY_MS) {
    timeline.after(atMs, () => world.sweep())
  }
  let isBounded = await timeline.run(BEGIN_MS + stormMs, MOST_STEPS)
  world.tell('from now on nothing goes wrong')
  world.calm()
  const before = world.invocations
  const calmSeconds = timeline.nowSeconds + 1
  // Whoever is still stalled comes to an end, and what is hidden in a queue comes back.
  for (let sweeps = 0; sweeps < CALM_SWEEPS && isBounded; sweeps++) {
    if (isAtRest(world) && isRoundDone(world, calmSeconds)) break
    timeline.after(A_SECOND_MS, () => world.sweep())
    world.redrive()
    isBounded = await timeline.run(timeline.nowMs + 4 * SWEEP_EVERY_MS, MOST_STEPS)
  }
  if (!isBounded) watch.violated('it goes on and on (9)')
  else if (!isAtRest(world)) watch.violated(`something is left to do: ${leftIn(world)} (9)`)
  if (world.invocations - before > CALM_INVOCATIONS) {
    watch.violated(`${world.invocations - before} invocations after faults stopped (9)`)
  }
  checkLast(world)
  if (watch.violations.length === 0) await compareEnd(world)
  const { violations } = watch
  const { tally, struck, strikesMet } = world
  const reached = [...world.reached]
  return { schedule, violations, tally, struck, steps: timeline.steps, strikesMet, reached }
}

function isAtRest(world: World): boolean {
  return leftIn(world) === ''
}

/** What was lost is found by a round that goes through all of the bucket, however many sweeps that takes. */
function isRoundDone({ dynamodb }: World, sinceSeconds: number): boolean {
  const round = dynamodb.partition('.checkpoint-hub').get('sweep')
  return Number(round?.['begun_seconds']?.N) >= sinceSeconds && round?.['is_done']?.BOOL === true
}

function leftIn({ dynamodb, events, jobs, reasons }: World): string {
  const effects = dynamodb
    .partitions()
    .flatMap((run) => [...dynamodb.partition(run).keys()])
    .filter((entry) => entry.startsWith('effect#'))
  const messages = [
    ...events.messages,
    ...jobs.messages,
    ...events.deadLetters,
    ...jobs.deadLetters,
  ]
  const left = [...effects, ...messages.map(({ body }) => body)]
  return left.length === 0 ? '' : `${left.join(', ')}; ${reasons.slice(-2).join(' / ')}`
}

async function compareEnd(world: World): Promise<void> {
  const { schedule, watch, timeline, s3 } = world
  const found = endStateOf(world, schedule.run)
  for (const stray of straysIn(world, schedule.run)) {
    world.tally.acted('a stray copy left')
    delete found.objects[stray]
  }
  for (const file of leftBelowEvicted(world)) {
    world.tally.acted('a file left below an evicted marker')
    delete found.objects[file]
  }
  const facts = s3.versions.keys().flatMap((key) => trainersOwn(s3.versions.of(key)))
  let closest: string[] | undefined
  for (const groups of readings(facts)) {
    const settled = await settleInGroups(schedule, groups, timeline.nowMs)
    const wrong =
      settled === undefined
        ? ['settled in order, without a fault, it goes on and on (9)']
        : differences(found, endStateOf(settled, schedule.run)).map((each) => `${each} (6)`)
    if (closest === undefined || wrong.length < closest.length) closest = wrong
    if (wrong.length === 0) return
  }
  for (const each of closest ?? []) watch.violated(each)
}

/** Removals in one schedule of which all readings are tried. */
const MOST_REMOVALS = 3

/** Facts that are known one group after the other. */
type Groups = readonly (readonly Version[])[]

/**
 * A removal by a person may be known before the hub evicts anything, or after: what was evicted is not brought
 * back in its stead. Or in between, before one of the uploads is known: its checkpoint then stays as the newest that is
 * left. And a person who removes what the hub is about to delete, or has just brought back, is taken for the hub.
 * A directory is removed as one.
 */
function* readings(facts: readonly Version[]): Generator<Groups> {
  const removals = removalsIn(facts).slice(0, MOST_REMOVALS)
  const withLate: { known: Version[]; late: Version[] }[] = []
  for (let reading = 0; reading < 3 ** removals.length; reading++) {
    const when = removals.map((_, at) => Math.floor(reading / 3 ** at) % 3)
    const read = (fact: Version) => when[removals.findIndex((removal) => removal.includes(fact))]
    const known = facts.filter((fact) => [undefined, 0].includes(read(fact)))
    const late = facts.filter((fact) => read(fact) === 1 && isTop(fact, facts))
    yield [known, late]
    if (late.length > 0) withLate.push({ known, late })
  }
  for (const { known, late } of withLate) {
    for (const { key, createdMs } of known) {
      const place = placeOf(key)
      if (place === undefined || late.some((removal) => placeOf(removal.key) === place)) continue
      const isAfter = (fact: Version) => placeOf(fact.key) === place && fact.createdMs >= createdMs
      yield [known.filter((fact) => !isAfter(fact)), late, known.filter(isAfter)]
    }
  }
}

/** Delete markers, those of one directory that follow each other together. */
function removalsIn(facts: readonly Version[]): Version[][] {
  const found: Version[][] = []
  const markers = facts.filter(({ object }) => object === undefined)
  for (const marker of markers.toSorted((a, b) => a.createdMs - b.createdMs)) {
    const place = placeOf(marker.key)
    const same = found.find((removal) => {
      const last = removal.at(-1)
      if (last === undefined || place === undefined || placeOf(last.key) !== place) return false
      return last.key !== marker.key && marker.createdMs - last.createdMs < A_SECOND_MS
    })
    if (same === undefined) found.push([marker])
    else same.push(marker)
  }
  return found
}

/** The checkpoint that a key is, or a part of. */
function placeOf(key: string): string | undefined {
  return /^.*\/epoch_\d+(\.pth$|\/)/.exec(key)?.[0]
}

function isTop({ key, versionId }: Version, facts: readonly Version[]): boolean {
  return facts.findLast((fact) => fact.key === key)?.versionId === versionId
}

/** Versions, and delete markers that hit an object. */
function trainersOwn(versions: readonly Version[]): Version[] {
  return versions.filter(({ by, object }, at) => {
    if (by !== 'trainer') return false
    return object !== undefined || versions[at - 1]?.object !== undefined
  })
}
