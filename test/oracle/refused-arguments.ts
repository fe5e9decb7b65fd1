/** Which arguments the hub is to refuse, from what MMEngine's constructor refuses. */
import type { DeviationName } from './deviations.ts'
import type { HookLife } from './hook-process.ts'
import { refusalOf } from './ours.ts'
import type { Arguments, Json } from './schedule.ts'

/** What either side refuses. */
export interface Refusals {
  expected: string[]
  found: string[]
  /** Reasons of the hub that do not say what was given and what is allowed. */
  silent: string[]
  applied: DeviationName[]
}

/** Sentences that say what was given and what is allowed, or what to do. */
const TELLING = [
  /^expected .+, got .+/,
  /^has ".+" twice$/,
  /^"auto" may not stand beside other metrics$/,
  /^cannot be inferred for the metric ".+"; name "greater" or "less" explicitly$/,
  /^cannot be set at the same time as backend_args$/,
  /^".+" names files by \w+, and by_epoch is \w+; name by_epoch too$/,
]

/** Compares what both sides refuse of the arguments of one life. */
export function refusalsOf(named: Arguments, refused: HookLife['refused']): Refusals {
  const applied: DeviationName[] = []
  const expected = new Set<string>()
  for (const { field, message } of refused) {
    if (message.includes('has no len()') && ruleCount(named) < 2) {
      applied.push('rule list without save_best')
    } else expected.add(field)
  }
  for (const [field, deviation] of stricter(named)) {
    expected.add(field)
    applied.push(deviation)
  }
  const found = allRefusals(named)
  return {
    expected: [...expected].toSorted(),
    found: [...new Set(found.map(({ field }) => field))].toSorted(),
    silent: found
      .filter(({ reason }) => !TELLING.some((form) => form.test(reason)))
      .map(({ field, reason }) => `${field}: ${reason}`),
    applied,
  }
}

/** The arguments without those that only the hub refuses; the hook is asked about the others. */
export function withoutStricter(named: Arguments): Arguments {
  const fields = stricter(named).map(([field]) => field)
  return Object.fromEntries(Object.entries(named).filter(([field]) => !fields.includes(field)))
}

function stricter(named: Arguments): [field: string, DeviationName][] {
  return STRICTER.flatMap(([field, isAllowed, deviation]): [string, DeviationName][] => {
    const value = named[field]
    return value === undefined || isAllowed(value, named) ? [] : [[field, deviation]]
  })
}

/** As the hook's process does: again without what was refused, until nothing is. */
function allRefusals(named: Arguments): { field: string; reason: string }[] {
  const left = { ...named }
  const found: { field: string; reason: string }[] = []
  for (;;) {
    const refusal = refusalOf(left)
    if (refusal === undefined) return found
    found.push(refusal)
    const { field } = refusal
    delete left[field in left ? field : 'save_best']
  }
}

function ruleCount({ rule }: Arguments): number {
  return Array.isArray(rule) ? rule.length : 0
}

type Check = (value: Json, named: Arguments) => boolean

const isBoolean: Check = (value) => typeof value === 'boolean'
const isWhole: Check = (value) => Number.isInteger(value)
const isTextOrNull: Check = (value) => value === null || typeof value === 'string'
const isObjectOrNull: Check = (value) => typeof value === 'object' && !Array.isArray(value)

/** What the hook takes and the hub does not. */
const STRICTER: readonly [field: string, isAllowed: Check, DeviationName][] = [
  ['interval', isWhole, 'strict types'],
  ['by_epoch', isBoolean, 'strict types'],
  ['save_optimizer', isBoolean, 'strict types'],
  ['save_param_scheduler', isBoolean, 'strict types'],
  ['out_dir', isTextOrNull, 'strict types'],
  ['max_keep_ckpts', isWhole, 'strict types'],
  [
    'max_keep_ckpts',
    (value) => !Number.isInteger(value) || Number(value) <= 10_000,
    'limit of max_keep_ckpts',
  ],
  ['save_last', isBoolean, 'strict types'],
  ['file_client_args', isObjectOrNull, 'strict types'],
  ['backend_args', isObjectOrNull, 'strict types'],
  ['filename_tmpl', isTextOrNull, 'strict types'],
  [
    'filename_tmpl',
    (value) => typeof value !== 'string' || isTemplate(value),
    'one {} in filename_tmpl',
  ],
  ['filename_tmpl', isOfSeries, 'template of the other series'],
  ['save_begin', (value) => typeof value !== 'number' || Number.isInteger(value), 'strict types'],
]

/** `iter_{}.pth` counts iterations, and `by_epoch` has to say so. */
function isOfSeries(template: Json, { by_epoch: byEpoch }: Arguments): boolean {
  return template !== (byEpoch === false ? 'epoch_{}.pth' : 'iter_{}.pth')
}

function isTemplate(text: string): boolean {
  return text.split('{}').length === 2 && !/[{}]/.test(text.replace('{}', ''))
}
