/** Counts what a client of S3 sends and gets. */
import { EventEmitter } from 'node:events'
import type { S3Client } from '@aws-sdk/client-s3'

/** So far. */
export interface Count {
  readBytes: number
  sentBytes: number
  requests: Record<string, number>
  partCopiedBytes: number
  partCopies: number
  /** In how many seconds requests of a kind were under way. */
  spent(): Record<string, number>
}

const KINDS: Record<string, string> = {
  UploadPartCopy: 'copies of parts',
  CopyObject: 'copy of the whole',
  GetObject: 'reads',
  UploadPart: 'parts sent',
}

/** Counts from now on. */
export function counted(s3: S3Client): Count {
  const clock = clockOfKinds()
  const count: Count = {
    readBytes: 0,
    sentBytes: 0,
    requests: {},
    partCopiedBytes: 0,
    partCopies: 0,
    spent: clock.spent,
  }
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const name = (context['commandName'] ?? '').replace(/Command$/, '')
      count.requests[name] = (count.requests[name] ?? 0) + 1
      count.sentBytes += lengthIn(args.request)
      if (name === 'UploadPartCopy') {
        count.partCopies += 1
        count.partCopiedBytes += rangeBytes(args.input)
      }
      const stop = clock.start(KINDS[name] ?? 'other requests')
      const answer = await next(args).catch((error) => {
        stop()
        throw error
      })
      const body = name === 'GetObject' ? bodyOf(answer.response) : undefined
      if (body === undefined) stop()
      else body.once('close', stop)
      count.readBytes += name === 'HeadObject' ? 0 : lengthIn(answer.response)
      return answer
    },
    { step: 'finalizeRequest', priority: 'low', name: 'count' },
  )
  return count
}

/** Tells in how many seconds at least one of a kind was under way. */
function clockOfKinds() {
  const kinds = new Map<string, { underWay: number; since: number; total: number }>()
  return {
    start: (name: string) => {
      const kind = kinds.get(name) ?? { underWay: 0, since: 0, total: 0 }
      kinds.set(name, kind)
      if (kind.underWay === 0) kind.since = performance.now()
      kind.underWay += 1
      return () => {
        kind.underWay -= 1
        if (kind.underWay === 0) kind.total += performance.now() - kind.since
      }
    },
    spent: () =>
      Object.fromEntries([...kinds].map(([name, { total }]) => [name, total / 1000] as const)),
  }
}

function bodyOf(response: unknown): EventEmitter | undefined {
  if (typeof response !== 'object' || response === null || !('body' in response)) return undefined
  return response.body instanceof EventEmitter ? response.body : undefined
}

function rangeBytes(input: object): number {
  const range = 'CopySourceRange' in input ? String(input.CopySourceRange) : ''
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
  return first === undefined ? 0 : Number(last) - Number(first) + 1
}

function lengthIn(message: unknown): number {
  if (typeof message !== 'object' || message === null || !('headers' in message)) return 0
  const headers = message.headers as Record<string, string | undefined>
  return Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? 0)
}
