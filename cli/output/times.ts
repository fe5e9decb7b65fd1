/** A time for people, to the second: `2026-03-01 12:00:05Z`. */
export function readableTime(seconds: number): string {
  return isoTime(seconds).replace('T', ' ')
}

/** A time for programs: `2026-03-01T12:00:05Z`. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}
