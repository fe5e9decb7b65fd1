/**
 * `npm run simulate:planted`: whether the simulation can fail. Each bug of the list is put into a copy of the code,
 * which is loaded beside the right one, and schedules are run until one finds it.
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

async function simulationWith(at: number): Promise<Simulation> {
  return {
    ...(await import(`${SIMULATION}run-schedule.ts${MARK}${at}`)),
    ...(await import(`${SIMULATION}generator.ts${MARK}${at}`)),
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

let missed = 0
for (const [at, bug] of BUGS.entries()) {
  if (values.only !== undefined && !bug.name.includes(values.only)) continue
  if (values.quick && bug.foundBy > QUICK) continue
  const { runSchedule, scheduleOf } = await simulationWith(at)
  let found: string | undefined
  for (const number of numbers(bug)) {
    const [violation] = (await runSchedule(scheduleOf(seed, number))).violations
    if (violation === undefined) continue
    found = `found by schedule ${number}: ${violation.slice(0, 90)}`
    break
  }
  if (found === undefined) missed += 1
  process.stdout.write(`${bug.name}: ${found ?? `NOT FOUND in ${mostSchedules} schedules`}\n`)
}
process.exitCode = missed === 0 ? 0 : 1
