/**
 * The hook's arguments: read from `checkpoint_hook.json` or from the stack's defaults, checked as the
 * hook's constructor checks them, and resolved argument by argument.
 */
import * as z from 'zod/mini'
import { defaultTemplate, type Series } from './names.ts'
import { type OutDir, parseOutDir } from './out-dir.ts'
import {
  DEFAULT_GREATER_KEYS,
  DEFAULT_LESS_KEYS,
  inferRule,
  initialScore,
  type Rule,
} from './rule.ts'

/** `runtime_info` lists the steps that are kept, and has to stay a small entry. */
export const MAX_KEEP_CKPTS_LIMIT = 10_000

const text = z.string()
const whole = z.int()
const textOrTexts = z.union([text, z.array(text)])
const optional = <T extends z.ZodMiniType>(schema: T) => z.optional(z.nullable(schema))

const argumentsSchema = z.looseObject({
  interval: z.optional(whole),
  by_epoch: z.optional(z.boolean()),
  save_optimizer: z.optional(z.boolean()),
  save_param_scheduler: z.optional(z.boolean()),
  out_dir: optional(text),
  max_keep_ckpts: z.optional(whole),
  save_last: z.optional(z.boolean()),
  save_best: optional(textOrTexts),
  rule: optional(textOrTexts),
  greater_keys: optional(textOrTexts),
  less_keys: optional(textOrTexts),
  file_client_args: optional(z.record(text, z.unknown())),
  filename_tmpl: optional(text),
  backend_args: optional(z.record(text, z.unknown())),
  published_keys: optional(textOrTexts),
  save_begin: z.optional(whole),
  /** None of the hook's: what marks a directory checkpoint as whole. */
  directory_marker: optional(text),
  /** None of the hook's: in which format files are published. */
  publish_format: optional(text),
})

/** What each argument may be, in the words of an error. */
const ALLOWED: Record<string, string> = {
  interval: 'a whole number of epochs or iterations',
  by_epoch: 'true or false',
  save_optimizer: 'true or false',
  save_param_scheduler: 'true or false',
  out_dir: 'a prefix or "s3://<bucket>/<prefix>", without "..", or null',
  max_keep_ckpts: `a whole number up to ${MAX_KEEP_CKPTS_LIMIT}; 0 or less means unlimited`,
  save_last: 'true or false',
  save_best: 'a metric, a list of metrics, "auto" or null',
  rule: '"greater", "less", a list of these, or null',
  greater_keys: 'a text, a list of texts or null',
  less_keys: 'a text, a list of texts or null',
  file_client_args: 'an object or null',
  filename_tmpl: 'a file name with one "{}", or null',
  backend_args: 'an object or null',
  published_keys: 'a key, a list of keys or null',
  save_begin: 'a whole number of 0 or more',
  directory_marker: 'a file name without "/", or null',
  publish_format: '"pth", "safetensors" or null',
}

/** The arguments that somebody named, as they were named. */
export type NamedArguments = z.infer<typeof argumentsSchema>

/** A metric that `save_best` tracks; without a rule it is `auto`, whose name the first metrics give. */
export interface TrackedMetric {
  metric: string
  rule: Rule | undefined
}

/** `pth`: as torch reads it. `safetensors`: the tensors of `state_dict`, as the package of that name reads it. */
export type PublishFormat = 'pth' | 'safetensors'

/** All arguments in force, checked; the names are the hook's, in our spelling. */
export interface HookOptions {
  /** Steps between two regular checkpoints; 0 or less means never. */
  interval: number
  /** True where `interval` was named, so that 0 or less is somebody's policy. */
  intervalNamed: boolean
  /** The series and template that somebody named; without either the first checkpoint's name decides. */
  naming: { series: Series; template: string } | undefined
  saveOptimizer: boolean
  saveParamScheduler: boolean
  /** Where the hub's files go; nothing for the run itself. */
  outDir: OutDir | undefined
  /** How many regular checkpoints stay; 0 or less means all. */
  maxKeepCkpts: number
  saveLast: boolean
  saveBest: TrackedMetric[]
  greaterKeys: readonly string[]
  lessKeys: readonly string[]
  publishedKeys: readonly string[] | undefined
  /** The first regular step. */
  saveBegin: number
  /** The file of a directory checkpoint that names the others, beside those that are always known. */
  directoryMarker: string | undefined
  publishFormat: PublishFormat
  /** Things that are in force and deserve a word, such as an unknown argument. */
  remarks: ArgumentFault[]
}

