/** What publishing one checkpoint cost, by one engine. */
import * as z from 'zod'

/** As each engine prints it, in a process of its own. */
export const figuresSchema = z.object({
  seconds: z.number(),
  /** Of these, those in which the processor had all that it needed: it read, dropped, hashed and wrote. */
  processorSeconds: z.number(),
  /** Where the seconds went, by what was under way; what is under way together counts for each. */
  spent: z.record(z.string(), z.number()),
  /** The most memory that the process had, with all that it runs on, in bytes. */
  peakBytes: z.number(),
  /** Bodies of answers, without what was read to be hashed; and of requests. */
  readBytes: z.number(),
  sentBytes: z.number(),
  /** Bytes that were read only to be hashed, where the store computes no SHA-256. */
  hashedBytes: z.number(),
  /** Bytes that S3 copied as ranges, and how many such copies there were. */
  partCopiedBytes: z.number(),
  partCopies: z.number(),
  /** By the name of the operation. */
  requests: z.record(z.string(), z.number()),
})

export type Figures = z.infer<typeof figuresSchema>

/** Of US regions, in dollars: S3 PUT, COPY, POST and LIST; GET and all others. */
const PRICES = { write: 0.005 / 1000, read: 0.0004 / 1000 }
const FREE = new Set(['AbortMultipartUpload', 'DeleteObject'])
const READS = new Set(['GetObject', 'HeadObject'])

/** The price of the requests on AWS, in dollars. */
export function requestDollars({ requests }: Figures): number {
  return Object.entries(requests).reduce((sum, [name, count]) => {
    if (FREE.has(name)) return sum
    return sum + count * (READS.has(name) ? PRICES.read : PRICES.write)
  }, 0)
}

export function requestCount({ requests }: Figures): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0)
}
