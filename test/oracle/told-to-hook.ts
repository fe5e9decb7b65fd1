/**
 * What MMEngine's hook is told instead, where a deviation is that it would not survive: the same schedule
 * without what ends its training. What it raises on the schedule itself is foreseen here, and checked.
 */
import { DEFAULT_GREATER_KEYS, DEFAULT_LESS_KEYS, inferRule } from '../../lib/hook/rule.ts'
import { ARGUMENTS } from './arguments.ts'
import type { DeviationName } from './deviations.ts'
import type { HookError } from './hook-process.ts'
import type { Arguments, LifeTold, Schedule } from './schedule.ts'

/** Something that ends the training in the hook. */
export interface Trouble {
  deviation: DeviationName
  /** Place of the life in the schedule, and in it by epochs or iterations done. */
  life: number
  done: number
  /** A metric that is missing. */
  metric?: string
}

/** A schedule that the hook survives, and what was taken from it. */
export interface ToldToHook {
  schedule: Schedule
  /** Places of its lives in the schedule that was given. */
  places: number[]
  troubles: Trouble[]
  /** Names of arguments that the hook does not know, by life. */
  unknown: Map<number, string[]>
  applied: DeviationName[]
}

/** Tells the hook a schedule without what it does not survive. */
export function toldToHook(schedule: Schedule, isRefused: (life: number) => boolean): ToldToHook {
  const told: ToldToHook = {
    schedule: { ...schedule, lives: [] },
    places: [],
    troubles: [],
    unknown: new Map(),
    applied: [],
  }
  let auto: string | undefined
  const complained = new Set<number>()
  for (const [place, life] of schedule.lives.entries()) {
    if (isRefused(place)) {
      told.applied.push('a refused life')
      continue
    }
    const named = knownArguments(life.arguments, place, told)
    if ((named['save_best'] ?? null) === null && Array.isArray(named['rule'])) delete named['rule']
    if (schedule.layout !== 'files' && (named['file_client_args'] ?? null) !== null) {
      delete named['file_client_args']
    }
    const validations = life.validations.filter(([done]) => done <= (life.stop ?? life.more))
    const lifeTold = { ...life, arguments: named, validations }
    if ([named['save_best']].flat()[0] === 'auto') {
      const isFixed = auto !== undefined
      auto ??= fixAuto(lifeTold, place, told)
      if (isFixed) told.applied.push('auto stays')
      // A resumed hook that is told the name at once compares with the score that it had before.
      if (auto !== undefined && place > 0 && !nameAuto(lifeTold, auto)) {
        const first = validations.find(([, metrics]) => metrics.length > 0)
        const file = fileOf(schedule, place)
        // The hub complains once of each version of the file.
        if (first !== undefined && !complained.has(file)) {
          complained.add(file)
          told.troubles.push({ deviation: 'auto without a rule', life: place, done: first[0] })
        }
      }
    }
    told.schedule.lives.push(withoutMissing(lifeTold, auto, place, told))
    told.places.push(place)
  }
  told.applied.push(...told.troubles.map(({ deviation }) => deviation))
  return told
}

/** The first metric that `auto` can stand on; the hook is not told of metrics before that. */
function fixAuto(life: LifeTold, place: number, told: ToldToHook): string | undefined {
  for (const [at, [done, [first]]] of life.validations.entries()) {
    if (first === undefined) continue
    if (ruleOf(first[0], life.arguments) !== undefined) return first[0]
    told.troubles.push({ deviation: 'auto without a rule', life: place, done })
    life.validations[at] = [done, []]
  }
  return undefined
}

/** Names what `auto` stands for; where these arguments infer no rule for it, nothing is tracked. */
function nameAuto(life: LifeTold, auto: string): boolean {
  const isRuled = ruleOf(auto, life.arguments) !== undefined
  life.arguments['save_best'] = isRuled ? auto : null
  if (!isRuled) delete life.arguments['rule']
  return isRuled
}

/** The life whose file is still in force: it is uploaded again only where it changed. */
function fileOf({ lives }: Schedule, place: number): number {
  const textOf = (at: number) => JSON.stringify(lives[at]?.arguments)
  let first = place
  while (first > 0 && textOf(first - 1) === textOf(place)) first -= 1
  return first
}

function knownArguments(named: Arguments, place: number, told: ToldToHook): Arguments {
  const known: readonly string[] = [...ARGUMENTS, 'type']
  const unknown = Object.keys(named).filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    told.unknown.set(place, unknown)
    told.applied.push('unknown arguments')
  }
  return Object.fromEntries(Object.entries(named).filter(([name]) => !unknown.includes(name)))
}

/** The life with every tracked metric in each validation that is not empty. */
function withoutMissing(
  life: LifeTold,
  auto: string | undefined,
  place: number,
  told: ToldToHook,
): LifeTold {
  const named = [life.arguments['save_best'] ?? []].flat().map(String)
  const tracked = named.flatMap((metric) => (metric === 'auto' ? (auto ?? []) : metric))
  const validations = life.validations.map(([done, metrics]): LifeTold['validations'][number] => {
    if (metrics.length === 0) return [done, metrics]
    const missing = tracked.filter((metric) => !metrics.some(([name]) => name === metric))
    for (const metric of missing) {
      told.troubles.push({ deviation: 'missing metric', life: place, done, metric })
    }
    return [done, [...metrics, ...missing.map((metric): [string, null] => [metric, null])]]
  })
  return { ...life, validations }
}

/** The rule that is named for a metric alone, or inferred. */
function ruleOf(metric: string, named: Arguments): string | undefined {
  const rule = [named['rule'] ?? null].flat()[0] ?? null
  return rule === null ? inferred(metric, named) : String(rule)
}

function inferred(metric: string, named: Arguments): string | undefined {
  const keysOf = (value: Arguments[string] | undefined, otherwise: readonly string[]) =>
    value === null || value === undefined ? otherwise : [value].flat().map(String)
  const greater = keysOf(named['greater_keys'], DEFAULT_GREATER_KEYS)
  return inferRule(metric, greater, keysOf(named['less_keys'], DEFAULT_LESS_KEYS))
}

/** Which deviation an error of the hook is; nothing where none foresees it. */
export function deviationOf({ at, type, message }: HookError): DeviationName | undefined {
  if (message.includes('unexpected keyword argument')) return 'unknown arguments'
  if (message.includes("no attribute 'rmtree'")) return 'file_client_args removes no directory'
  if (type === 'IsADirectoryError') return 'directories are not published'
  if (at === 'after_train' && type === 'FileNotFoundError') return 'best of the whole run'
  if (at === 'validation' && type === 'KeyError') return 'missing metric'
  if (at === 'validation' && message.includes('Cannot infer the rule')) return 'auto without a rule'
  if (at === 'after_train' && message.includes('NoneType')) return 'unset best is not published'
  return undefined
}
