/** A process of a crew: runs the parts that it is sent, until nobody is there to send one. */
import { runPart } from './campaign.ts'
import type { Order } from './crew.ts'

process.on('message', async ({ seed, from, to }: Order) => {
  const part = await runPart(seed, from, to)
  // As text: a tally says itself how it is written.
  process.send?.(JSON.parse(JSON.stringify(part)))
})
