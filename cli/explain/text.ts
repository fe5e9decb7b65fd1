/** Explanations for people: a table of all checkpoints, or a paragraph on one. */
import type { BestStanding, Explanation } from '../../lib/hook/explain.ts'
import type { FactAt } from '../../lib/hook/history-until.ts'
import { nameOf, uriOf } from '../../lib/hook/names.ts'
import { printable } from '../output/printable.ts'
import { readableSize } from '../output/sizes.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { readableTime } from '../output/times.ts'
import type { Explained, ExplainedRun } from './explained.ts'

/** One row a checkpoint, in the order of steps. */
export function tableOfExplanations(terminal: Terminal, { checkpoints }: ExplainedRun): string {
  const metrics = [...new Set(checkpoints.flatMap(({ best }) => best.map(({ metric }) => metric)))]
  const heads = ['checkpoint', 'fate', 'why', ...metrics, 'decided by', 'when', 'restorable until']
  return tableOf(
    terminal,
    heads,
    checkpoints.map((each) => [
      nameOf(each.key),
      each.fate,
      // The fate stands in a column of its own.
      each.reason.replace(/^[a-z]+: /, ''),
      ...metrics.map((metric) => placeText(each.best.find((best) => best.metric === metric))),
      each.decidedBy === undefined ? '' : factName(each.decidedBy),
      each.decidedBy === undefined ? '' : readableTime(each.decidedBy.moment.seconds),
      untilText(each),
    ]),
  )
}

function placeText(standing: BestStanding | undefined): string {
  if (standing === undefined) return ''
  const { score, rank, of, isBest } = standing
  return `${score} ${isBest ? 'best' : `#${rank}`} of ${of}`
}

function untilText({ deletion, remainder }: Explained): string {
  if (remainder?.state === 'restorable') return readableTime(remainder.untilSeconds)
  if (remainder?.state === 'gone') return 'expired'
  return deletion.state === 'none' || deletion.state === 'done' ? '' : deletion.state
}

/** A paragraph on one checkpoint. */
export function paragraphOf(terminal: Terminal, bucket: string, each: Explained): string {
  const name = terminal.style('bold', printable(nameOf(each.key)))
  const upload = `${readableSize(each.sizeBytes)}, uploaded ${readableTime(each.uploadedSeconds)}`
  const sentences = [
    `${name} (${upload}) is ${FATE_WORDS[each.fate]}: ${printable(whyText(each))}.`,
    ...(each.decidedBy === undefined ? [] : [decidedText(each.decidedBy)]),
    ...each.best.map(bestText),
    ...each.made.map((made) => printable(madeText(bucket, made))),
    ...deletionText(each),
  ]
  return wrapped(terminal, sentences.join(' '))
}

const FATE_WORDS: Readonly<Record<Explanation['fate'], string>> = {
  kept: 'kept',
  evicted: 'evicted',
  held: 'to be evicted, and held',
  removed: 'removed, by no doing of the hub',
  torn: 'kept, and no whole checkpoint',
  'other series': 'kept, and does not count',
}

function whyText({ reason, rivals, removedSeconds, fault }: Explanation): string {
  if (fault !== undefined) return fault
  if (removedSeconds !== undefined) return `it is gone since ${readableTime(removedSeconds)}`
  const why = reason.replace(/^[a-z]+: /, '')
  if (rivals.length === 0) return why
  const names = rivals.map(({ key, seconds }) => `${nameOf(key)} of ${readableTime(seconds)}`)
  return `${why.replace(/, newer .*$/, '')}, and newer are ${listed(names)}`
}

function decidedText(fact: FactAt): string {
  const values = fact.metrics.map(({ metric, value }) => `${metric} ${value}`).join(', ')
  const with_ = values === '' ? '' : ` (${values})`
  return printable(
    `It was decided by ${factName(fact)}${with_}, ${readableTime(fact.moment.seconds)}.`,
  )
}

/** A fact by the name of its object. */
function factName({ kind, key, step }: FactAt): string {
  const name = nameOf(key)
  switch (kind) {
    case 'removal':
      return `the removal of ${name}`
    case 'metric':
      return `the metrics of step ${step?.step} in ${name}`
    case 'checkpoint':
      return `the upload of ${name}`
    default:
      return `a version of ${name}`
  }
}

function bestText({ metric, rule, score, rank, of, isBest, rival }: BestStanding): string {
  const by = `By ${metric}, where ${rule === 'greater' ? 'more' : 'less'} is better,`
  const text = isBest
    ? `it is the best of ${of} with ${score}`
    : `it has place ${rank} of ${of} with ${score}`
  const other =
    rival && `${isBest ? 'next is' : 'the best is'} step ${rival.step} with ${rival.score}`
  return printable(`${by} ${text}${other === undefined ? '' : `; ${other}`}.`)
}

function madeText(bucket: string, { kind, key, metric, state, reason }: Explained['made'][number]) {
  const what =
    kind === 'best' ? `Its best copy for ${metric}` : `The file published of it${ofMetric(metric)}`
  if (reason !== undefined) return `${what} was refused: ${reason}.`
  const where = uriOf(bucket, key)
  return state === 'current' ? `${what} is ${where}.` : `${what}, ${where}, is ${state}.`
}

function ofMetric(metric: string | undefined): string {
  return metric === undefined ? ' as the last' : ` as the best ${metric}`
}

function deletionText({ deletion, remainder }: Explained): string[] {
  if (remainder?.state === 'restorable') {
    return [`It can be restored until ${readableTime(remainder.untilSeconds)}.`]
  }
  if (remainder?.state === 'gone') return ['Its version has expired, and it cannot be restored.']
  switch (deletion.state) {
    case 'waits for a copy':
      return ['It stays until what is made from it is there.']
    case 'waits for versioning':
      return ['It stays while the bucket keeps no versions: enable its versioning.']
    case 'under way':
      return ['It is being deleted.']
    case 'being restored':
      return ['It is being restored.']
    default:
      return []
  }
}

function listed(names: readonly string[]): string {
  const [last = '', ...before] = names.toReversed()
  return before.length === 0 ? last : `${before.toReversed().join(', ')} and ${last}`
}

const LINE_WIDTH = 100

/** On a pipe a paragraph is one line. */
function wrapped(terminal: Terminal, text: string): string {
  if (!terminal.isForPeople) return text
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > LINE_WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}
