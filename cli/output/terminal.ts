/**
 * What the commands print on: answers go to standard output, as text or JSON; what happens meanwhile and
 * what went wrong goes to standard error. Commands never write to either themselves.
 */
import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'
import type { Failure } from '../failure.ts'
import { printable } from './printable.ts'
import { type Progress, progressOn } from './progress.ts'

/** A place that text goes to, a terminal or a pipe. */
export type Stream = NodeJS.WriteStream

type Format = Parameters<typeof styleText>[0]

export interface Terminal {
  /** Whether answers are JSON. */
  readonly isJson: boolean
  /** Whether a person reads the answers; a pipe gets plain columns and sizes in bytes. */
  readonly isForPeople: boolean
  /** Colours a text, where the output takes colour and `NO_COLOR` is not set. */
  style(format: Format, text: string): string
  /**
   * Prints the command's one answer.
   *
   * @param json printed with `--json`; names in snake case, sizes in bytes
   * @param text printed otherwise; built only then
   */
  answer(json: object, text: () => string): void
  /**
   * Prints one of several answers, on a line of its own.
   *
   * @param json printed with `--json`, on one line
   * @param cells printed otherwise, with tabs between them
   */
  line(json: object, cells: () => readonly string[]): void
  /** A view that is drawn in place, where a person looks on; nothing elsewhere. */
  view(): View | undefined
  /** Prints a line beside the answer. */
  note(text: string): void
  fail(failure: Failure): void
  /** Shows how many of some bytes are moved, where a person looks on. */
  progress(title: string, totalBytes: number | undefined): Progress
}

/** Some lines of a terminal. */
export interface View {
  /** Draws them instead of those that were there. */
  draw(text: string): void
  /** Leaves what was drawn last. */
  end(): void
}

/** A terminal over two streams. */
export function terminalOn(out: Stream, err: Stream, { isJson }: { isJson: boolean }): Terminal {
  const on = (stream: Stream) => (format: Format, text: string) =>
    styleText(format, text, { stream })
  return {
    isJson,
    isForPeople: out.isTTY === true,
    style: on(out),
    answer: (json, text) => {
      out.write(isJson ? `${JSON.stringify(json, undefined, 2)}\n` : `${text()}\n`)
    },
    line: (json, cells) => {
      out.write(`${isJson ? JSON.stringify(json) : cells().map(printable).join('\t')}\n`)
    },
    view: () => (isJson || out.isTTY !== true ? undefined : viewOn(out)),
    note: (text) => {
      err.write(`${printable(text)}\n`)
    },
    fail: (failure) => {
      const { code, message, advice, exitCode } = failure
      if (isJson) {
        const error = { code, message, ...(advice !== '' && { advice }), exit_code: exitCode }
        err.write(`${JSON.stringify({ error }, undefined, 2)}\n`)
        return
      }
      err.write(`${on(err)(['red', 'bold'], 'error')} ${printable(message)}\n`)
      if (advice !== '') err.write(`${printable(advice)}\n`)
    },
    progress: (title, totalBytes) => progressOn(err, title, totalBytes),
  }
}

function viewOn(stream: Stream): View {
  const show = createLogUpdate(stream)
  return { draw: show, end: show.done }
}
