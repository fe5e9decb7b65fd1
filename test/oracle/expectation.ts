/** What the hub is to leave: what MMEngine's hook left, with the deviations that it cannot be told. */

import { isDirectory } from '../../lib/hook/names.ts'
import { aged } from './aging.ts'
import type { DeviationName } from './deviations.ts'
import { directoryOf, uncopiedOf, withDirectories } from './directories.ts'
import type { HookResult, HubValue } from './hook-process.ts'
import { type Left, nameIn } from './ours.ts'
import {
  type Arguments,
  canonical,
  isDirectoryAt,
  type Json,
  type Recollection,
} from './schedule.ts'
import { isEnded, type LifeTrace, savingOf } from './trainer-trace.ts'

const RUN = 'exp'
const OUT = 'out'
/** Whether what the hub writes goes to `out_dir`. */
const FOLLOWS_OUT_DIR = true
const KEYS = ['meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers']

/** What the hub is to leave, and why that is not what the hook left. */
export interface Expectation {
  left: Left
  applied: DeviationName[]
  /** Where the model of overlapping lives is not the hook, although no lives overlap. */
  modelFault: string | undefined
}

/** What the hook has to be told at a resume, for what these lives do. */
export function recollectionsFor(traces: readonly LifeTrace[]): Recollection[] {
  const overlap = !isOrderly(traces)
  const limits = new Set(traces.map(({ told }) => savingOf(told.arguments).keep > 0))
  return [
    ...(traces.length > 1 && (overlap || isRetracked(traces)) ? (['best'] as const) : []),
    ...(traces.length > 1 && limits.size > 1 ? (['ids'] as const) : []),
    ...(failsToPublish(traces, false) ? (['unset'] as const) : []),
    ...(failsToPublish(traces, true) ? (['directories'] as const) : []),
  ]
}

function failsToPublish(traces: readonly LifeTrace[], aDirectory: boolean): boolean {
  return traces.some(
    ({ hook: { error } }) =>
      error?.at === 'after_train' && (error.type === 'IsADirectoryError') === aDirectory,
  )
}

/** Which deviations those are. */
export function deviationsOf(recollections: readonly Recollection[]): DeviationName[] {
  const names = {
    best: 'best of the whole run',
    ids: 'deque of the whole run',
    unset: 'unset best is not published',
    directories: 'directories are not published',
  } as const
  return recollections.map((each) => names[each])
}

/** Whether what decides a best changed between two lives. */
function isRetracked(traces: readonly LifeTrace[]): boolean {
  const tracking = ({ told: { arguments: named } }: LifeTrace): string =>
    JSON.stringify(
      ['save_best', 'rule', 'greater_keys', 'less_keys'].map((name) => named[name] ?? null),
    )
  return new Set(traces.map(tracking)).size > 1
}

/** Whether each life took up where all before it ended, and none stopped short of the last that it saves. */
function isOrderly(traces: readonly LifeTrace[]): boolean {
  let highest = 0
  return traces.every((trace) => {
    const { told, resumedFrom, steps, hook } = trace
    const follows = highest === 0 || resumedFrom === nameIn(told, highest)
    highest = Math.max(highest, ...steps)
    return follows && !isCutShort(trace) && (hook.error === null || hook.error.at === 'after_train')
  })
}

/** Whether training ended at a step that the hook did not save, although it is to save the last. */
function isCutShort(trace: LifeTrace): boolean {
  const { told, steps, hook } = trace
  const last = steps.at(-1)
  return (
    isEnded(trace) &&
    savingOf(told.arguments).saveLast &&
    last !== undefined &&
    hook.last !== nameIn(told, last)
  )
}

