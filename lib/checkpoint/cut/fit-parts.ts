/**
 * A cut of at most so many parts. Where the one that sends least has more, parts get a price, which makes
 * small ranges be sent together with what lies between them.
 */
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import type { PartRules } from '../parts.ts'
import { cheapestCut } from './cheapest-cut.ts'
import { type Cost, type Cut, costOf, partsFor, type SourceRange, type Stretch } from './stretch.ts'

/** Each round finds a better cut of the hull, or ends; a bound against rounding alone. */
const MAX_ROUNDS = 100
/** Costs that differ by less are the same: they are sums of whole bytes and a fraction for each part. */
const ROUNDING_BYTES = 1e-3

interface Priced extends Cost {
  readonly cut: Cut
}

/**
 * The cut that sends the fewest bytes. Where that has too many parts: one than which none of as many or
 * fewer parts sends less.
 *
 * @throws {CheckpointFormatError} `too-large` where the output has more bytes than the parts can hold
 */
export function cutOfFewestBytes(
  ranges: readonly SourceRange[],
  sizeBytes: number,
  rules: PartRules,
): Cut {
  const priced = (price: number): Priced => {
    const cut = cheapestCut(ranges, sizeBytes, rules, price)
    return { cut, ...must(costOf(cut, sizeBytes, rules)) }
  }
  let many = priced(0)
  if (many.parts <= rules.maxParts) return many.cut
  let few: Priced = { cut: [], bytes: sizeBytes, parts: partsFor(sizeBytes, rules) }
  if (few.parts > rules.maxParts) throw tooLarge(sizeBytes, rules)
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const price = (few.bytes - many.bytes) / (many.parts - few.parts)
    const found = priced(price)
    if (at(price, found) > at(price, few) - ROUNDING_BYTES) return between(few, many, price, rules)
    if (found.parts <= rules.maxParts) few = found
    else many = found
  }
  return few.cut

  /** Both cost the same at the price. So does one cut up to some byte and the other from there, mostly. */
  function between(few: Priced, many: Priced, price: number, rules: PartRules): Cut {
    const places = [...few.cut, ...many.cut].flatMap(({ from, to }) => [from, to])
    const sorted = [...new Set(places)].sort((a, b) => a - b)
    let best = few.cut
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const mixed = mix(few.cut, many.cut, sorted[middle] ?? 0)
      const cost = costOf(mixed, sizeBytes, rules)
      const isAsGood = cost !== undefined && at(price, cost) < at(price, few) + ROUNDING_BYTES
      if (isAsGood && cost.parts <= rules.maxParts) {
        best = mixed
        high = middle
      } else low = middle + 1
    }
    return best
  }
}

function at(price: number, { bytes, parts }: Cost): number {
  return bytes + price * parts
}

/** One cut up to a byte of the output, another from there on. */
function mix(first: Cut, then: Cut, place: number): Cut {
  const mixed: Stretch[] = first
    .filter(({ from }) => from < place)
    .map((stretch) => ({ ...stretch, to: Math.min(stretch.to, place) }))
  for (const stretch of then) {
    if (stretch.to <= place) continue
    const from = Math.max(stretch.from, place)
    const last = mixed.at(-1)
    if (last?.range === stretch.range && last.to === from) {
      mixed[mixed.length - 1] = { ...stretch, from: last.from }
    } else mixed.push({ ...stretch, from })
  }
  return mixed
}

function must(cost: Cost | undefined): Cost {
  if (cost === undefined) throw new Error('a cheapest cut has a part that is too short')
  return cost
}

function tooLarge(sizeBytes: number, rules: PartRules): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'too-large',
    field: 'size of the rewritten file',
    expected: `at most ${rules.maxParts} parts of ${rules.maxPartBytes} bytes`,
    found: `${sizeBytes} bytes`,
    meaning: 'It is larger than an object can be. Keep fewer keys.',
  })
}
