import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS, settingsFrom } from '../../infra/settings.ts'

describe('settings from CDK context', () => {
  test('every setting has a default', () => {
    expect(settingsFrom({})).toEqual(DEFAULT_SETTINGS)
    expect(DEFAULT_SETTINGS.hookArguments).toEqual({ interval: 1 })
  })

  test('text from the command line gives what JSON in cdk.json gives', () => {
    const asText = settingsFrom({
      hookArguments: '{"interval": 2, "save_best": ["acc"]}',
      outBuckets: 'exports,more-exports',
      allowedGlobals: 'my.project.Thing,numpy.größe._x',
      noncurrentDays: '7',
      deletionProtection: 'false',
    })
    const asJson = settingsFrom({
      hookArguments: { interval: 2, save_best: ['acc'] },
      outBuckets: ['exports', 'more-exports'],
      allowedGlobals: ['my.project.Thing', 'numpy.größe._x'],
      noncurrentDays: 7,
      deletionProtection: false,
    })
    expect(asText).toEqual(asJson)
  })

  test("CDK's own keys are passed over", () => {
    expect(settingsFrom({ '@aws-cdk/core:x': true, 'aws:cdk:y': [] })).toEqual(DEFAULT_SETTINGS)
  })

  test.each([
    [{ hookArguments: '{"interval"' }, 'context key hookArguments: '],
    [{ hookArguments: [] }, 'context key hookArguments: '],
    [{ hookArguments: { interval: 'often' } }, 'hookArguments: interval: expected a whole number'],
    [{ hookArguments: { intervall: 1 } }, 'context key hookArguments.intervall: is no argument'],
    [{ keyPrefix: '/exps' }, 'context key keyPrefix: must not begin with /'],
    [{ keyPrefix: 'exps/*' }, 'context key keyPrefix: may hold'],
    [{ keyPrefix: '.check' }, 'context key keyPrefix: must not reach .checkpoint-hub/'],
    [{ outBuckets: 'exports/*' }, 'context key outBuckets.0: must be names of buckets'],
    [{ allowedGlobals: 'Thing' }, 'context key allowedGlobals.0: must be names such as'],
    [{ allowedGlobals: 'a.B,my.project.*' }, 'context key allowedGlobals.1: must be names'],
    [{ allowedGlobals: ['my.project.'] }, 'context key allowedGlobals.0: must be names'],
    [{ allowedGlobals: ['a.B c'] }, 'context key allowedGlobals.0: must be names'],
    [{ allowedGlobals: [`a.${'B'.repeat(1999)}`] }, 'allowedGlobals: must be at most 2000 bytes'],
    [{ publishTimeoutSeconds: '901' }, 'context key publishTimeoutSeconds: '],
    [{ deletionProtection: 'no' }, 'context key deletionProtection: must be true or false'],
    [{ brake: 0, noncurrentDays: 'x' }, /noncurrentDays: .*\n.*brake: /],
    [{ keyprefix: 'exps/' }, 'unknown context key keyprefix; there are: '],
  ])('%j is refused by the name of its key', (context, message) => {
    expect(() => settingsFrom(context)).toThrow(message)
  })
})
