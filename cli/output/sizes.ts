const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A size for people, `97.8 MiB`; below 1 KiB it is exact. */
export function readableSize(sizeBytes: number): string {
  let amount = sizeBytes
  let unit = 0
  // 1,023.95 would round to 1,024.0 of its unit.
  while (amount >= 1023.95 && unit < UNITS.length - 1) {
    amount /= 1024
    unit += 1
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`
}
