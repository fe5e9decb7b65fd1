import { describe, expect, test } from 'vitest'
import { SettingError, workerFromEnvironment } from '../../../lib/run/settings.ts'

const ENVIRONMENT = {
  BUCKET_NAME: 'bucket',
  TABLE_NAME: 'table',
  JOBS_QUEUE_URL: 'https://sqs.invalid/jobs',
  DEFAULT_HOOK_ARGUMENTS: '{"interval": 1}',
  NONCURRENT_DAYS: '30',
  BRAKE: '10',
}

describe('the environment of a function', () => {
  test('makes a worker', () => {
    const worker = workerFromEnvironment(ENVIRONMENT)
    expect(worker).toMatchObject({
      bucket: { name: 'bucket' },
      hub: {
        tableName: 'table',
        stackArguments: { interval: 1 },
        setting: { bucket: 'bucket', noncurrentDays: 30 },
      },
      jobs: { queueUrl: 'https://sqs.invalid/jobs' },
      brake: 10,
      reach: { keyPrefix: '', outBuckets: [] },
      allowedGlobals: [],
    })
    expect(Math.abs(worker.nowSeconds() - Date.now() / 1000)).toBeLessThan(2)
    expect(Number.isInteger(worker.nowSeconds())).toBe(true)
  })

  test('says where the hub may write', () => {
    const reach = { KEY_PREFIX: 'exps/', OUT_BUCKETS: 'exports,more-exports' }
    expect(workerFromEnvironment({ ...ENVIRONMENT, ...reach }).reach).toEqual({
      keyPrefix: 'exps/',
      outBuckets: ['exports', 'more-exports'],
    })
  })

  test('says what pickles may name', () => {
    const allowed = { ALLOWED_GLOBALS: 'my.project.Thing,own.Config' }
    expect(workerFromEnvironment({ ...ENVIRONMENT, ...allowed }).allowedGlobals).toEqual([
      { module: 'my.project', name: 'Thing' },
      { module: 'own', name: 'Config' },
    ])
  })

  test.each(Object.keys(ENVIRONMENT))('that lacks %s is an error that names it', (name) => {
    for (const value of [undefined, '']) {
      expect(() => workerFromEnvironment({ ...ENVIRONMENT, [name]: value })).toThrow(
        new SettingError(name, 'is not set'),
      )
    }
  })

  test.each([
    ['BRAKE', 'ten', 'expected a whole number, got ten'],
    ['BRAKE', '-1', 'expected a whole number, got -1'],
    ['ALLOWED_GLOBALS', 'a.B,*', 'expected names such as package.module.Name, got *'],
    ['NONCURRENT_DAYS', '1.5', 'expected a whole number, got 1.5'],
    ['DEFAULT_HOOK_ARGUMENTS', '{', 'expected a JSON object, got {'],
    ['DEFAULT_HOOK_ARGUMENTS', '[]', 'checkpoint_hook: expected an object of arguments, got []'],
    [
      'DEFAULT_HOOK_ARGUMENTS',
      '{"interval": "often"}',
      'interval: expected a whole number of epochs or iterations, got "often"',
    ],
    ['DEFAULT_HOOK_ARGUMENTS', '{"save_begin": -1}', 'save_begin: expected a whole number of 0'],
  ])('whose %s is %s is an error that names it', (name, value, reason) => {
    expect(() => workerFromEnvironment({ ...ENVIRONMENT, [name]: value })).toThrow(
      `environment variable ${name}: ${reason}`,
    )
    expect(() => workerFromEnvironment({ ...ENVIRONMENT, [name]: value })).toThrow(SettingError)
  })
})
