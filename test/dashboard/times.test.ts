import { expect, test } from 'vitest'
import { ago, clockTime, fullTime } from '../../dashboard/times.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')

test.each([
  ['2026-03-01T11:59:30Z', 'just now'],
  ['2026-03-01T12:00:30Z', 'just now'],
  ['2026-03-01T11:58:59Z', '1 min ago'],
  ['2026-03-01T11:00:00Z', '1 h ago'],
  ['2026-02-28T12:00:00Z', 'a day ago'],
  ['2026-02-20T11:00:00Z', '9 days ago'],
])('%s was %s', (iso, text) => {
  expect(ago(iso, NOW)).toBe(text)
})

test('times have all their digits, in the order in which they sort', () => {
  expect(fullTime('2026-03-01T12:00:05Z')).toMatch(/^2026-0[23]-\d\d \d\d:\d\d:05$/)
  expect(clockTime(NOW)).toMatch(/^\d\d:\d\d:00$/)
})
