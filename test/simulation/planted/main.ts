/**
 * `npm run simulate:planted`: whether the simulation can fail. Each bug of the list is put into a copy of the code,
 * which is loaded beside the right one, and schedules are run until one finds it: one that violates something with the
 * bug and nothing without it.
 */
import { registerHooks } from 'node:module'
import { parseArgs } from 'node:util'
import type { scheduleOf } from '../generator.ts'
import type { runSchedule } from '../run-schedule.ts'
import { BUGS, type Bug } from './bugs.ts'

const LIB = new URL('../../../lib/', import.meta.url).href
const SIMULATION = new URL('../', import.meta.url).href
const MARK = '?planted='

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    hinted: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const mostSchedules = Number(values.schedules)
const seed = Number(values.seed)

registerHooks({
  // What a module with a bug in it imports has it too.
  resolve: (specifier, context, nextResolve) => {
    const [, bug] = context.parentURL?.split(MARK) ?? []
    const resolved = nextResolve(specifier, context)
    const isOurs = resolved.url.startsWith(LIB) || resolved.url.startsWith(SIMULATION)
    if (bug === undefined || !isOurs || resolved.url.includes(MARK)) return resolved
    return { ...resolved, url: `${resolved.url}${MARK}${bug}` }
  },
  load: (url, context, nextLoad) => {
    const [path = '', at] = url.split(MARK)
    const bug = at === undefined ? undefined : BUGS[Number(at)]
    const loaded = nextLoad(url, context)
    if (bug === undefined || path !== `${LIB}${bug.file}`) return loaded
    return { ...loaded, source: planted(bug, String(loaded.source)) }
  },
})

function planted({ name, file, line, instead }: Bug, source: string): string {
  if (source.split(line).length !== 2) {
    throw new Error(`${name}: expected once in lib/${file}: ${line}`)
  }
  return source.replace(line, () => instead)
}

interface Simulation {
  runSchedule: typeof runSchedule
  scheduleOf: typeof scheduleOf
}

/** With a bug of the list, or with none. */
async function simulationWith(bug?: number): Promise<Simulation> {
  const mark = bug === undefined ? '' : `${MARK}${bug}`
  return {
    ...(await import(`${SIMULATION}run-schedule.ts${mark}`)),
    ...(await import(`${SIMULATION}generator.ts${mark}`)),
  }
}

/** Numbers of schedules: where the bug was found once comes first, if that is asked for. */
function* numbers({ foundBy }: Bug): Generator<number> {
  if (values.hinted || values.quick) yield* Array.from({ length: HINTED }, (_, at) => foundBy + at)
  for (let number = 0; number < mostSchedules; number++) yield number
}

/** Other code makes other calls: then a neighbour may find it. */
const HINTED = 3

/** The tests plant only what is found at once; the command plants all. */
const QUICK = 10

/** What the first schedule that finds a bug says of it; nothing where none does. */
async function findingOf(bug: Bug, at: number): Promise<string | undefined> {
  const { runSchedule, scheduleOf } = await simulationWith(at)
  for (const number of numbers(bug)) {
    const schedule = scheduleOf(seed, number)
    const [violation] = (await runSchedule(schedule)).violations
    if (violation === undefined) continue
    const [without] = (await right.runSchedule(schedule)).violations
    if (without === undefined) return `found by schedule ${number}: ${violation.slice(0, 90)}`
    process.stderr.write(`schedule ${number} violates something without a bug too: ${without}\n`)
  }
  return undefined
}

const right = await simulationWith()
let missed = 0
for (const [at, bug] of BUGS.entries()) {
  if (values.only !== undefined && !bug.name.includes(values.only)) continue
  if (values.quick && bug.foundBy > QUICK) continue
  const found = await findingOf(bug, at)
  if (found === undefined) missed += 1
  process.stdout.write(`${bug.name}: ${found ?? `NOT FOUND in ${mostSchedules} schedules`}\n`)
}
process.exitCode = missed === 0 ? 0 : 1