/** Changes what the hook left into what the hub is to leave. */
export function expectationOf(
  result: HookResult,
  traces: readonly LifeTrace[],
  recollections: readonly Recollection[],
): Expectation {
  const applied: DeviationName[] = []
  // A new best of the same name, under another rule, takes the old one's file with it in the hook.
  const stayingBest = (recollections.includes('best') ? result.ever_best : [])
    .filter((best) => directoryOf(best, traces) === undefined)
    .map(([path]) => path)
  const { members, strays } = aged(traces)
  const pathOf = ({ life, step }: { life: LifeTrace; step: number }) =>
    `${RUN}/${nameIn(life.told, step)}${isDirectoryAt(life.layout, step) ? '/' : ''}`
  const uncopied = uncopiedOf(result, traces).map(pathOf)
  if (result.files.some((path) => isBest(path) && isDirectory(path)))
    applied.push('directories are not copied')
  const ofHook = result.files
    .filter((path) => !isBest(path))
    .map(uploaded)
    .toSorted()
  if (canonical(result).includes(`"${OUT}/`)) applied.push('checkpoints stay in the run')
  const counted = members.map(pathOf).toSorted()
  const orderly = isOrderly(traces)
  if (traces.some(isCutShort)) applied.push('last of an early stop')
  if (strays.some(({ life }) => savingOf(life.told.arguments).interval <= 0)) {
    applied.push('never is no series')
  } else if (strays.length > 0) applied.push('newest stays')

  const info = infoOf(withDirectories(result, traces))
  const isOther = !orderly || strays.length > 0
  const lastLife = traces.findLast(({ steps }) => steps.length > 0)
  const newest = lastLife && `${RUN}/${nameIn(lastLife.told, Math.max(...lastLife.steps))}`
  if (isOther && newest !== undefined) info['last_ckpt'] = newest
  const keep = savingOf(traces.at(-1)?.told.arguments ?? {}).keep
  const ids = members.map(({ step }) => step)
  const idsOfHook = info['keep_ckpt_ids']
  if (!orderly || keep <= 0) delete info['keep_ckpt_ids']
  if (!orderly && keep > 0 && ids.length > 0) info['keep_ckpt_ids'] = ids
  const isAged =
    canonical([ofHook, keep > 0 && idsOfHook]) !== canonical([counted, keep > 0 && ids])
  if (!orderly && isAged) applied.push('abandoned steps age out')
  const modelFault =
    orderly && JSON.stringify(ofHook) !== JSON.stringify(counted)
      ? `the model of overlapping lives keeps ${counted} where the hook kept ${ofHook}`
      : undefined
  if (keep <= 0 && idsOfHook !== undefined) applied.push('deque of the whole run')
  return {
    left: {
      checkpoints: [
        ...new Set([...(orderly ? ofHook : counted), ...strays.map(pathOf), ...uncopied]),
      ].toSorted(),
      best: [
        ...new Set(
          [
            ...result.files.filter((path) => isBest(path) && !isDirectory(path)),
            ...stayingBest,
          ].map(written),
        ),
      ].toSorted(),
      published: publishedOf(traces),
      last_checkpoint: isOther
        ? (newest ?? null)
        : result.last_checkpoint && uploaded(result.last_checkpoint),
      runtime_info: info,
    },
    applied,
    modelFault,
  }
}

/** What each end published; the last of an early stop instead of the last that the hook saved. */
function publishedOf(traces: readonly LifeTrace[]): string[] {
  const found = traces.flatMap((trace) => {
    const { told, layout, hook, steps } = trace
    const files = new Map(Object.entries(hook.published))
    const last = steps.at(-1)
    const keys = publishedKeys(told.arguments)
    if (isCutShort(trace) && last !== undefined && keys !== undefined) {
      const root = told.arguments['out_dir'] === OUT ? `${OUT}/${RUN}` : RUN
      if (hook.last !== null) files.delete(`${root}/${stemOf(hook.last)}`)
      if (!isDirectoryAt(layout, last)) files.set(`${root}/${stemOf(nameIn(told, last))}`, keys)
    }
    return [...files].map(([path, kept]) => `${written(path)}: ${kept.join(' ')}`)
  })
  return [...new Set(found)].toSorted()
}

/** The keys that stay of a checkpoint of the series. */
function publishedKeys(named: Arguments): string[] | undefined {
  const wanted: Json = named['published_keys'] ?? null
  if (wanted === null) return undefined
  const dropped = [
    ...(named['save_optimizer'] === false ? ['optimizer'] : []),
    ...(named['save_param_scheduler'] === false ? ['param_schedulers'] : []),
  ]
  return KEYS.filter((key) => [wanted].flat().includes(key) && !dropped.includes(key))
}

function stemOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? name.slice(0, dot) : name
}

function infoOf(hub: Record<string, HubValue>): Left['runtime_info'] {
  return Object.fromEntries(Object.entries(hub).map(([key, value]) => [key, hubValue(key, value)]))
}

function hubValue(key: string, value: HubValue): string | number | number[] {
  if (typeof value === 'string') return key === 'last_ckpt' ? uploaded(value) : written(value)
  return 'number' in value ? numberOf(value.number) : value
}

/** Where the trainer puts a checkpoint that the hook put into `out_dir`. */
function uploaded(path: string): string {
  return path.startsWith(`${OUT}/`) ? path.slice(OUT.length + 1) : path
}

/** Where the hub puts what the hook wrote into `out_dir`. */
function written(path: string): string {
  return FOLLOWS_OUT_DIR ? path : uploaded(path)
}

function isBest(path: string): boolean {
  return uploaded(path).startsWith(`${RUN}/best_`)
}

/** Python's `repr` of a float. */
function numberOf(text: string): number {
  return Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'))
}
