import { describe, expect, test } from 'vitest'
import {
  readBegin,
  readConsent,
  readEnd,
  readOptions,
  readPin,
} from '../../../lib/run/read-control.ts'

const EVERY_READER = [
  ['checkpoint_hook.json', readOptions],
  ['before_train.json', readBegin],
  ['after_train.json', readEnd],
] as const

describe.each(EVERY_READER)('%s', (_, read) => {
  test.each(['', ' \n\t', '{}'])('says nothing, and is right, as %j', (text) => {
    expect(read(text).fault).toBeUndefined()
    expect(read(text)).toEqual(read('{}'))
  })

  test.each(['{', 'null,', "{'interval': 1}", '{"interval": NaN}', 'hello'])(
    'that is not JSON is a fault of its text: %s',
    (text) => {
      expect(read(text).fault).toEqual({
        field: 'text',
        reason: expect.stringMatching(/^is not JSON: ./),
      })
    },
  )

  test.each(['null', '7', '"text"', '[1]'])('that is no object is a fault: %s', (text) => {
    expect(read(text).fault?.reason).toMatch(/^expected /)
  })
})

describe('checkpoint_hook.json', () => {
  test('names arguments, known ones and others', () => {
    expect(readOptions('{"interval": 2, "save_best": ["acc"], "seed": 1}')).toEqual({
      named: { interval: 2, save_best: ['acc'], seed: 1 },
      fault: undefined,
    })
  })

  test('with a wrong argument names none, and says which and why', () => {
    expect(readOptions('{"interval": 1.5, "max_keep_ckpts": 3}')).toEqual({
      named: {},
      fault: { field: 'interval', reason: expect.stringContaining('got 1.5') },
    })
  })
})

describe('before_train.json', () => {
  test('names what the trainer resumed from', () => {
    expect(readBegin('{"resume_from": "epoch_2.pth"}').resumeFrom).toBe('epoch_2.pth')
    expect(readBegin('{"resume_from": null}')).toEqual({ resumeFrom: undefined, fault: undefined })
  })

  test('that names a number is a fault', () => {
    expect(readBegin('{"resume_from": 2}').fault?.field).toBe('resume_from')
  })
})

describe('after_train.json', () => {
  test.each(['epoch_8.pth', 'model_8.pt', 'ü 8.pth'])('waits for %s', (last) => {
    expect(readEnd(JSON.stringify({ last }))).toEqual({ last, fault: undefined })
  })

  test('that names null waits for nothing', () => {
    expect(readEnd('{"last": null}')).toEqual({ last: undefined, fault: undefined })
  })

  test.each(['', 'other/epoch_8.pth', 7, ['epoch_8.pth']])('that names %j is a fault', (last) => {
    expect(readEnd(JSON.stringify({ last }))).toEqual({
      last: undefined,
      fault: {
        field: 'last',
        reason: 'expected the name of a checkpoint of this run, such as "epoch_8.pth"',
      },
    })
  })
})

describe('pin-….json', () => {
  test('pins a checkpoint or unpins it, and may say who does', () => {
    const pin = { name: 'epoch_3.pth', pinned: true, by: undefined, fault: undefined }
    expect(readPin('{"pin": "epoch_3.pth"}')).toEqual(pin)
    expect(readPin('{"unpin": "epoch_3.pth", "by": "ada"}')).toEqual({
      ...pin,
      pinned: false,
      by: 'ada',
    })
  })

  test.each([
    ['nothing', ''],
    ['both', '{"pin": "epoch_3.pth", "unpin": "epoch_3.pth"}'],
    ['a list', '[]'],
    ['a number', '{"pin": 3}'],
    ['null', '{"pin": null}'],
    ['an empty name', '{"pin": ""}'],
    ['a key', '{"pin": "run/epoch_3.pth"}'],
    ["the hub's own folder", '{"unpin": ".checkpoint-hub"}'],
    ['too long a name of who does', JSON.stringify({ pin: 'epoch_3.pth', by: 'a'.repeat(201) })],
  ])('that says %s is a fault', (_, text) => {
    expect(readPin(text)).toEqual({
      name: '',
      pinned: false,
      by: undefined,
      fault: { field: 'pin', reason: expect.stringMatching(/^expected \{"pin": <name>\}/) },
    })
  })

  test('that is not JSON is a fault of its text', () => {
    expect(readPin('{').fault).toMatchObject({ field: 'text' })
    expect(readConsent('{').fault).toMatchObject({ field: 'text' })
  })
})

describe('apply-….json', () => {
  test('agrees to the evictions of one version of the options', () => {
    expect(readConsent('{"apply": "v7", "evicts": 15, "by": "ada"}')).toEqual({
      optionsVersionId: 'v7',
      evicts: 15,
      by: 'ada',
      fault: undefined,
    })
    expect(readConsent('{"apply": "v7", "evicts": 0}').fault).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['no version', '{"evicts": 15}'],
    ['an empty version', '{"apply": "", "evicts": 15}'],
    ['no number', '{"apply": "v7"}'],
    ['a negative number', '{"apply": "v7", "evicts": -1}'],
    ['half a checkpoint', '{"apply": "v7", "evicts": 1.5}'],
    ['a list', '[]'],
  ])('that says %s is a fault', (_, text) => {
    expect(readConsent(text)).toEqual({
      optionsVersionId: '',
      evicts: 0,
      by: undefined,
      fault: { field: 'apply', reason: expect.stringMatching(/^expected \{"apply": </) },
    })
  })
})
