import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'
import { printable } from './printable.ts'
import { readableSize } from './sizes.ts'
import type { Stream } from './terminal.ts'

/** Bytes on their way. */
export interface Progress {
  advance(bytes: number): void
  /** Takes the line away; the answer follows. Calling it again does nothing. */
  end(): void
}

const BAR_WIDTH = 24
/** Faster than the eye is only work. */
const REDRAW_MS = 80
/** The first moments say nothing about the speed. */
const SPEED_AFTER_MS = 500

/** A bar on a terminal, or a count where the total is not known; nothing on a pipe, where it would be noise in a log. */
export function progressOn(
  stream: Stream,
  title: string,
  totalBytes: number | undefined,
): Progress {
  if (stream.isTTY !== true) return { advance: () => {}, end: () => {} }
  const show = createLogUpdate(stream)
  const began = performance.now()
  let doneBytes = 0
  let drawn = Number.NEGATIVE_INFINITY
  const draw = (now: number) => {
    drawn = now
    const name = printable(title)
    show(
      totalBytes === undefined
        ? `${name}  ${amountOf(doneBytes, now - began)}`
        : barOf(stream, name, doneBytes, totalBytes, now - began),
    )
  }
  draw(began)
  return {
    advance: (bytes) => {
      doneBytes += bytes
      const now = performance.now()
      if (now - drawn >= REDRAW_MS) draw(now)
    },
    end: () => {
      show.clear()
      show.done()
    },
  }
}

function barOf(
  stream: Stream,
  title: string,
  doneBytes: number,
  totalBytes: number,
  elapsedMs: number,
): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes)
  const filled = Math.round(share * BAR_WIDTH)
  const style = (format: 'cyan' | 'dim', text: string) => styleText(format, text, { stream })
  const bar = style('cyan', '█'.repeat(filled)) + style('dim', '░'.repeat(BAR_WIDTH - filled))
  const amount = `${readableSize(doneBytes)} of ${readableSize(totalBytes)}`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  if (elapsedMs < SPEED_AFTER_MS || doneBytes === 0) return `${title} ${bar}${percent}  ${amount}`
  const perSecond = doneBytes / (elapsedMs / 1000)
  const left = Math.ceil((totalBytes - doneBytes) / perSecond)
  return `${title} ${bar}${percent}  ${amount}  ${readableSize(perSecond)}/s  ${durationOf(left)} left`
}

/** Where nobody knows how much there is. */
function amountOf(doneBytes: number, elapsedMs: number): string {
  if (elapsedMs < SPEED_AFTER_MS) return readableSize(doneBytes)
  return `${readableSize(doneBytes)}  ${readableSize(doneBytes / (elapsedMs / 1000))}/s`
}

function durationOf(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
