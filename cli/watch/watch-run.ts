/** `ckpt watch`: follows a run, on a terminal by a view that is drawn again, elsewhere a line for each change. */
import type { Run } from '../../lib/hook/names.ts'
import type { Terminal } from '../output/terminal.ts'
import { isoTime, readableTime } from '../output/times.ts'
import { runNamed } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import { type Change, changesBetween, type Look, stateOf } from './changes.ts'
import { wordsOf } from './lines.ts'
import { looksAt } from './looks.ts'
import { MOST_LINES, viewOf } from './view.ts'

export interface WatchOptions {
  /** Between two looks. */
  readonly intervalMs: number
  /** When to end by itself. */
  readonly until: 'ended' | 'interrupted'
}

/**
 * Follows a run until it is interrupted, or until its training has ended and all is done.
 *
 * @throws {Failure} `interrupted` where it was to wait for the end
 */
export async function watchRun(
  stack: Stack,
  terminal: Terminal,
  signal: AbortSignal,
  text: string,
  { intervalMs, until }: WatchOptions,
): Promise<void> {
  const run = runNamed(stack, text)
  const telling = tellingOn(terminal, run)
  let look: Look | undefined
  let isToldUnknown = false
  let trouble = ''
  try {
    for await (const seen of looksAt(stack, run, intervalMs, signal)) {
      const before: Look | undefined = look
      if (seen.kind === 'look') look = seen.look
      const changes = look === before || look === undefined ? [] : changesTo(look, before)
      if (seen.kind === 'unknown' && !isToldUnknown) {
        isToldUnknown = true
        telling.note(
          `the hub knows no run ${JSON.stringify(run)} yet: waiting for its first upload`,
        )
      }
      const now = seen.kind === 'failed' ? `${seen.failure.message}: trying again` : ''
      if (now !== '' && now !== trouble) telling.note(now)
      trouble = now
      telling.tell(look, changes, trouble)
      if (look?.isEnded && until === 'ended') return
    }
  } finally {
    telling.end()
  }
  if (until === 'ended') throw signal.reason
}

function changesTo(look: Look, before: Look | undefined): Change[] {
  if (before !== undefined) return changesBetween(before, look)
  return [stateOf(look), ...(look.isEnded ? [{ change: 'ended' } as const] : [])]
}

interface Telling {
  tell(look: Look | undefined, changes: readonly Change[], trouble: string): void
  note(text: string): void
  end(): void
}

function tellingOn(terminal: Terminal, run: Run): Telling {
  const view = terminal.view()
  if (view === undefined) {
    return {
      tell: (_, changes) => {
        const now = nowSeconds()
        for (const change of changes) {
          terminal.line({ time: isoTime(now), run, ...change }, () => [
            isoTime(now),
            change.change,
            wordsOf(change),
          ])
        }
      },
      note: terminal.note,
      end: () => {},
    }
  }
  const lines: string[] = []
  let heardSeconds = nowSeconds()
  return {
    tell: (look, changes, trouble) => {
      const now = nowSeconds()
      if (trouble === '') heardSeconds = now
      // What there was to begin with is in the view.
      for (const change of changes.filter((each) => each.change !== 'state')) {
        lines.push(`${readableTime(now)}  ${change.change.padEnd(10)}  ${wordsOf(change)}`)
      }
      lines.splice(0, lines.length - MOST_LINES)
      view.draw(viewOf(terminal, run, { look, lines, heardSeconds, trouble }))
    },
    // The view says it.
    note: () => {},
    end: view.end,
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
