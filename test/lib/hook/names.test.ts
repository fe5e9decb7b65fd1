import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bareKey,
  bestName,
  checkpointName,
  factKey,
  folderOf,
  isElsewhere,
  keyIn,
  meaningOf,
  nameOf,
  parseRun,
  publishedName,
  type Run,
  stemOf,
  stepIn,
  uriOf,
  yieldedName,
} from '../../../lib/hook/names.ts'

describe('a key means:', () => {
  test.each([
    ['exp/epoch_3.pth', { kind: 'checkpoint', run: 'exp', series: 'epoch', step: 3 }],
    ['exp/iter_500.pth', { kind: 'checkpoint', run: 'exp', series: 'iter', step: 500 }],
    ['exp/epoch_0.pth', { kind: 'checkpoint', run: 'exp', series: 'epoch', step: 0 }],
    ['epoch_3.pth', { kind: 'checkpoint', run: '.', series: 'epoch', step: 3 }],
    ['a b/c+d/%20=ü/iter_1.pth', { kind: 'checkpoint', run: 'a b/c+d/%20=ü', step: 1 }],
    ['/epoch_3.pth', { kind: 'checkpoint', run: '' }],
    ['a//epoch_3.pth', { kind: 'checkpoint', run: 'a/' }],
    ['exp/checkpoint_hook.json', { kind: 'options', run: 'exp' }],
    ['exp/before_train.json', { kind: 'begin', run: 'exp' }],
    ['exp/after_train.json', { kind: 'end', run: 'exp' }],
    ['exp/last_checkpoint', { kind: 'last_checkpoint', run: 'exp' }],
    ['exp/metrics/epoch_3.json', { kind: 'metrics', run: 'exp' }],
    ['exp/metrics/val/3.json', { kind: 'metrics', run: 'exp' }],
    ['metrics/3.json', { kind: 'metrics', run: '.' }],
    ['exp/20260101_000000/vis_data/scalars.json', { kind: 'log', run: 'exp' }],
    ['20260101_000000/vis_data/scalars.json', { kind: 'log', run: '.' }],
  ])('%s', (key, meaning) => expect(meaningOf(key)).toMatchObject(meaning))

  test.each([
    ['exp/iter_500.pth/mp_rank_00.pt', 'exp/iter_500.pth'],
    ['exp/iter_500/.metadata', 'exp/iter_500'],
    ['exp/iter_500/a/b/c', 'exp/iter_500'],
  ])('%s, a file of a directory checkpoint', (key, directory) => {
    expect(meaningOf(key)).toEqual({
      kind: 'directory',
      run: 'exp',
      series: 'iter',
      step: 500,
      directory,
    })
  })

  test.each([
    ['exp/epoch_50/iter_10.pth', 'exp/epoch_50'],
    ['exp/metrics/epoch_3.pth', 'exp/metrics'],
    ['exp/epoch_3.pth/metrics/1.json', 'exp/epoch_3.pth'],
    ['a/metrics/b/metrics/1.json', 'a/metrics/b'],
    ['exp/20260101_000000/vis_data/epoch_1.pth', 'exp/20260101_000000/vis_data'],
  ])('%s, whose last match decides the run', (key, run) => {
    expect(meaningOf(key)).toMatchObject({ run })
  })

  test.each([
    'exp/epoch_03.pth',
    'exp/epoch_3.PTH',
    'exp/epoch_.pth',
    'exp/epoch_-1.pth',
    'exp/epoch_1.0.pth',
    'exp/epoch_9999999999999999.pth',
    'exp/epoch_3',
    'exp/best_acc_epoch_3.pth',
    'exp/epoch_3-0123abcd.pth',
    'exp/20260101/vis_data/scalars.json',
    'exp/20260101_0000000/vis_data/scalars.json',
    'exp/020260101_000000/vis_data/scalars.json',
    'exp/20260101_000000/20260101_000000.json',
    'exp/vis_data/scalars.json',
    'exp/metrics/3.txt',
    'exp/metrics',
    'exp/last_checkpoint.txt',
  ])('%s, something that the protocol does not name', (key) => {
    expect(meaningOf(key)).toMatchObject({ kind: 'other', name: nameOf(key) })
  })

  test.each([
    '.checkpoint-hub/facts/epoch_3.pth',
    '.checkpoint-hub/facts/exp/pin-.json',
    '.checkpoint-hub/facts/exp/pin-epoch_3.pth',
    '.checkpoint-hub/facts/exp/spin-epoch_3.pth.json',
    '.checkpoint-hub/facts/exp/pin-a.json/',
    '.checkpoint-hub/facts/exp/apply-.json',
    '.checkpoint-hub/facts/./pin-epoch_3.pth.json',
    '.checkpoint-hub/facts/s3://other/pin-epoch_3.pth.json',
    '.checkpoint-hub/facts/.checkpoint-hub/a/pin-epoch_3.pth.json',
    '.checkpoint-hub/facts',
    'exp/.checkpoint-hub/facts/',
    '.checkpoint-hub/x',
    'exp/',
    '',
    './epoch_3.pth',
    's3://other/run/epoch_3.pth',
  ])('%j, nothing of any run', (key) => expect(meaningOf(key)).toEqual({ kind: 'outside' }))

  test.each(['exp', '.', '', 'a//', 'exp/epoch_50', 'größe/metrics'])(
    'as a fact about the run %j, what is said of that run',
    (text) => {
      const run = text as Run
      expect(meaningOf(factKey(run, 'pin-epoch_3.pth.json'))).toEqual({ kind: 'pin', run })
      expect(meaningOf(factKey(run, 'apply-a.b-c.json'))).toEqual({ kind: 'consent', run })
    },
  )

  test('always the same whatever the key, and a run from which the key can be made again', () => {
    const part = fc.oneof(
      fc.constantFrom('epoch_3.pth', 'metrics', '20260101_000000', 'vis_data', 'a', '.', ''),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const key = parts.join('/')
        const meaning = meaningOf(key)
        if (meaning.kind === 'outside') return
        const rest = meaning.run === '.' ? key : key.slice(meaning.run.length + 1)
        expect(keyIn(meaning.run, rest)).toBe(key)
      }),
    )
  })
})

