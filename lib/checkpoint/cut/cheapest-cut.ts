/**
 * The cheapest cut, where a byte that is sent costs 1 and a part costs a price.
 *
 * Between two ranges that are copied next to each other, all is sent: what lies between them, and where that
 * is shorter than a part, bytes from the end of the first and the start of the second. So a joint costs the
 * same however the bytes are taken; what is left to choose is which ranges are copied, and from which byte
 * on. Taking from the first range as much as it can spare leaves most of the second, which nothing later
 * can be worse for. Where a range that could be copied is sent, a part is full without taking anything:
 * hence a start that is not the range's own depends on the range just before it alone.
 */
import type { PartRules } from '../parts.ts'
import {
  type Cost,
  type Cut,
  leastOf,
  partsFor,
  type SourceRange,
  type Stretch,
} from './stretch.ts'

/** A range that is copied from `from` on, with the cost of all that comes before. */
interface Start extends Cost {
  readonly range: SourceRange
  readonly from: number
  readonly before?: { readonly start: Start; readonly to: number }
}

/**
 * Chooses what is copied so that bytes sent, and the price of each part, are least; among equals, the parts.
 *
 * @param ranges in the order of the output; where one is longer than a part may be, its parts can be one
 *   more than the least
 * @param price of a part, in bytes
 */
export function cheapestCut(
  ranges: readonly SourceRange[],
  sizeBytes: number,
  rules: PartRules,
  price: number,
): Cut {
  const origin: Start = { range: { start: 0, end: 0, offset: 0 }, from: 0, bytes: 0, parts: 0 }
  const compare = (a: Cost, b: Cost) =>
    a.bytes - b.bytes + price * (a.parts - b.parts) || a.parts - b.parts
  const earlier = new EarlierStarts(rules, compare)
  let cheapest = { bytes: sizeBytes, parts: partsFor(sizeBytes, rules), start: origin }
  let neighbours = [origin]
  for (const range of ranges) {
    const spare = range.end - range.start - leastOf(range, sizeBytes, rules)
    if (spare < 0) continue
    const starts = [...earlier.all, ...neighbours].map((start) => join(start, range, rules))
    const [own] = neighbours
    if (own !== undefined)
      earlier.add(neighbours.reduce((a, b) => (compare(b, a) < 0 ? b : a), own))
    neighbours = undominated(
      starts.filter(({ from }) => from - range.start <= spare),
      compare,
    )
    for (const start of neighbours) {
      const sent = sizeBytes - range.end
      const parts = partsFor(range.end - start.from, rules) + partsFor(sent, rules)
      const whole = { bytes: start.bytes + sent, parts: start.parts + parts, start }
      if (compare(whole, cheapest) < 0) cheapest = whole
    }
  }
  return stretchesTo(cheapest.start)
}

/** The range's start after another range, which gives what it can spare to the part between them. */
function join(start: Start, range: SourceRange, rules: PartRules): Start {
  const between = range.start - start.range.end
  const sent = between === 0 ? 0 : Math.max(between, rules.minPartBytes)
  const lacking = sent - between
  const canSpare = Math.max(0, start.range.end - start.from - rules.minPartBytes)
  const to = start.range.end - Math.min(lacking, canSpare)
  return {
    range,
    from: to + sent,
    bytes: start.bytes + sent,
    parts: start.parts + partsFor(to - start.from, rules) + partsFor(sent, rules),
    before: { start, to },
  }
}

/** Those than which none both begins as early and costs as little. */
function undominated(starts: Start[], compare: (a: Cost, b: Cost) => number): Start[] {
  const kept: Start[] = []
  for (const start of starts.toSorted((a, b) => a.from - b.from || compare(a, b))) {
    const last = kept.at(-1)
    if (last === undefined || compare(start, last) < 0) kept.push(start)
  }
  return kept
}

/** The starts from which everything up to a later range may be sent; few, since most are no better than another. */
class EarlierStarts {
  all: Start[] = []
  readonly #rules: PartRules
  readonly #compare: (a: Cost, b: Cost) => number

  constructor(rules: PartRules, compare: (a: Cost, b: Cost) => number) {
    this.#rules = rules
    this.#compare = compare
  }

  add(start: Start): void {
    const own = this.#sendingOn(start)
    // The older one sends all that lies between its end and this one's, in parts that may all be begun anew.
    const isNeedless = this.all.some((older) => {
      const all = this.#sendingOn(older)
      const more = partsFor(start.range.end - older.range.end, this.#rules)
      return this.#compare({ bytes: all.bytes, parts: all.parts + more }, own) <= 0
    })
    if (isNeedless) return
    this.all = this.all.filter((older) => this.#compare(this.#sendingOn(older), own) < 0)
    this.all.push(start)
  }

  /** Cost up to the range's end, as if sending had begun at the output's start: what comparing needs. */
  #sendingOn({ bytes, parts, range, from }: Start): Cost {
    return { bytes: bytes - range.end, parts: parts + partsFor(range.end - from, this.#rules) }
  }
}

function stretchesTo(last: Start): Stretch[] {
  const stretches: Stretch[] = []
  let to = last.range.end
  for (let start = last; start.before !== undefined; start = start.before.start) {
    stretches.push({ range: start.range, from: start.from, to })
    to = start.before.to
  }
  return stretches.reverse()
}
