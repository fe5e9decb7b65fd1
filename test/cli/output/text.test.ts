import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { printable } from '../../../cli/output/printable.ts'
import { readableSize } from '../../../cli/output/sizes.ts'
import { tableOf } from '../../../cli/output/table.ts'
import { type Stream, terminalOn } from '../../../cli/output/terminal.ts'

function terminal(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 }) as unknown as Stream
  return terminalOn(stream, stream, { isJson: false })
}

describe('a text from a file', () => {
  test.each([
    ['größe/模型/🙂', 'größe/模型/🙂'],
    ['a\tb\nc\r', 'a\\tb\\nc\\r'],
    ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['\u009b31m', '\\u009b31m'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\u0000', '\\u0000'],
  ])('%j is shown so that it moves and colours nothing', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })
})

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1024 ** 2 - 1, '1.0 MiB'],
  [10.5 * 1024 ** 3, '10.5 GiB'],
  [2 ** 60, '1024.0 PiB'],
])('%d bytes are %s to people', (sizeBytes, text) => {
  expect(readableSize(sizeBytes)).toBe(text)
})

describe('a table', () => {
  const rows = [
    ['a', 3, { sizeBytes: 2048 }],
    ['a longer name', 12, { sizeBytes: 1 }],
  ]

  test('has columns for people: texts to the left, numbers to the right, sizes rounded', () => {
    const lines = tableOf(terminal(true), ['name', 'n', 'size'], rows).split('\n')
    expect(lines.slice(1)).toEqual(['a               3  2.0 KiB', 'a longer name  12  1 bytes'])
  })

  test('is lines with tabs on a pipe, and names cannot add cells or lines', () => {
    const text = tableOf(terminal(false), ['name', 'n', 'size'], [...rows, ['x\ty\nz', 0, 0]])
    expect(text).toBe('name\tn\tsize\na\t3\t2048\na longer name\t12\t1\nx\\ty\\nz\t0\t0')
  })
})
