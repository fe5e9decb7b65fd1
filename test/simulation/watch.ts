/**
 * The invariants that hold at every moment, watched at each write of the hub: what it deletes it was to delete,
 * by a committed effect; and it writes over nothing that is not its own.
 */

import type { TransactWriteItem } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { Action } from '../../lib/hook/ledger.ts'
import type { Item } from './dynamodb/expressions.ts'
import { bare } from './s3/conditions.ts'
import type { World } from './world.ts'

const HUB_FOLDER = '.checkpoint-hub/'
const DELETING: readonly Action['kind'][] = ['evict', 'retire']

interface WriteInput {
  Key?: string
  IfMatch?: string
  IfNoneMatch?: string
  VersionId?: string
}

export class Watch {
  readonly violations: string[] = []
  readonly #world: World
  /** Every deletion that was ever committed, as key and ETag; a directory's by its marker. */
  readonly #committed = new Set<string>()
  readonly #directories = new Set<string>()
  readonly #effects = new Set<string>()

  constructor(world: World) {
    this.#world = world
  }

  violated(what: string): void {
    this.#world.tell(`VIOLATION ${what}`)
    this.violations.push(what)
  }

  afterCommit(input: object): void {
    const { TransactItems = [] } = input as { TransactItems?: TransactWriteItem[] }
    for (const { Put } of TransactItems) {
      const entry = Put?.Item?.['entry']?.S ?? ''
      if (Put?.Item === undefined || !entry.startsWith('effect#')) continue
      const { action } = unmarshall(Put.Item) as { action: Action }
      const isFresh = !this.#effects.has(entry)
      this.#effects.add(entry)
      if (isFresh && action.kind === 'retire') this.#afterDecision(action.key)
      if (!DELETING.includes(action.kind) || !('etag' in action)) continue
      this.#committed.add(`${action.key} ${action.etag}`)
      if ('marker' in action && action.marker !== undefined) {
        this.#directories.add(action.key)
        this.#committed.add(`${action.key}${action.marker} ${action.etag}`)
      }
    }
  }

  beforeWrite(operation: string, input: object): void {
    const write = input as WriteInput
    if (operation === 'DeleteObject') this.#beforeDelete(write)
    if (operation === 'PutObject' || operation === 'CopyObject') this.#beforePut(write)
    if (operation === 'CompleteMultipartUpload') this.#beforePut(write)
  }

  /** Invariants 1, 3 and 4. */
  #beforeDelete({ Key: key = '', IfMatch, VersionId }: WriteInput): void {
    if (VersionId !== undefined) this.violated(`a version of ${key} is deleted for good (3)`)
    if (IfMatch === undefined || IfMatch === '*') {
      this.violated(`${key} is deleted without an ETag (3)`)
      return
    }
    if (key.startsWith(`${HUB_FOLDER}staging/`)) return
    const isDirectorys = [...this.#directories].some((directory) => key.startsWith(directory))
    if (!isDirectorys && !this.#committed.has(`${key} ${bare(IfMatch)}`)) {
      this.violated(`${key} is deleted before that was committed (1, 4)`)
    }
    this.#beforeStandingDelete(key, bare(IfMatch))
  }

  /** Invariants 1, 2 and 13, where it is no stale worker that deletes, whose delete is undone. */
  #beforeStandingDelete(key: string, etag: string): void {
    const { dynamodb, s3, schedule } = this.#world
    if (s3.versions.current(key)?.object.etag !== etag) return
    const entries = [...dynamodb.partition(schedule.run)]
    const stands = entries.some(([entry, item]) => {
      if (!entry.startsWith('effect#')) return false
      const { action } = unmarshall(item) as { action: Action }
      return DELETING.includes(action.kind) && 'etag' in action && action.etag === etag
    })
    if (!stands) return
    const uri = `s3://${s3.bucketName}/${key}`
    for (const [entry, item] of entries) {
      if (entry === 'runtime_info') {
        const answers = Object.entries(item).filter(([name]) => /^(best|last)_ckpt/.test(name))
        if (answers.some(([, value]) => value.S === uri)) {
          this.violated(`${key} is deleted while it is the answer (2, 13)`)
        }
      }
      if (!entry.startsWith('best#') || item['source']?.S !== uri) continue
      const source = s3.versions.find(key, item['source_version_id']?.S ?? '')
      if (source?.object?.etag === etag && item['state']?.S === 'being made') {
        this.violated(`${key} is deleted before the copy of it is committed (1)`)
      }
    }
  }

  /**
   * The best copy of a metric is let go once its successor is committed, or another that is there by then. Where the
   * metric has no best at all it goes at once; what becomes the best after that decision finds it gone.
   */
  #afterDecision(key: string): void {
    const { dynamodb, s3, schedule } = this.#world
    // A deletion that came late took it already: nothing is let go of.
    if (s3.versions.current(key) === undefined) return
    const entries: [string, Item][] = [...dynamodb.partition(schedule.run)]
    const metric = entries.find(([entry]) => entry === `artifact#${key}`)?.[1]['of_metric']?.S
    const isBestCopy = /\/best_[^/]*$/.test(key) && !/-[0-9a-f]{8}\./.test(key)
    if (!isBestCopy || metric === undefined) return
    const best = entries.find(([entry]) => entry === `best#${metric}`)?.[1]
    const isThereAnother = entries.some(
      ([entry, item]) =>
        entry.startsWith('artifact#') &&
        item['kind']?.S === 'best' &&
        item['of_metric']?.S === metric &&
        item['state']?.S === 'current',
    )
    if (best?.['state']?.S === 'being made' && !isThereAnother) {
      this.violated(`${key} is let go before its successor is committed (1, 2)`)
    }
  }

  /** A foreign object is not overwritten; what the trainer uploaded only on its ETag. */
  #beforePut({ Key: key = '', IfMatch, IfNoneMatch }: WriteInput): void {
    if (key.startsWith(HUB_FOLDER) || key.endsWith('/last_checkpoint')) return
    if (IfMatch === undefined && IfNoneMatch === undefined) {
      this.violated(`${key} is written without a condition (3)`)
    }
  }
}
