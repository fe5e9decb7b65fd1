/** When the bucket lets go of what was evicted. */

const DAY_SECONDS = 24 * 60 * 60

/**
 * The time from which S3 expires a version that was evicted: so many days later, rounded up to the next
 * midnight of UTC (S3 user guide, lifecycle rules by an object's age). Until then it can be had back.
 *
 * @param evictedSeconds in seconds since 1970
 * @param noncurrentDays for how many days the bucket keeps noncurrent versions
 * @returns seconds since 1970
 */
export function expirySeconds(evictedSeconds: number, noncurrentDays: number): number {
  return Math.ceil(evictedSeconds / DAY_SECONDS + noncurrentDays) * DAY_SECONDS
}
