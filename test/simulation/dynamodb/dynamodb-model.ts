/** DynamoDB in memory, as far as the hub uses it: one table, its indexes, queries and transactions. */
import {
  DynamoDBServiceException,
  type PutItemCommandInput,
  type QueryCommandInput,
  type QueryCommandOutput,
  type TransactGetItemsCommandInput,
  TransactionCanceledException,
  type TransactWriteItem,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb'
import { answeredError } from '../answered-error.ts'
import { byUtf8 } from '../text-order.ts'
import { type Bindings, holds, type Item } from './expressions.ts'

const ANSWERED = { $metadata: { httpStatusCode: 200 } }
const MOST_ACTIONS = 100

/** The sort attribute of each index, by its name and partition attribute. */
const INDEXES: Record<string, { partition: string; sort: string }> = {
  runs: { partition: 'listed', sort: 'last_upload' },
  leaderboard: { partition: 'metric', sort: 'score_rank' },
  outbox: { partition: 'pending', sort: 'due' },
}

/** What of DynamoDB's freedom a table takes. */
export interface Freedom {
  /** A query gives at most so many items at once: DynamoDB gives a megabyte. */
  readonly pageItems: number
  /** An index shows a write so many milliseconds later. */
  readonly indexLagMs: number
}

interface Write {
  readonly atMs: number
  readonly id: string
  readonly item: Item | undefined
}

export class DynamodbModel {
  /** By partition and sort key. */
  readonly #items = new Map<string, Map<string, Item>>()
  /** Partitions in the order of their sort keys, until an entry comes or goes. */
  readonly #sorted = new Map<string, Item[]>()
  readonly #indexed = new Map<string, Item>()
  readonly #onTheWay: Write[] = []
  readonly #now: () => number
  readonly #freedom: Freedom

  constructor(now: () => number, freedom: Freedom) {
    this.#now = now
    this.#freedom = freedom
  }

  apply(name: string, input: object): object {
    if (name === 'Query') return this.#query(input as QueryCommandInput)
    if (name === 'TransactWriteItems')
      return this.#transact(input as TransactWriteItemsCommandInput)
    if (name === 'TransactGetItems') return this.#read(input as TransactGetItemsCommandInput)
    if (name === 'PutItem') {
      this.#put((input as PutItemCommandInput).Item ?? {})
      return ANSWERED
    }
    throw new TypeError(`the model of DynamoDB has no ${name}`)
  }

  /** All items of a partition, by sort key. */
  partition(run: string): ReadonlyMap<string, Item> {
    return this.#items.get(run) ?? new Map()
  }

  partitions(): string[] {
    return [...this.#items.keys()].toSorted()
  }

  #query(input: QueryCommandInput): QueryCommandOutput {
    const { IndexName, KeyConditionExpression = '', FilterExpression, ExclusiveStartKey } = input
    const all = (IndexName === undefined ? this.#inTable(input) : this.#inIndex(IndexName)).filter(
      (item) => holds(KeyConditionExpression, input, item),
    )
    const start =
      ExclusiveStartKey && all.findIndex((item) => idOf(item) === idOf(ExclusiveStartKey))
    const from = start === undefined ? 0 : start + 1
    const page = all.slice(from, from + this.#freedom.pageItems)
    const last = page.at(-1)
    return {
      ...ANSWERED,
      Items: page.filter(
        (item) => FilterExpression === undefined || holds(FilterExpression, input, item),
      ),
      ...(from + page.length < all.length && last && { LastEvaluatedKey: last }),
    }
  }

  #read({ TransactItems = [] }: TransactGetItemsCommandInput): object {
    if (TransactItems.length === 0 || TransactItems.length > MOST_ACTIONS) throw invalid('items')
    const keys = TransactItems.map(({ Get }) => Get?.Key ?? {})
    if (new Set(keys.map(idOf)).size < keys.length) throw invalid('one item twice')
    const Responses = keys.map((key) => {
      const Item = this.#find(key)
      return Item === undefined ? {} : { Item }
    })
    return { ...ANSWERED, Responses }
  }

  #inTable({ KeyConditionExpression = '', ...bindings }: QueryCommandInput): Item[] {
    const run = equalTo('run', KeyConditionExpression, bindings)
    const known = this.#sorted.get(run)
    if (known !== undefined) return known
    const items = [...(this.#items.get(run) ?? new Map<string, Item>())]
    const sorted = items.toSorted(([a], [b]) => byUtf8(a, b)).map(([, item]) => item)
    this.#sorted.set(run, sorted)
    return sorted
  }

  #inIndex(name: string): Item[] {
    const index = INDEXES[name]
    if (index === undefined) throw new TypeError(`the table has no index ${name}`)
    while ((this.#onTheWay[0]?.atMs ?? Number.POSITIVE_INFINITY) <= this.#now()) {
      const write = this.#onTheWay.shift()
      if (write?.item === undefined) this.#indexed.delete(write?.id ?? '')
      else this.#indexed.set(write.id, write.item)
    }
    const { partition, sort } = index
    return [...this.#indexed.values()]
      .filter((item) => item[partition] !== undefined && item[sort] !== undefined)
      .toSorted((a, b) => byUtf8(a[sort]?.S ?? '', b[sort]?.S ?? '') || byUtf8(idOf(a), idOf(b)))
  }

  #transact({ TransactItems = [] }: TransactWriteItemsCommandInput): object {
    if (TransactItems.length === 0 || TransactItems.length > MOST_ACTIONS) throw invalid('items')
    const targets = TransactItems.map(targetOf)
    if (new Set(targets.map(idOf)).size < targets.length) throw invalid('one item twice')
    const reasons = TransactItems.map((action, at) => {
      const checked = action.Put ?? action.Delete ?? action.ConditionCheck
      const condition = checked?.ConditionExpression
      const before = this.#find(targets[at] ?? {})
      const isMet = condition === undefined || holds(condition, checked ?? {}, before)
      return { Code: isMet ? 'None' : 'ConditionalCheckFailed' }
    })
    if (reasons.some(({ Code }) => Code !== 'None')) throw cancelled(reasons)
    for (const action of TransactItems) {
      if (action.Put !== undefined) this.#put(action.Put.Item ?? {})
      else if (action.Delete !== undefined) this.#remove(action.Delete.Key ?? {})
    }
    return ANSWERED
  }

  #find(key: Item): Item | undefined {
    return this.#items.get(key['run']?.S ?? '')?.get(key['entry']?.S ?? '')
  }

  #put(item: Item): void {
    const { run, entry } = keysOf(item)
    const items = this.#items.get(run) ?? new Map<string, Item>()
    this.#items.set(run, items)
    this.#sorted.delete(run)
    items.set(entry, item)
    this.#announce(item, item)
  }

  #remove(key: Item): void {
    const { run, entry } = keysOf(key)
    this.#items.get(run)?.delete(entry)
    this.#sorted.delete(run)
    this.#announce(key, undefined)
  }

  #announce(key: Item, item: Item | undefined): void {
    this.#onTheWay.push({ atMs: this.#now() + this.#freedom.indexLagMs, id: idOf(key), item })
  }
}

