/**
 * What the counted bytes and requests would take and cost on AWS, by its documented rates, and with the seconds
 * that the processor took here while nothing moved. A model: nothing here was run there.
 */
import { type Figures, requestDollars } from './figures.ts'

/** A function's line: 625 Mbit/s (Lambda quotas), in bytes a second. */
const LINE = 625_000_000 / 8
/** A copy within S3 was seen to move 250 MB in 3 s (aws-sdk-js-v3 issue 2917), in bytes a second. */
const COPY = 250_000_000 / 3
/** Parts that the hub copies at once. */
const COPIES_AT_ONCE = 16
/** A GB-second of Lambda on arm, and a function's memory that this takes at least, in GB. */
const GIGABYTE_SECOND = 0.0000133334
const LEAST_GIGABYTES = 0.125
const MOST_GIGABYTES = 10

/** In seconds. Where S3 computes the hash, one copy of the whole file takes the place of reading it. */
export function modelledSeconds(figures: Figures): number {
  const { readBytes, sentBytes, hashedBytes, partCopiedBytes, partCopies, processorSeconds } =
    figures
  // The parts are copied twice: to be hashed, and under the name.
  const lanes = Math.max(1, Math.min(COPIES_AT_ONCE, partCopies / 2))
  const moving =
    (readBytes + sentBytes) / LINE + partCopiedBytes / (COPY * lanes) + hashedBytes / COPY
  return processorSeconds + moving
}

/** In dollars: requests, and a function with as much memory as the process had. */
export function modelledDollars(figures: Figures): number {
  const gigabytes = Math.max(LEAST_GIGABYTES, figures.peakBytes / 1024 ** 3)
  return requestDollars(figures) + modelledSeconds(figures) * gigabytes * GIGABYTE_SECOND
}

/** Whether a function could have the memory at all. */
export function fitsFunction({ peakBytes }: Figures): boolean {
  return peakBytes <= MOST_GIGABYTES * 1024 ** 3
}
