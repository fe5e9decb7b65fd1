/** What every command is given: where to print, and when to stop. */
import type { Terminal } from './output/terminal.ts'

export interface Shell {
  terminal(options: { readonly json?: true }): Terminal
  /** Aborted by Ctrl-C, with the failure to end with. */
  readonly signal: AbortSignal
}
