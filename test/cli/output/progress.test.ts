import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { progressOn } from '../../../cli/output/progress.ts'
import type { Stream } from '../../../cli/output/terminal.ts'

/** A stream that says of itself whether it is a terminal, and remembers what was written. */
function streamOf({ isTTY }: { isTTY: boolean }): { stream: Stream; text: () => string } {
  const through = new PassThrough()
  let text = ''
  through.on('data', (chunk) => {
    text += chunk
  })
  const stream = Object.assign(through, { isTTY, columns: 100, rows: 30 }) as unknown as Stream
  return { stream, text: () => text }
}

test('on a terminal a bar shows how far the bytes are, and is gone in the end', () => {
  const { stream, text } = streamOf({ isTTY: true })
  const progress = progressOn(stream, 'publishing', 2 ** 20)
  expect(text()).toContain('0%')
  expect(text()).toContain('0 bytes of 1.0 MiB')
  progress.advance(2 ** 20)
  progress.end()
  // What erases the line comes last.
  expect(text().lastIndexOf('\u001b[')).toBeGreaterThan(text().lastIndexOf('publishing'))
})

test('where the total is not known, what was moved is shown', () => {
  const { stream, text } = streamOf({ isTTY: true })
  progressOn(stream, 'publishing', undefined).end()
  expect(text()).toContain('publishing  0 bytes')
  expect(text()).not.toContain('%')
})

test('on a pipe nothing is shown', () => {
  const { stream, text } = streamOf({ isTTY: false })
  const progress = progressOn(stream, 'publishing', 10)
  progress.advance(10)
  progress.end()
  expect(text()).toBe('')
})
