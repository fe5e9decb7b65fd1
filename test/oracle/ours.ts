/** A schedule as facts through the hub's own core, over a bucket in memory, the brake off. */

import {
  HookArgumentError,
  type HookOptions,
  type NamedArguments,
  parseArguments,
  resolveOptions,
} from '../../lib/hook/hook-arguments.ts'
import { readLog, readMetricEvents } from '../../lib/hook/metric-source.ts'
import { checkpointName, defaultTemplate, nameOf, stemOf } from '../../lib/hook/names.ts'
import { bestIdentity } from '../../lib/hook/plan-artifacts.ts'
import { entriesOf } from '../../lib/message-hub/entries.ts'
import { AHub, placeOf } from '../lib/hook/a-hub.ts'
import { type ARun, aRun } from '../lib/hook/a-run.ts'
import type { Chance } from './chance.ts'
import {
  type Arguments,
  isByEpoch,
  isDirectoryAt,
  type LifeTold,
  type Schedule,
} from './schedule.ts'
import { isToBeAnnounced, type LifeTrace, lastNamedBy } from './trainer-trace.ts'
import { eventText, logName, logText, type Validated } from './validations.ts'

/** What a schedule leaves, of either side; paths begin with the run. */
export interface Left {
  checkpoints: string[]
  best: string[]
  /** `<path without hash>: <keys>` of each published file. */
  published: string[]
  last_checkpoint: string | null
  runtime_info: Record<string, string | number | number[]>
}

/** What the hub left, and what it complained of. */
export interface OurResult {
  left: Left
  /** Everything else that has to be the same whichever way the facts came. */
  rest: unknown
  /** Fields of problems by step, where they come from a checkpoint's metrics. */
  complaints: { step: number; field: string; reason: string }[]
  /** The options in force in the end. */
  options: HookOptions
  /** All problems as the table shows them: severity, key, field and reason. */
  problems: string[]
  /** Fields of warnings about the options in force. */
  warnings: string[]
}

const STACK: NamedArguments = { interval: -1 }

/** The name of a life's checkpoint. */
export function nameIn(told: LifeTold, step: number): string {
  const template = told.arguments['filename_tmpl']
  const series = isByEpoch(told) ? 'epoch' : 'iter'
  return checkpointName(typeof template === 'string' ? template : defaultTemplate(series), step)
}

/** The first argument that the hub refuses, and why. */
export function refusalOf(named: Arguments): { field: string; reason: string } | undefined {
  try {
    resolveOptions(STACK, parseArguments(named))
    return undefined
  } catch (error) {
    if (!(error instanceof HookArgumentError)) throw error
    return { field: error.field, reason: error.reason }
  }
}

/** The options that a stack of the oracle has in force after valid arguments, or without any. */
export function optionsOf(named: Arguments): HookOptions {
  return resolveOptions(STACK, parseArguments(named))
}

/** The facts of a schedule, told as its trainer tells them. A life that its arguments end leaves but those. */
export function factsOf(schedule: Schedule, traces: readonly LifeTrace[]): ARun {
  const run = aRun(STACK)
  let told: string | undefined
  for (const [index, life] of schedule.lives.entries()) {
    const trace = traces.find((each) => each.index === index)
    // Without `resume_from`: naming it would keep that checkpoint beyond the hook's deque.
    if (trace !== undefined && index > 0 && isToBeAnnounced(schedule, trace, traces)) run.begin()
    const text = JSON.stringify(life.arguments)
    if (text !== told) tellOptions(run, life.arguments)
    told = text
    if (trace !== undefined) tellLife(run, trace, schedule)
  }
  return run
}

function tellOptions(run: ARun, named: Arguments): void {
  try {
    run.options(parseArguments(named))
  } catch (error) {
    if (!(error instanceof HookArgumentError)) throw error
    run.options({}, { field: error.field, reason: error.reason })
  }
}

function tellLife(run: ARun, trace: LifeTrace, schedule: Schedule): void {
  const { told } = trace
  const series = isByEpoch(told) ? 'epoch' : 'iter'
  const template = nameIn(told, 0).replace('0', '{}')
  for (const deed of trace.deeds) {
    switch (deed.kind) {
      case 'upload': {
        const isDirectory = isDirectoryAt(trace.layout, deed.step)
        run.uploadLike({ series, template: isDirectory ? `${template}/` : template }, deed.step)
        break
      }
      case 'validation': {
        const { source, key, validations } = toldOf(deed, trace, schedule)
        for (const validation of validations) {
          const step = validation.steps[series]
          const values = Object.fromEntries(validation.metrics)
          if (step !== undefined) run.metrics(step, values, { series, source, ...key })
        }
        break
      }
      case 'end': {
        const last = lastNamedBy(schedule, trace)
        run.end(last === undefined ? undefined : nameIn(told, last))
      }
    }
  }
}