/** What is wrong with one argument: its name, and why in a sentence that says what is allowed. */
export interface ArgumentFault {
  field: string
  reason: string
}

/** Arguments that the hook would refuse. */
export class HookArgumentError extends Error {
  override readonly name = 'HookArgumentError'
  readonly code = 'hook-argument'
  readonly field: string
  readonly reason: string
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.field = field
    this.reason = reason
  }
}

/**
 * Checks the types of named arguments.
 *
 * @param value a parsed JSON value
 * @throws {HookArgumentError} that names the first wrong argument, what was given and what is allowed
 */
export function parseArguments(value: unknown): NamedArguments {
  const parsed = argumentsSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const field = String(parsed.error.issues[0]?.path[0] ?? '')
  if (field === '') {
    throw new HookArgumentError(
      'checkpoint_hook',
      `expected an object of arguments, got ${shown(value)}`,
    )
  }
  const given = (value as Record<string, unknown>)[field]
  throw new HookArgumentError(
    field,
    `expected ${ALLOWED[field] ?? 'another value'}, got ${shown(given)}`,
  )
}

/**
 * The options in force: what a run's file names, else what the stack names, else the hook's defaults.
 *
 * @param stack the stack's default arguments
 * @param named the arguments of the run's `checkpoint_hook.json`
 * @throws {HookArgumentError} where the hook's constructor raises for the same arguments
 */
export function resolveOptions(stack: NamedArguments, named: NamedArguments): HookOptions {
  const given = { ...stack, ...named }
  const greaterKeys = listOf(given.greater_keys) ?? DEFAULT_GREATER_KEYS
  const lessKeys = listOf(given.less_keys) ?? DEFAULT_LESS_KEYS
  const remarks: ArgumentFault[] = []
  checkBackendArguments(given, remarks)
  for (const field of Object.keys(given)) {
    // `type` names the hook's class in an MMEngine config.
    if (ALLOWED[field] === undefined && field !== 'type') {
      remarks.push({ field, reason: 'is no argument of the hook; it is kept and has no effect' })
    }
  }
  return {
    interval: given.interval ?? -1,
    intervalNamed: named.interval !== undefined,
    naming: namingOf(given),
    saveOptimizer: given.save_optimizer ?? true,
    saveParamScheduler: given.save_param_scheduler ?? true,
    outDir: outDirOf(given),
    maxKeepCkpts: limited(given.max_keep_ckpts ?? -1),
    saveLast: given.save_last ?? true,
    saveBest: trackedMetrics(given, greaterKeys, lessKeys, remarks),
    greaterKeys,
    lessKeys,
    publishedKeys: withoutDuplicates('published_keys', listOf(given.published_keys)),
    saveBegin: notNegative('save_begin', given.save_begin ?? 0),
    publishFormat: publishFormat(given.publish_format ?? 'pth'),
    directoryMarker: fileName('directory_marker', given.directory_marker ?? undefined),
    remarks,
  }
}

/**
 * Whether a step belongs to the regular series: the hook's `every_n_epochs(runner, interval, begin)`.
 *
 * @param step the epoch or iteration of the checkpoint's name
 */
export function isRegular(options: HookOptions, step: number): boolean {
  const since = step - options.saveBegin
  return options.interval > 0 && since >= 0 && since % options.interval === 0
}

function namingOf(given: NamedArguments): HookOptions['naming'] {
  if (given.by_epoch === undefined && (given.filename_tmpl ?? undefined) === undefined)
    return undefined
  const series = (given.by_epoch ?? true) ? 'epoch' : 'iter'
  const template = given.filename_tmpl ?? defaultTemplate(series)
  if (!/^[^{}/]*\{\}[^{}/]*$/u.test(template) || template === '{}') {
    throw new HookArgumentError(
      'filename_tmpl',
      `expected ${ALLOWED['filename_tmpl']}, got ${shown(template)}`,
    )
  }
  const other = series === 'epoch' ? 'iter' : 'epoch'
  if (template === defaultTemplate(other)) {
    throw new HookArgumentError(
      'filename_tmpl',
      `${shown(template)} names files by ${other}, and by_epoch is ${series === 'epoch'}; name by_epoch too`,
    )
  }
  return { series, template }
}

function outDirOf({ out_dir }: NamedArguments): OutDir | undefined {
  if ((out_dir ?? undefined) === undefined) return undefined
  const outDir = parseOutDir(String(out_dir))
  if (outDir !== undefined) return outDir
  throw new HookArgumentError('out_dir', `expected ${ALLOWED['out_dir']}, got ${shown(out_dir)}`)
}

