/**
 * Metric events and MMEngine's own log, read from their text.
 *
 * Python writes bare `NaN` and `Infinity`, and the order of the keys decides what `auto` means, so the
 * text is read as JSON5 into a tree that keeps both.
 */
import { parse as parseTree, type ValueNode } from '@humanwhocodes/momoa'
import type { Series } from './names.ts'

/** A validation at one step: its metrics in the order of the text; `null` is Python's `None`. */
export interface Validation {
  /** Where the step is counted; a line of a log may leave open which counter its number is. */
  steps: Partial<Record<Series, number>>
  metrics: [name: string, value: number | null][]
  /** The version of the checkpoint that was validated, where the trainer says so. */
  versionId: string | undefined
}

/** A part of a text that could not be read, and what to do. */
export interface MetricFault {
  /** `line 3` or `line 3: metrics.acc`. */
  field: string
  reason: string
}

/** What a text held: good lines count although others are bad. */
export interface MetricReading {
  validations: Validation[]
  faults: MetricFault[]
}

/** An entry of `step#…` has to stay below 400 KB. */
const MAX_METRICS = 1000
/** What MMEngine adds to a validation line beside the metrics. */
const LOG_EXTRAS = new Set(['data_time', 'time', 'step'])
/** With `log_with_hierarchy` MMEngine puts these before a line's names. */
const TRAINING_PREFIX = 'train/'
const VALIDATION_PREFIX = 'val/'

interface Line {
  label: string
  members: Map<string, ValueNode>
}

/**
 * Reads a metric event, or JSON lines of them.
 *
 * @param text `{"epoch": 3, "iter": 1500, "metrics": {"acc": 0.91}}`, once or on every line
 */
export function readMetricEvents(text: string): MetricReading {
  const reading: MetricReading = { validations: [], faults: [] }
  for (const line of linesOf(text, reading.faults)) readEvent(line, reading)
  return reading
}

/**
 * Reads MMEngine's `scalars.json`: validation lines are events, training lines are not.
 *
 * A validation line has one number, `step`: an epoch where MMEngine logs by epoch, else an iteration.
 * The training line before it, which names its iteration, tells; where there is none, it counts as
 * either. By MMEngine's default, metrics named after a loss are logged as a mean of the last ten, which
 * is why `metrics/…` outranks logs.
 */
export function readLog(text: string): MetricReading {
  const reading: MetricReading = { validations: [], faults: [] }
  let trainedIterations: number | undefined
  for (const line of linesOf(text, reading.faults, 'lines')) {
    if (isTrainingLine(line)) trainedIterations = stepIn(line.members.get('iter'))
    else readLogLine(line, trainedIterations, reading)
  }
  return reading
}

function isTrainingLine({ members }: Line): boolean {
  return members.has('iter') || [...members.keys()].some((name) => name.startsWith(TRAINING_PREFIX))
}

function readLogLine(line: Line, trained: number | undefined, reading: MetricReading): void {
  const step = stepIn(line.members.get('step'))
  if (step === undefined) {
    const reason = 'expected a step number of 0 or more'
    reading.faults.push({ field: `${line.label}: step`, reason })
    return
  }
  const members = withoutPrefix([...line.members]).filter(([name]) => !LOG_EXTRAS.has(name))
  const metrics = readMetrics(line.label, members, reading.faults)
  if (metrics.length === 0) return
  reading.validations.push({ steps: stepsOfLog(step, trained), metrics, versionId: undefined })
}

function withoutPrefix(members: [string, ValueNode][]): [string, ValueNode][] {
  const isHierarchical = members.every(
    ([name]) => name === 'step' || name.startsWith(VALIDATION_PREFIX),
  )
  if (!isHierarchical) return members
  return members.map(([name, node]) => [
    name === 'step' ? name : name.slice(VALIDATION_PREFIX.length),
    node,
  ])
}

