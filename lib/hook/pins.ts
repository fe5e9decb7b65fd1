/**
 * Pins: which checkpoints somebody wants kept, whatever retention decides.
 *
 * A pin protects, and does nothing else: who is in the deque, what it has room for and what the brake holds
 * is decided as if nothing were pinned. So no pin makes another checkpoint go.
 */
import { compareMoments, type History, momentOf, type PinFact } from './history.ts'

/** Pins in force, by the name of the checkpoint: of all that was said of one, the newest counts. */
export function pinsOf({ pins }: Pick<History, 'pins'>): ReadonlyMap<string, PinFact> {
  const newest = new Map<string, PinFact>()
  const inOrder = pins
    .filter(({ fault }) => fault === undefined)
    .toSorted((a, b) => compareMoments(momentOf('pin', a), momentOf('pin', b)))
  for (const pin of inOrder) newest.set(pin.name, pin)
  return new Map([...newest].filter(([, { pinned }]) => pinned))
}

/** Who pinned a checkpoint and since when, in the words of a fate. */
export function pinnedText({ by, seconds }: PinFact): string {
  const who = by === undefined ? '' : ` by ${by}`
  return `pinned${who}, since ${new Date(seconds * 1000).toISOString().replace('.000', '')}`
}
