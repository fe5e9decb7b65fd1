/** What was measured, as tables. */
import Table from 'cli-table3'
import type { FunctionName } from '../../infra/permissions.ts'
import { markdownTable } from '../markdown-table.ts'
import type { Bundle } from './bundles.ts'
import type { EventCalls } from './calls.ts'

/** A function beside its empty handler. */
export interface Measured {
  readonly name: FunctionName
  readonly bundle: Bundle
  readonly empty: Bundle
  readonly milliseconds: number
  readonly emptyMilliseconds: number
}

export interface Figures {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const PACKAGES_SHOWN = 10

export function measuredTable(measured: readonly Measured[]): Figures {
  return {
    title: 'What each function weighs, and how long loading it takes',
    head: ['function', 'bundle', 'empty, with its clients', 'loading', 'empty', 'ratio'],
    rows: measured.map(({ name, bundle, empty, milliseconds, emptyMilliseconds }) => [
      name,
      kilobytes(bundle.sizeBytes),
      kilobytes(empty.sizeBytes),
      `${milliseconds.toFixed(0)} ms`,
      `${emptyMilliseconds.toFixed(0)} ms`,
      (milliseconds / emptyMilliseconds).toFixed(2),
    ]),
  }
}

/** What fills the bundle of the query function. */
export function packagesTable(measured: readonly Measured[]): Figures {
  const all = measured.find(({ name }) => name === 'query')?.bundle.byPackage ?? []
  const rest = all.slice(PACKAGES_SHOWN).reduce((sum, [, bytes]) => sum + bytes, 0)
  const rows: [string, number][] = [...all.slice(0, PACKAGES_SHOWN)] as [string, number][]
  return {
    title: 'What fills the bundle of query',
    head: ['package', 'bytes'],
    rows: [...rows, ['all others', rest] as const].map(([name, bytes]) => [name, kilobytes(bytes)]),
  }
}

export function callsTable(calls: readonly EventCalls[]): Figures {
  return {
    title: 'Calls to AWS of one event',
    head: ['step', 'event', 'the function', 'DynamoDB', 'S3', 'SQS'],
    rows: calls.map(({ step, event, memory, dynamodb, s3, sqs }) => [
      String(step),
      event,
      memory,
      told(dynamodb),
      told(s3),
      told(sqs),
    ]),
  }
}

/** `4: 2 Query, PutItem` and so on. */
function told(names: readonly string[]): string {
  const counts = Object.entries(Object.groupBy(names, (name) => name))
  const each = counts.map(([name, all = []]) => (all.length > 1 ? `${all.length} ${name}` : name))
  return each.length === 0 ? '0' : `${names.length}: ${each.join(', ')}`
}

export function textOf({ title, head, rows }: Figures): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } })
  for (const row of rows) table.push([...row])
  return `${title}:\n${table.toString()}\n`
}

export function markdownOf({ title, head, rows }: Figures): string {
  return `${title}:\n\n${markdownTable(head, rows)}`
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} KB`
}
