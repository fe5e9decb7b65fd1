/** What a process remembers of the runs that it read or changed, so that their next event reads what is new. */
import type { Run } from '../hook/names.ts'
import type { LoadedRun } from './message-hub.ts'

/** A run of 10,000 steps has twice as many. With what is parsed of it an entry takes some 4 KB. */
const MOST_ENTRIES = 40_000

export class KnownRuns {
  /** The run that was used last comes last. */
  readonly #runs = new Map<Run, LoadedRun>()
  readonly #mostEntries: number
  #entries = 0

  /** @param mostEntries of all runs together; the one that was not used for longest is forgotten first */
  constructor(mostEntries = MOST_ENTRIES) {
    this.#mostEntries = mostEntries
  }

  /** The run as it was when it was read or changed last; it may have changed since. */
  get(run: Run): LoadedRun | undefined {
    return this.#runs.get(run)
  }

  /** Remembers a run instead of what was known of it. */
  keep(loaded: LoadedRun): void {
    const { run } = loaded.ledger
    this.forget(run)
    this.#runs.set(run, loaded)
    this.#entries += loaded.entries.size
    for (const oldest of this.#runs.keys()) {
      if (this.#entries <= this.#mostEntries) return
      this.forget(oldest)
    }
  }

  forget(run: Run): void {
    this.#entries -= this.#runs.get(run)?.entries.size ?? 0
    this.#runs.delete(run)
  }
}