function trackedMetrics(
  given: NamedArguments,
  greaterKeys: readonly string[],
  lessKeys: readonly string[],
  remarks: ArgumentFault[],
): TrackedMetric[] {
  const metrics = withoutDuplicates('save_best', listOf(given.save_best)) ?? []
  if (metrics.includes('auto') && metrics.length > 1) {
    throw new HookArgumentError('save_best', '"auto" may not stand beside other metrics')
  }
  const rules = Array.isArray(given.rule) ? given.rule : [given.rule ?? undefined]
  if (Array.isArray(given.rule) && rules.length !== 1 && rules.length !== metrics.length) {
    throw new HookArgumentError(
      'rule',
      `expected 1 rule or as many as save_best has metrics (${metrics.length}), got ${rules.length}`,
    )
  }
  return metrics.map((metric, at) => {
    const rule = parseRule(rules.length === 1 ? rules[0] : rules[at])
    if (rule !== undefined || metric === 'auto') return { metric, rule }
    return { metric, rule: ruleFor(metric, greaterKeys, lessKeys, remarks) }
  })
}

/**
 * The rule of a metric whose rule nobody named.
 *
 * @param remarks takes a warning where the name holds a less key and yet infers `greater`
 * @throws {HookArgumentError} where none can be inferred
 */
export function ruleFor(
  metric: string,
  greaterKeys: readonly string[],
  lessKeys: readonly string[],
  remarks: ArgumentFault[],
): Rule {
  const rule = inferRule(metric, greaterKeys, lessKeys)
  if (rule === undefined) {
    throw new HookArgumentError(
      'rule',
      `cannot be inferred for the metric ${shown(metric)}; name "greater" or "less" explicitly`,
    )
  }
  if (initialScore(rule) < 0 && metric.toLowerCase().includes('loss')) {
    remarks.push({
      field: 'rule',
      reason: `${shown(metric)} infers "greater" although it holds "loss"; name the rule if that is wrong`,
    })
  }
  return rule
}

function parseRule(rule: string | undefined): Rule | undefined {
  if (rule === undefined || rule === 'greater' || rule === 'less') return rule
  throw new HookArgumentError('rule', `expected ${ALLOWED['rule']}, got ${shown(rule)}`)
}

function checkBackendArguments(given: NamedArguments, remarks: ArgumentFault[]): void {
  const client = given.file_client_args ?? undefined
  const backend = given.backend_args ?? undefined
  if (client !== undefined && backend !== undefined) {
    throw new HookArgumentError(
      'file_client_args',
      'cannot be set at the same time as backend_args',
    )
  }
  if (client !== undefined) {
    remarks.push({
      field: 'file_client_args',
      reason: 'is deprecated by the hook; use backend_args',
    })
  }
  if (client !== undefined || backend !== undefined) {
    remarks.push({
      field: client === undefined ? 'backend_args' : 'file_client_args',
      reason: 'has no effect: the bucket, its region and its endpoint are those of the stack',
    })
  }
}

function limited(maxKeepCkpts: number): number {
  if (maxKeepCkpts <= MAX_KEEP_CKPTS_LIMIT) return maxKeepCkpts
  throw new HookArgumentError(
    'max_keep_ckpts',
    `expected ${ALLOWED['max_keep_ckpts']}, got ${maxKeepCkpts}`,
  )
}

function notNegative(field: string, value: number): number {
  if (value >= 0) return value
  throw new HookArgumentError(field, `expected ${ALLOWED[field]}, got ${value}`)
}

function fileName(field: string, name: string | undefined): string | undefined {
  if (name === undefined || !(['', '.', '..'].includes(name) || name.includes('/'))) return name
  throw new HookArgumentError(field, `expected ${ALLOWED[field]}, got ${shown(name)}`)
}

function publishFormat(format: string): PublishFormat {
  if (format === 'pth' || format === 'safetensors') return format
  throw new HookArgumentError(
    'publish_format',
    `expected ${ALLOWED['publish_format']}, got ${shown(format)}`,
  )
}

function listOf(value: string | string[] | null | undefined): string[] | undefined {
  return typeof value === 'string' ? [value] : (value ?? undefined)
}

function withoutDuplicates(field: string, values: string[] | undefined): string[] | undefined {
  const twice = values?.find((value, at) => values.indexOf(value) !== at)
  if (twice === undefined) return values
  throw new HookArgumentError(field, `has ${shown(twice)} twice`)
}

/** A value as an error shows it: its JSON, not more than a line of it. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 80 ? `${json.slice(0, 77)}...` : json
}
