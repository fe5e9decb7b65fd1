import type { Run } from '../hook/names.ts'

/** An entry of the table is not as the hub writes it: somebody changed it by hand, or another release did. */
export class MessageHubError extends Error {
  override readonly name = 'MessageHubError'
  readonly code = 'message-hub'
  readonly run: Run
  readonly entry: string
  readonly field: string
  constructor(run: Run, entry: string, field: string, reason: string) {
    super(
      `run ${JSON.stringify(run)}, entry ${entry}, field ${field}: ${reason}. Restore the entry from the table's backup.`,
    )
    this.run = run
    this.entry = entry
    this.field = field
  }
}

/** Another worker changed the run in between; what was read has to be read again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
  readonly code = 'conflict'
  readonly run: Run
  constructor(run: Run) {
    super(`run ${JSON.stringify(run)} was changed by another worker; read it again and retry`)
    this.run = run
  }
}
