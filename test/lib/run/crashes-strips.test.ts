import { describe } from 'vitest'
import { describeFaults } from './crash-story.ts'
import { checkpoint } from './worker.ts'

const OPTIONS = { interval: 1, max_keep_ckpts: 2, save_optimizer: false }

describe('a story of checkpoints that are stripped', () => {
  describeFaults(
    [
      { 'checkpoint_hook.json': JSON.stringify(OPTIONS) },
      { 'epoch_1.pth': checkpoint('one') },
      // Strips the first one, and the next strips this one and evicts the first.
      { 'epoch_2.pth': checkpoint('two') },
      { 'epoch_3.pth': checkpoint('three') },
      // The trainer's own sync finds another size, and uploads it again.
      { 'epoch_2.pth': checkpoint('two') },
    ],
    ['refused', 'answer lost', 'death'],
  )
})