function targetOf({ Put, Delete, ConditionCheck }: TransactWriteItem): Item {
  return Put?.Item ?? Delete?.Key ?? ConditionCheck?.Key ?? {}
}

function keysOf(item: Item): { run: string; entry: string } {
  const run = item['run']?.S
  const entry = item['entry']?.S
  if (run === undefined || entry === undefined || run === '' || entry === '') throw invalid('key')
  return { run, entry }
}

function idOf(item: Item): string {
  return `${item['run']?.S}\n${item['entry']?.S}`
}

/** The value that a key condition asks the partition key to have. */
function equalTo(name: string, expression: string, bindings: Bindings): string {
  for (const term of expression.split(' AND ')) {
    const [left = '', value = ''] = term.split('=').map((side) => side.trim())
    const attribute = left.startsWith('#') ? bindings.ExpressionAttributeNames?.[left] : left
    if (attribute === name) return bindings.ExpressionAttributeValues?.[value]?.S ?? ''
  }
  throw new TypeError(`a query names no ${name}: ${expression}`)
}

/** What DynamoDB answers where a transaction is refused. */
export function cancelled(reasons: { Code: string }[]): TransactionCanceledException {
  const message = `Transaction cancelled: [${reasons.map(({ Code }) => Code).join(', ')}]`
  const $metadata = { httpStatusCode: 400 }
  const CancellationReasons = reasons
  return answeredError(
    () => new TransactionCanceledException({ message, $metadata, CancellationReasons }),
  )
}

function invalid(what: string): DynamoDBServiceException {
  return dynamodbError('ValidationException', 400, what)
}

export function dynamodbError(
  name: string,
  status: number,
  message = name,
): DynamoDBServiceException {
  const $fault = status >= 500 ? 'server' : 'client'
  const $metadata = { httpStatusCode: status }
  return answeredError(() => new DynamoDBServiceException({ name, message, $fault, $metadata }))
}
