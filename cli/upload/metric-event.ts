/** `ckpt log`: a metric event, as a trainer would write it. */
import { randomBytes } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { keyIn, uriOf } from '../../lib/hook/names.ts'
import { Failure } from '../failure.ts'
import { printable } from '../output/printable.ts'
import type { Terminal } from '../output/terminal.ts'
import type { RunPlace } from './named-place.ts'

/** Which step the metrics are of. */
export interface StepOfEvent {
  readonly epoch?: number
  readonly iter?: number
}

/** A number as Python writes and reads it in JSON. */
const NUMBER = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|NaN|-?Infinity)$/

/**
 * Reads `name=value`.
 *
 * @returns the name, and the value as JSON has it, `NaN` and `Infinity` as Python's
 * @throws {Failure} `usage`
 */
export function parseMetric(text: string): [name: string, value: string] {
  const at = text.lastIndexOf('=')
  const [name, value] = [text.slice(0, at), text.slice(at + 1)]
  const written = /^[-+]?inf(inity)?$/i.test(value)
    ? `${value.startsWith('-') ? '-' : ''}Infinity`
    : /^nan$/i.test(value)
      ? 'NaN'
      : value.replace(/^\+/, '')
  if (at > 0 && NUMBER.test(written)) return [name, written]
  throw new Failure('usage', `${text}: is no metric`, {
    advice: 'Write name=number, such as accuracy=0.91 or val/loss=1e-3.',
  })
}

/**
 * Writes the metrics of a step, in a file of its own: what was said before of other metrics stays, and of the same
 * metric the later counts.
 *
 * @throws {Failure} `usage` where no step or no metric is named, or a metric twice
 */
export async function logMetrics(
  { bucket, run }: RunPlace,
  terminal: Terminal,
  { epoch, iter }: StepOfEvent,
  texts: readonly string[],
): Promise<void> {
  if (epoch === undefined && iter === undefined) {
    throw new Failure('usage', 'which step the metrics are of is missing', {
      advice: 'Name it by --epoch, by --iter, or by both.',
    })
  }
  const metrics = texts.map(parseMetric)
  const twice = metrics.find(([name], at) => metrics.findIndex(([other]) => other === name) < at)
  if (twice !== undefined) throw new Failure('usage', `the metric ${twice[0]} is named twice`)
  const body = eventText(
    { ...(epoch !== undefined && { epoch }), ...(iter !== undefined && { iter }) },
    metrics,
  )
  const step = epoch !== undefined ? `epoch_${epoch}` : `iter_${iter}`
  const Key = keyIn(run, `metrics/${step}-${randomBytes(6).toString('hex')}.json`)
  await bucket.s3.send(
    new PutObjectCommand({
      Bucket: bucket.name,
      Key,
      Body: body,
      ContentType: 'application/json',
    }),
  )
  const event = uriOf(bucket.name, Key)
  const values = Object.fromEntries(metrics)
  terminal.answer(
    {
      run,
      ...(epoch !== undefined && { epoch }),
      ...(iter !== undefined && { iter }),
      metrics: values,
      event,
    },
    () => printable(event),
  )
}

/** Numbers stand as they were typed: JSON of this language has no `NaN`. */
function eventText(step: StepOfEvent, metrics: readonly (readonly [string, string])[]): string {
  const written = metrics.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(', ')
  return `${JSON.stringify(step).slice(0, -1)},"metrics":{${written}}}\n`
}