describe('a file of the hub', () => {
  test.each([
    ['exp/best_acc_epoch_1.pth', 'exp', undefined],
    ['best_acc_epoch_1.pth', '.', undefined],
    ['/best_acc_epoch_1.pth', '', undefined],
    ['s3://other/out/run/best_acc_epoch_1.pth', 's3://other/out/run', 'other'],
  ])('%j lies in its folder, in its bucket', (key, folder, bucket) => {
    expect(folderOf(key)).toBe(folder)
    expect(keyIn(folderOf(key), 'best_acc_epoch_1.pth')).toBe(key)
    expect(isElsewhere(key)).toBe(bucket !== undefined)
    const bare = bareKey(key)
    expect(bare.bucket).toBe(bucket)
    expect(uriOf('bucket', key)).toBe(`s3://${bucket ?? 'bucket'}/${bare.key}`)
  })
})

describe('a checkpoint name', () => {
  const templates = fc
    .tuple(fc.stringMatching(/^[^{}/]{0,8}$/u), fc.stringMatching(/^[^{}/]{1,8}$/u))
    .map(([before, after]) => `${before}{}${after}`)

  test('gives back its step, whatever the template', () => {
    fc.assert(
      fc.property(templates, fc.nat({ max: 999_999_999 }), (template, step) => {
        expect(stepIn(template, checkpointName(template, step))).toBe(step)
      }),
    )
  })

  test('counts only if it is what its step gives', () => {
    fc.assert(
      fc.property(templates, fc.string({ maxLength: 12 }), (template, name) => {
        const step = stepIn(template, name)
        if (step !== undefined) expect(checkpointName(template, step)).toBe(name)
      }),
    )
  })

  test('of a template with the signs of regular expressions is taken literally', () => {
    expect(stepIn('a.b({})$', 'a.b(7)$')).toBe(7)
    expect(stepIn('a.b({})$', 'aXb(7)$')).toBeUndefined()
    expect(checkpointName('$&_{}.pth', 7)).toBe('$&_7.pth')
  })

  test('round-trips from its key', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('epoch' as const, 'iter' as const),
        fc.nat(),
        fc.constantFrom('exp', 'a/b c', 'epoch_1', 'metrics', '.'),
        (series, step, run) => {
          const key = keyIn(parseRun(run), `${series}_${step}.pth`)
          expect(meaningOf(key)).toEqual({ kind: 'checkpoint', run, series, step })
        },
      ),
    )
  })
})

describe('what the hub writes is named', () => {
  test('after the metric, whose slashes go', () => {
    expect(bestName('coco/bbox_mAP', 'epoch_3.pth')).toBe('best_coco_bbox_mAP_epoch_3.pth')
  })

  test('after its own hash', () => {
    const sha256 = '0123456789abcdef'.repeat(4)
    expect(publishedName('best_acc_epoch_3.pth', sha256)).toBe('best_acc_epoch_3-01234567.pth')
    expect(publishedName('v1.2-3.ckpt', sha256)).toBe('v1.2-3-01234567.pth')
    expect(publishedName('epoch_3.pth', sha256, '.safetensors')).toBe(
      'epoch_3-01234567.safetensors',
    )
  })

  test('with .hub where somebody else has the name', () => {
    expect(yieldedName('best_acc_epoch_3.pth')).toBe('best_acc_epoch_3.hub.pth')
    expect(yieldedName('digits3')).toBe('digits3.hub')
  })

  test('in a way that no upload of the protocol is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z/_@]{1,8}$/), fc.nat(), (metric, step) => {
        const best = bestName(metric, `epoch_${step}.pth`)
        const published = publishedName(best, 'ab'.repeat(32))
        for (const name of [best, published, yieldedName(best)]) {
          expect(meaningOf(`exp/${name}`)).toMatchObject({ kind: 'other', run: 'exp' })
        }
      }),
    )
  })
})

test.each([
  ['epoch_3.pth', 'epoch_3'],
  ['a.b.c', 'a.b'],
  ['.pth', '.pth'],
  ['..pth', '..pth'],
  ['...pth', '...pth'],
  ['none', 'none'],
])("the stem of %s is Python's: %s", (name, stem) => expect(stemOf(name)).toBe(stem))

test.each([
  ['exp', 'exp'],
  ['exp/', 'exp'],
  ['', '.'],
  ['.', '.'],
  ['a/b', 'a/b'],
])('a run that is written %j is %s', (text, run) => expect(parseRun(text)).toBe(run))
