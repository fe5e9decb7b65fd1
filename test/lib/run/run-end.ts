/** How a run ends, so that two ends can be compared. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { bareEtag } from '../../../lib/bucket/bucket.ts'
import type { Worker } from '../../../lib/run/worker.ts'
import { textAt } from '../bucket/objects.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import { RUN } from './worker.ts'

/** How a run ends. */
export interface End {
  /** ETags of the live objects, by name. */
  objects: Record<string, string>
  /** Everything that the hub says. */
  hub: Record<string, unknown>
  /** How much is left to do. */
  effects: number
}

/** The live objects and the hub of a run; versions, times and numbers of effects apart. */
export async function endOf(worker: Worker): Promise<End> {
  const { s3, name: Bucket } = worker.bucket
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
  const nameOf = (key: string) => (key.startsWith(`${RUN}/`) ? key.slice(RUN.length + 1) : key)
  const objects = Object.fromEntries(
    Contents.map(({ Key = '', ETag = '' }) => [nameOf(Key), bareEtag(ETag)]),
  )
  // It names the bucket, and every telling has its own.
  const last = (await textAt(worker.bucket, `${RUN}/last_checkpoint`)) ?? 'nothing'
  objects['last_checkpoint'] = anonymous(last, worker)
  const items = await itemsOf(worker.hub, RUN)
  const hub = [...items].map(([entry, item]) => [anonymous(entry, worker), shown(item, worker)])
  const effects = [...items.keys()].filter((entry) => entry.startsWith('effect#')).length
  return { objects, hub: Object.fromEntries(hub), effects }
}

const APART = new Set([
  'run',
  'entry',
  'version',
  'commit',
  'recent_commits',
  'next_effect',
  'version_id',
  'version_ids',
  'source_version_id',
  'seconds',
  'first_upload',
  'last_upload',
])

function shown(value: unknown, worker: Worker): unknown {
  if (typeof value === 'string') return anonymous(value, worker)
  if (Array.isArray(value)) return value.map((each) => shown(each, worker))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) =>
      APART.has(name) ? [] : [[anonymous(name, worker), shown(each, worker)]],
    ),
  )
}

function anonymous(text: string, worker: Worker): string {
  return text
    .replaceAll(worker.bucket.name, 'BUCKET')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'VERSION')
}
