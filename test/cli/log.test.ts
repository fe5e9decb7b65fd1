import { beforeEach, describe, expect, test } from 'vitest'
import { parseMetric } from '../../cli/upload/metric-event.ts'
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

describe('ckpt log', () => {
  test('says the metrics of a step, by which the hub finds the best', async () => {
    const { worker } = stack
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'epoch_2.pth': checkpoint('two'),
    })
    for (const [epoch, acc] of [
      ['1', '0.9'],
      ['2', '0.5'],
    ]) {
      const args = ['log', 'exp/run', '--epoch', `${epoch}`, `acc=${acc}`, 'val/loss=1e-3']
      const { event } = await jsonHere<{ event: string }>(args, stack)
      await look(worker, [event.slice(event.indexOf('exp/run/') + 'exp/run/'.length)])
    }
    await drain(worker)
    expect(await liveKeys(worker.bucket, 'exp/run/best')).toEqual(['exp/run/best_acc_epoch_1.pth'])
  })

  test('writes one small object, which it names', async () => {
    const { bucket } = stack.worker
    const answer = await jsonHere<{ event: string }>(
      ['log', `s3://${bucket.name}/exp/run`, '--iter', '500', 'ppl=8.40', 'x=nan', 'y=-inf'],
      stack,
    )
    expect(answer).toEqual({
      run: 'exp/run',
      iter: 500,
      metrics: { ppl: '8.40', x: 'NaN', y: '-Infinity' },
      event: expect.stringMatching(/\/exp\/run\/metrics\/iter_500-[0-9a-f]{12}\.json$/),
    })
    const [key = ''] = await liveKeys(bucket)
    expect(await textAt(bucket, key)).toBe(
      '{"iter":500,"metrics":{"ppl": 8.40, "x": NaN, "y": -Infinity}}\n',
    )
  })

  test.each([
    [['acc=0.9'], 'which step the metrics are of is missing'],
    [['--epoch', '3', 'acc'], 'acc: is no metric'],
    [['--epoch', '3', '=1'], '=1: is no metric'],
    [['--epoch', '3', 'acc=high'], 'acc=high: is no metric'],
    [['--epoch', '3', 'acc=1', 'acc=2'], 'the metric acc is named twice'],
  ])('of %j says what is wrong, and writes nothing', async (args, message) => {
    const { code, err } = await ckptHere(['log', 'exp/run', ...args], stack)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(await liveKeys(stack.worker.bucket)).toEqual([])
  })
})

test.each([
  ['a=1', '1'],
  ['a=+.5', undefined],
  ['a=+0.5', '0.5'],
  ['a=b=2', '2'],
  ['a=1e-3', '1e-3'],
  ['a=0x10', undefined],
  ['a=01', undefined],
  ['a=Infinity', 'Infinity'],
  ['a=-Inf', '-Infinity'],
  ['a=NaN', 'NaN'],
])('%s has the value %s', (text, value) => {
  if (value === undefined) expect(() => parseMetric(text)).toThrow('is no metric')
  else expect(parseMetric(text)[1]).toBe(value)
})
