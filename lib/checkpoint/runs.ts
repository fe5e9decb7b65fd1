/**
 * Entries that followed each other in the file that the trainer wrote, and go on doing so.
 */
import type { EntryOrigin } from './zip/origin.ts'
import type { ZipEntry } from './zip/zip-entry.ts'

/** An entry to be copied, and where it stood before any rewrite. */
export interface CopiedEntry extends ZipEntry {
  readonly origin: EntryOrigin
}

/** Neighbours, in their order. */
export interface Run {
  readonly origin: { readonly offset: number; lengthBytes: number }
  readonly entries: CopiedEntry[]
}

/** The runs of the entries, in the order of the file that was not rewritten yet. */
export function runsOf(copied: readonly ZipEntry[]): Run[] {
  const runs: Run[] = []
  for (const entry of copied.map(withOrigin).toSorted(byOrigin)) {
    const { offset, lengthBytes } = entry.origin
    const last = runs.at(-1)
    if (last !== undefined && last.origin.offset + last.origin.lengthBytes === offset) {
      last.origin.lengthBytes += lengthBytes
      last.entries.push(entry)
    } else runs.push({ origin: { offset, lengthBytes }, entries: [entry] })
  }
  return runs
}

function withOrigin(entry: ZipEntry): CopiedEntry {
  const lengthBytes = entry.endOffset - entry.headerOffset
  return { ...entry, origin: { offset: entry.origin?.offset ?? entry.headerOffset, lengthBytes } }
}

function byOrigin(a: CopiedEntry, b: CopiedEntry): number {
  return a.origin.offset - b.origin.offset || a.headerOffset - b.headerOffset
}
