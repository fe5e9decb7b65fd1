/** Numbers as people read them. */

/** Six figures tell two scores apart, and are read at a glance; the whole is in the title. */
const FIGURES = 6

/** A score as the table has it, shortened: `96.8632`, `1e+300`, `NaN`. */
export function readableScore(score: string | number | null): string {
  if (score === null) return 'none'
  const value = Number(score)
  if (!Number.isFinite(value)) return String(score)
  const short = Number(value.toPrecision(FIGURES))
  return String(short)
}

/** A count with its thousands apart: `2,000`. */
export function readableCount(count: number): string {
  return count.toLocaleString('en')
}

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 3 })

/** A step beside an axis: `500`, `12.5K`. */
export function shortStep(step: number): string {
  return COMPACT.format(step)
}

/** `1 run`, `2 runs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${readableCount(count)} ${count === 1 ? one : many}`
}

/** A share of a whole, rounded down, so that only all of it is 100%. */
export function percentOf(part: number, whole: number): string {
  return whole === 0 ? '0%' : `${Math.floor((100 * part) / whole)}%`
}
