import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type Stream, terminalOn } from '../../../cli/output/terminal.ts'
import { sparkOf, viewOf } from '../../../cli/watch/view.ts'

const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100 }) as unknown as Stream
const terminal = terminalOn(stream, stream, { isJson: false })

test.each([
  [[1, 2, 3, 4, 5, 6, 7, 8], '▁▂▃▄▅▆▇█'],
  [[1, 1, 1], '▁▁▁'],
  [[0, 'NaN', 10, null], '▁ █ '],
  [[], ''],
])('the values %j are drawn as %j', (values, spark) => {
  expect(sparkOf(values)).toBe(spark)
})

test('only the newest values are drawn', () => {
  expect(sparkOf(Array.from({ length: 100 }, (_, at) => at))).toHaveLength(30)
})

test('a run that is not there yet is waited for, and names are made printable', () => {
  const watched = { look: undefined, lines: ['a\u001b[2J'], heardSeconds: 0, trouble: '' }
  const view = viewOf(terminal, 'exp/\u001b[31m\u202e', watched)
  expect(view).toContain('exp/\\u001b[31m\\u202e')
  expect(view).toContain('waiting for its first upload')
  expect(view).toContain('a\\u001b[2J')
  expect(view).toContain('1970-01-01 00:00:00Z')
})

test('that there is no answer is said above what was known', () => {
  const watched = {
    look: undefined,
    lines: [],
    heardSeconds: 0,
    trouble: 'no answer: trying again',
  }
  expect(viewOf(terminal, 'a', watched)).toContain('no answer: trying again')
})