/** What the bucket is told of a validation: an event of its own, or a line more of the log. */
function toldOf(deed: Validated, trace: LifeTrace, schedule: Schedule) {
  if (schedule.metrics === 'events') {
    const { validations } = readMetricEvents(eventText(deed))
    return { source: 'event', key: {}, validations } as const
  }
  const told = readLog(logText(trace, deed)).validations
  const before = readLog(logText(trace, deed, 'before')).validations.length
  return { source: 'log', key: { key: logName(trace) }, validations: told.slice(before) } as const
}

/** The hub after it saw everything as it happened. */
export function inOrder(run: ARun): OurResult {
  const hub = hubWithoutBrake(run)
  hub.see(...run.observations)
  return resultOf(hub)
}

/** Whether a hub with the brake that a stack has by default would hold an eviction of this run. */
export function isBraked(run: ARun): boolean {
  const hub = new AHub(run).see(...run.observations)
  return [...hub.decide().outcome.fates.values()].some(({ kind }) => kind === 'held')
}

/** The hub after every fact came late, twice, and in any order. */
export function inDisorder(run: ARun, chance: Chance): OurResult {
  const hub = hubWithoutBrake(run)
  const late = run.late()
  for (const seen of chance.shuffled([...late, ...late])) {
    hub.put(seen)
    if (chance.happens(0.15)) hub.settle()
  }
  return resultOf(hub.settle())
}

function hubWithoutBrake(run: ARun): AHub {
  const hub = new AHub(run)
  hub.brake = Number.POSITIVE_INFINITY
  return hub
}

function resultOf(hub: AHub): OurResult {
  const decision = hub.decide()
  const { outcome, ledger } = decision
  const published: string[] = []
  const best: string[] = []
  for (const [key, artifact] of ledger.artifacts) {
    if (artifact.state !== 'current' || !hub.artifacts.has(placeOf(key))) continue
    if (artifact.identity.kind === 'best') {
      best.push(key)
      continue
    }
    const path = key.slice(0, key.length - nameOf(key).length) + stemOf(artifact.identity.name)
    published.push(`${path}: ${artifact.object.keptKeys.join(' ')}`)
  }
  const entry = entriesOf(decision, { bucket: 'bucket', version: 1, noncurrentDays: 7 })
  return {
    left: {
      checkpoints: hub.checkpointKeys().toSorted(),
      best: best.toSorted(),
      published: [...new Set(published)].toSorted(),
      last_checkpoint: ledger.lastCheckpoint?.slice('s3://bucket/'.length) ?? null,
      runtime_info: hookKeys(entry.get('runtime_info') ?? {}, 's3://bucket/'),
    },
    rest: {
      // What the bucket has beside what the hub knows of.
      bucket: [...hub.artifacts.keys()].toSorted(),
      fates: Object.fromEntries([...outcome.fates].toSorted()),
      best: outcome.everBest
        .map((best) => JSON.stringify(bestIdentity(best, decision.destination.folder)))
        .toSorted(),
      problems: outcome.problems.map(({ id }) => id).toSorted(),
      due: outcome.publishDue,
    },
    options: outcome.options,
    problems: [...entry]
      .filter(([id]) => id.startsWith('problem#'))
      .map(([, problem]) => problemText(problem))
      .toSorted(),
    complaints: outcome.survey.walk.faults.map(({ checkpoint, fault }) => ({
      step: checkpoint.step,
      ...fault,
    })),
    warnings: outcome.problems
      .filter(({ severity }) => severity === 'warning')
      .map(({ field }) => field),
  }
}

/** A problem of the table in one line. */
export function problemText({ severity, key, field, reason }: Record<string, unknown>): string {
  return `${severity} ${key} ${field}: ${reason}`
}

/** The keys of the message hub that are the hook's own, with paths below a URI. */
export function hookKeys(entry: Record<string, unknown>, root: string): Left['runtime_info'] {
  const found: Left['runtime_info'] = {}
  for (const [key, value] of Object.entries(entry)) {
    if (key.startsWith('best_score')) found[key] = Number(value)
    else if (/^(best_ckpt|last_ckpt$)/.test(key) && typeof value === 'string')
      found[key] = value.startsWith(root) ? value.slice(root.length) : value
    else if (key === 'keep_ckpt_ids' && Array.isArray(value)) found[key] = value
  }
  return found
}
