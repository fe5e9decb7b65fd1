import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_GREATER_KEYS,
  DEFAULT_LESS_KEYS,
  inferRule,
  initialScore,
  isBetter,
  type Rule,
} from '../../../lib/hook/rule.ts'

const inferred = (metric: string) => inferRule(metric, DEFAULT_GREATER_KEYS, DEFAULT_LESS_KEYS)

describe('the rule of a metric is inferred from its name:', () => {
  test.each([
    ['acc', 'greater'],
    ['coco/bbox_mAP', 'greater'],
    ['AR@100', 'greater'],
    ['top-1', 'greater'],
    ['ACC', 'greater'],
    ['bbox_map_50', 'greater'],
    ['loss', 'less'],
    ['val_loss', 'less'],
    ['LOSS_cls', 'less'],
  ])('%s is %s', (metric, rule) => expect(inferred(metric)).toBe(rule))

  test.each(['accumulated_loss', 'heatmap_loss', 'stop_loss'])(
    '%s is greater, because a greater key inside the name comes before a less key',
    (metric) => expect(inferred(metric)).toBe('greater'),
  )

  test.each(['recall', 'F1', 'PSNR', 'FID', ''])('%j tells nothing', (metric) =>
    expect(inferred(metric)).toBeUndefined(),
  )

  test('a whole name among the less keys comes before a greater key inside it', () => {
    expect(inferRule('map_error', ['map'], ['map_error'])).toBe('less')
  })

  test('a whole name among both is greater', () => {
    expect(inferRule('x', ['X'], ['x'])).toBe('greater')
  })

  test('keys that somebody names replace the defaults', () => {
    expect(inferRule('acc', ['psnr'], ['fid'])).toBeUndefined()
    expect(inferRule('FID', ['psnr'], ['fid'])).toBe('less')
  })

  test('one key inside the name is enough', () => {
    expect(inferRule('val_fid', ['psnr'], ['mae', 'fid'])).toBe('less')
    expect(inferRule('val_psnr', ['ssim', 'psnr'], ['fid'])).toBe('greater')
  })

  test('it does not depend on upper and lower case', () => {
    fc.assert(
      fc.property(fc.string(), (metric) => {
        expect(inferred(metric.toUpperCase())).toBe(inferred(metric.toUpperCase().toLowerCase()))
      }),
    )
  })
})

describe('of two scores', () => {
  test('a tie keeps the earlier', () => {
    expect(isBetter('greater', 0.5, 0.5)).toBe(false)
    expect(isBetter('less', 0.5, 0.5)).toBe(false)
  })

  test('NaN never wins, and nothing that is worse than all beats the start', () => {
    for (const rule of ['greater', 'less'] as const) {
      expect(isBetter(rule, Number.NaN, initialScore(rule))).toBe(false)
      expect(isBetter(rule, initialScore(rule), initialScore(rule))).toBe(false)
    }
  })

  test('infinity under greater wins, and is never beaten', () => {
    fc.assert(
      fc.property(fc.double(), (score) => {
        expect(isBetter('greater', score, Infinity)).toBe(false)
        expect(isBetter('less', score, -Infinity)).toBe(false)
      }),
    )
  })

  test('at most one is better than the other (invariant 6)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Rule>('greater', 'less'),
        fc.double(),
        fc.double(),
        (rule, a, b) => {
          expect(isBetter(rule, a, b) && isBetter(rule, b, a)).toBe(false)
        },
      ),
    )
  })
})
