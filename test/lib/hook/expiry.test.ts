import { expect, test } from 'vitest'
import { expirySeconds } from '../../../lib/hook/expiry.ts'

/** When a version expires that was evicted at a time and is kept for so many days. */
function expires(evicted: string, noncurrentDays: number): string {
  const seconds = expirySeconds(Date.parse(evicted) / 1000, noncurrentDays)
  return new Date(seconds * 1000).toISOString()
}

test.each([
  ['2026-01-01T10:30:00Z', 1, '2026-01-03T00:00:00.000Z'],
  ['2026-01-01T10:30:00Z', 30, '2026-02-01T00:00:00.000Z'],
  ['2026-01-01T23:59:59Z', 1, '2026-01-03T00:00:00.000Z'],
  ['2026-01-01T00:00:01Z', 1, '2026-01-03T00:00:00.000Z'],
])(
  'what was evicted at %s and is kept for %d days expires at the next midnight',
  (evicted, noncurrentDays, midnight) => {
    expect(expires(evicted, noncurrentDays)).toBe(midnight)
  },
)

test('what was evicted at midnight expires at midnight', () => {
  expect(expires('2026-01-01T00:00:00Z', 7)).toBe('2026-01-08T00:00:00.000Z')
})