/** An epoch's number is below that of its iterations, and a validation comes after both. */
function stepsOfLog(step: number, trained: number | undefined): Partial<Record<Series, number>> {
  if (trained === undefined || (step === trained && step <= 1)) return { epoch: step, iter: step }
  return step < trained ? { epoch: step } : { iter: step }
}

function readEvent(line: Line, reading: MetricReading): void {
  const steps = { ...stepOf(line, 'epoch'), ...stepOf(line, 'iter') }
  for (const series of ['epoch', 'iter']) {
    if (line.members.has(series) && steps[series as Series] === undefined) {
      const reason = 'expected a whole number of 0 or more'
      reading.faults.push({ field: `${line.label}: ${series}`, reason })
    }
  }
  if (steps.epoch === undefined && steps.iter === undefined) {
    reading.faults.push({ field: line.label, reason: 'names neither "epoch" nor "iter"' })
    return
  }
  const node = line.members.get('metrics')
  if (node?.type !== 'Object') {
    const reason = 'expected an object of metric names and numbers'
    reading.faults.push({ field: `${line.label}: metrics`, reason })
    return
  }
  const version = line.members.get('version_id')
  const metrics = readMetrics(`${line.label}: metrics`, [...membersOf(node)], reading.faults)
  if (metrics.length === 0) return
  reading.validations.push({
    steps,
    metrics,
    versionId: version?.type === 'String' ? version.value : undefined,
  })
}

function readMetrics(
  label: string,
  members: [string, ValueNode][],
  faults: MetricFault[],
): Validation['metrics'] {
  if (members.length > MAX_METRICS) {
    faults.push({ field: label, reason: `has more than ${MAX_METRICS} metrics` })
    return []
  }
  return members.flatMap(([name, node]): Validation['metrics'] => {
    const value = node.type === 'Null' ? null : numberIn(node)
    if (value !== undefined) return [[name, value]]
    faults.push({ field: `${label}.${name}`, reason: `expected a number, got ${kindOf(node)}` })
    return []
  })
}

function linesOf(text: string, faults: MetricFault[], layout?: 'lines'): Line[] {
  if (layout === undefined) {
    const alone = treeOf(text)
    if (alone?.type === 'Object') return [{ label: 'line 1', members: membersOf(alone) }]
  }
  const lines = text
    .split(/\r?\n/)
    .flatMap((line, at) => (line.trim() === '' ? [] : [{ line, at }]))
  if (lines.length === 0) faults.push({ field: 'text', reason: 'is empty; expected JSON' })
  return lines.flatMap(({ line, at }): Line[] => {
    const label = `line ${at + 1}`
    const node = treeOf(line)
    if (node?.type === 'Object') return [{ label, members: membersOf(node) }]
    const found = node === undefined ? 'text that is not JSON' : kindOf(node)
    faults.push({ field: label, reason: `expected a JSON object, got ${found}` })
    return []
  })
}

function treeOf(text: string): ValueNode | undefined {
  try {
    return parseTree(text, { mode: 'json5' }).body
  } catch {
    return undefined
  }
}

/** Members by name; of a name that stands twice the last value counts, as in Python. */
function membersOf(node: Extract<ValueNode, { type: 'Object' }>): Map<string, ValueNode> {
  return new Map(
    node.members.map(({ name, value }) => [name.type === 'String' ? name.value : name.name, value]),
  )
}

function stepOf(line: Line, series: Series): Partial<Record<Series, number>> {
  const step = stepIn(line.members.get(series))
  return step === undefined ? {} : { [series]: step }
}

function stepIn(node: ValueNode | undefined): number | undefined {
  const value = node === undefined ? undefined : numberIn(node)
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function numberIn(node: ValueNode): number | undefined {
  if (node.type === 'Number') return node.value
  if (node.type === 'NaN') return Number.NaN
  if (node.type === 'Infinity') return node.sign === '-' ? -Infinity : Infinity
  return undefined
}

function kindOf(node: ValueNode): string {
  return node.type === 'String' ? JSON.stringify(node.value).slice(0, 40) : node.type.toLowerCase()
}
