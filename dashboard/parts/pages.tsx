import { counted, readableCount } from '../numbers.ts'

/** Turns the pages of a list of which only a part is shown. */
export function Pages({
  first,
  shown,
  total,
  what,
  onTurn,
}: {
  /** Position of the first one that is shown, from 0. */
  first: number
  /** Entries in a page. */
  shown: number
  total: number
  /** One of them. */
  what: string
  onTurn: (first: number) => void
}) {
  if (total <= shown) return null
  const last = Math.min(total, first + shown)
  return (
    <nav class="pages" aria-label={`Pages of ${what}s`}>
      <button
        type="button"
        disabled={first === 0}
        onClick={() => onTurn(Math.max(0, first - shown))}
      >
        Back
      </button>
      <span>
        {readableCount(first + 1)} to {readableCount(last)} of {counted(total, what)}
      </span>
      <button type="button" disabled={last === total} onClick={() => onTurn(first + shown)}>
        On
      </button>
    </nav>
  )
}
