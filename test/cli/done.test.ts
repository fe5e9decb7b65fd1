import { beforeEach, describe, expect, test } from 'vitest'
import { liveKeys, textAt } from '../lib/bucket/objects.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { checkpoint, drain, look, upload } from '../lib/run/worker.ts'
import { ckptHere, jsonHere } from './ckpt-here.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

const store = storeOfFile()
let stack: StackOfTests

beforeEach(async () => {
  stack = await newStack(store)
})

describe('ckpt done', () => {
  test('has the hub publish what the options name', async () => {
    const { worker } = stack
    await upload(worker, {
      'checkpoint_hook.json': { published_keys: ['meta', 'state_dict'] },
      'epoch_1.pth': checkpoint('one'),
    })
    await jsonHere(['done', 'exp/run'], stack)
    await look(worker, ['after_train.json'])
    await drain(worker)
    expect(await liveKeys(worker.bucket, 'exp/run/epoch_1-')).toHaveLength(1)
  })

  test('may name the upload that publishing waits for', async () => {
    const { bucket } = stack.worker
    expect(await jsonHere(['done', 'exp/run', '--last', 'epoch_8.pth'], stack)).toEqual({
      run: 'exp/run',
      last: 'epoch_8.pth',
      end: `s3://${bucket.name}/exp/run/after_train.json`,
    })
    expect(await textAt(bucket, 'exp/run/after_train.json')).toBe('{"last":"epoch_8.pth"}')
  })

  test('takes no path for a name', async () => {
    const { code, err } = await ckptHere(['done', 'exp/run', '--last', 'exp/epoch_8.pth'], stack)
    expect([code, err]).toEqual([2, expect.stringContaining('is no name of a checkpoint')])
    expect(await liveKeys(stack.worker.bucket)).toEqual([])
  })
})
