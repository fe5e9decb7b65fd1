import { describe } from 'vitest'
import { describeFaults } from './crash-story.ts'
import { checkpoint } from './worker.ts'

const metrics = (epoch: number, acc: number) => JSON.stringify({ epoch, metrics: { acc } })

describe('a story with late facts', () => {
  describeFaults(
    [
      { 'checkpoint_hook.json': '{"interval": 2, "max_keep_ckpts": 2, "save_best": "acc"}' },
      { 'epoch_2.pth': checkpoint('two') },
      // Outside the series, so that the next one evicts it.
      { 'epoch_3.pth': checkpoint('three') },
      { 'epoch_4.pth': checkpoint('four') },
      // It set a record, and comes back.
      { 'metrics/3.json': metrics(3, 0.3) },
      // The same name with other bytes.
      { 'epoch_4.pth': checkpoint('four, once more'), 'metrics/4.json': metrics(4, 0.4) },
    ],
    ['refused', 'death'],
  )
})
