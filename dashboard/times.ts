/** Times as people read them, in the zone of this machine. */

const SECONDS = { minute: 60, hour: 3_600, day: 86_400 }

/** `12:03:04`, of a moment of today. */
export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}

/** `2026-03-01 12:00:05`, of an ISO time. */
export function fullTime(iso: string): string {
  return new Date(iso).toLocaleString('sv-SE')
}

/** `5 min ago`, of an ISO time. */
export function ago(iso: string, nowMs = Date.now()): string {
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000)
  if (seconds < SECONDS.minute) return 'just now'
  if (seconds < SECONDS.hour) return `${Math.floor(seconds / SECONDS.minute)} min ago`
  if (seconds < SECONDS.day) return `${Math.floor(seconds / SECONDS.hour)} h ago`
  const days = Math.floor(seconds / SECONDS.day)
  return days === 1 ? 'a day ago' : `${days} days ago`
}
