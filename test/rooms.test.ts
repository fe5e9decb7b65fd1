/** What the arrows between the rooms cannot show: the pure rooms ask neither the clock nor chance. */
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'

const ROOMS = ['lib/hook', 'lib/checkpoint']
const ASKS =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\b|\brandom(UUID|Bytes|Int)\b|\bprocess\.|\bset(Timeout|Interval|Immediate)\b|\bfetch\(/

describe.each(ROOMS)('%s', (room) => {
  it('reads no clock, draws no random number, and waits for nothing', async () => {
    const folder = new URL(`../${room}/`, import.meta.url)
    const files = await readdir(folder, { recursive: true })
    const sources = files.filter((file) => file.endsWith('.ts'))
    expect(sources.length).toBeGreaterThan(5)
    for (const file of sources) {
      const lines = (await readFile(new URL(file, folder), 'utf8')).split('\n')
      expect(
        lines.filter((line) => ASKS.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line)),
        file,
      ).toEqual([])
    }
  })
})
