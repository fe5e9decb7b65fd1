import { describe } from 'vitest'
import { describeFaults } from './crash-story.ts'
import { checkpoint } from './worker.ts'

const metrics = (epoch: number, acc: number) => JSON.stringify({ epoch, metrics: { acc } })

describe('a story in order', () => {
  describeFaults(
    [
      {
        'checkpoint_hook.json':
          '{"max_keep_ckpts": 1, "save_best": "acc", "published_keys": ["state_dict"], "out_dir": "out"}',
        'epoch_1.pth': checkpoint('one'),
        'metrics/1.json': metrics(1, 0.1),
      },
      // The best copy is replaced, and the first checkpoint is evicted.
      { 'epoch_2.pth': checkpoint('two'), 'metrics/2.json': metrics(2, 0.2) },
      { 'after_train.json': '{"last": "epoch_2.pth"}' },
    ],
    ['refused', 'answer lost', 'death'],
  )
})
