import type { Terminal } from '../../cli/output/terminal.ts'

/** A terminal that nobody reads. */
export function quiet(): Terminal {
  return {
    isJson: true,
    isForPeople: false,
    style: (_: unknown, text: string) => text,
    answer: () => {},
    line: () => {},
    view: () => undefined,
    note: () => {},
    fail: () => {},
    progress: () => ({ advance: () => {}, end: () => {} }),
  }
}
