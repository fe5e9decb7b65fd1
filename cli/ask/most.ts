import { InvalidArgumentError } from 'commander'

/** Reads how many are to be shown at most. */
export function parseMost(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It has to be a whole number from 1.')
}
