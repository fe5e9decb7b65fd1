/** Counts what a client of S3 sends and gets. */
import type { S3Client } from '@aws-sdk/client-s3'

/** So far. */
export interface Count {
  bytes: number
  requests: Record<string, number>
  partCopiedBytes: number
  partCopies: number
}

/** Counts from now on. */
export function counted(s3: S3Client): Count {
  const count: Count = { bytes: 0, requests: {}, partCopiedBytes: 0, partCopies: 0 }
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const name = (context['commandName'] ?? '').replace(/Command$/, '')
      count.requests[name] = (count.requests[name] ?? 0) + 1
      count.bytes += lengthIn(args.request)
      if (name === 'UploadPartCopy') {
        count.partCopies += 1
        count.partCopiedBytes += rangeBytes(args.input)
      }
      const answer = await next(args)
      count.bytes += name === 'HeadObject' ? 0 : lengthIn(answer.response)
      return answer
    },
    { step: 'finalizeRequest', priority: 'low', name: 'count' },
  )
  return count
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
