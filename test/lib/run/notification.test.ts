import { describe, expect, test } from 'vitest'
import { keysByRun } from '../../../lib/run/notification.ts'

describe('the keys of a notification', () => {
  test.each([
    ['an encoded space', 'my+run/epoch_1.pth', 'my run/epoch_1.pth'],
    ['an encoded plus', 'a%2Bb/epoch_1.pth', 'a+b/epoch_1.pth'],
    ['an encoded percent', '100%25/epoch_1.pth', '100%/epoch_1.pth'],
    ['an encoded letter', 'gr%C3%B6%C3%9Fe/epoch_1.pth', 'größe/epoch_1.pth'],
    ['an encoded number sign', 'issue%237/epoch_1.pth', 'issue#7/epoch_1.pth'],
    ['an encoded equals sign', 'lr%3D0.1/epoch_1.pth', 'lr=0.1/epoch_1.pth'],
    ['nothing encoded', 'lr=0.1/größe/epoch_1.pth', 'lr=0.1/größe/epoch_1.pth'],
    ['a space that was left', 'my run/epoch_1.pth', 'my run/epoch_1.pth'],
    ['a percent sign that encodes nothing', '100%/epoch_1.pth', '100%/epoch_1.pth'],
    ['a percent sign that encodes half a letter', '%C3/epoch_1.pth', '%C3/epoch_1.pth'],
  ])('with %s are read', (_, encoded, key) => {
    expect(keysOf(notification(encoded))).toContain(key)
  })

  test('that can be read in two ways are both looked at, each in its own run', () => {
    const byRun = keysByRun([message('1', notification('a+b/epoch_1.pth'))], '')
    expect([...byRun].map(([run, { keys }]) => [run, ...keys])).toEqual([
      ['a b', 'a b/epoch_1.pth'],
      ['a+b', 'a+b/epoch_1.pth'],
    ])
  })

  test('are read whatever else a record holds, or lacks', () => {
    const full = {
      eventVersion: '2.6',
      eventSource: 'aws:s3',
      eventName: 'ObjectRemoved:DeleteMarkerCreated',
      s3: {
        bucket: { name: 'b' },
        object: { key: 'run/epoch_1.pth', sequencer: '00A1', versionId: 'v', unheard: [1] },
      },
    }
    expect(keysOf(JSON.stringify({ Records: [full], more: true }))).toEqual(['run/epoch_1.pth'])
    expect(keysOf(notification('run/epoch_1.pth'))).toEqual(['run/epoch_1.pth'])
  })

  test('of several records are all there, those of one run together', () => {
    const byRun = keysByRun(
      [
        message('1', notification('a/epoch_1.pth', 'b/epoch_1.pth', 'a/metrics/1.json')),
        message('2', notification('a/epoch_2.pth', 'a/epoch_1.pth')),
      ],
      '',
    )
    expect(byRun).toEqual(
      new Map([
        [
          'a',
          {
            keys: new Set(['a/epoch_1.pth', 'a/metrics/1.json', 'a/epoch_2.pth']),
            keyOf: new Map([
              ['1', 'a/epoch_1.pth'],
              ['2', 'a/epoch_2.pth'],
            ]),
          },
        ],
        ['b', { keys: new Set(['b/epoch_1.pth']), keyOf: new Map([['1', 'b/epoch_1.pth']]) }],
      ]),
    )
  })
})

describe('a message that asks to look', () => {
  test('names keys as they are', () => {
    expect(keysOf('{"look": ["a+b/epoch_1.pth", "c%20d/epoch_1.pth"]}')).toEqual([
      'a+b/epoch_1.pth',
      'c%20d/epoch_1.pth',
    ])
  })
})

describe('a message that asks to look into another bucket', () => {
  test('names the folder there, which some run may have claimed, whatever the key prefix', () => {
    const key = 's3://other/out/run/best_acc_epoch_1.pth'
    const byRun = keysByRun([message('1', JSON.stringify({ look: [key] }))], 'exps/')
    expect([...byRun].map(([run, { keys }]) => [run, [...keys]])).toEqual([
      ['s3://other/out/run', [key]],
    ])
  })
})

describe('no keys', () => {
  test.each([
    ['the test event of S3', '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}'],
    ['no text', ''],
    ['a text', 'hello'],
    ['half a JSON', '{"Records": [{'],
    ['a JSON number', '7'],
    ['null', 'null'],
    ['records that are none', '{"Records": "many"}'],
    ['a record without a key', '{"Records": [{"s3": {"object": {}}}]}'],
    ['a record with a number for a key', '{"Records": [{"s3": {"object": {"key": 7}}}]}'],
    ['a look at nothing', '{"look": []}'],
    ['a look at a number', '{"look": [7]}'],
    ['a folder', notification('run/')],
    ["the hub's own folder", notification('.checkpoint-hub/staging/epoch_1.pth')],
  ])('are in %s, and nothing throws', (_, body) => {
    expect(keysByRun([message('1', body)], '')).toEqual(new Map())
  })

  test('spoil those of the messages beside them', () => {
    const bodies = ['garbage', notification('run/epoch_1.pth'), '{"Event": "s3:TestEvent"}']
    const byRun = keysByRun(
      bodies.map((body, at) => message(`${at}`, body)),
      '',
    )
    expect([...byRun.keys()]).toEqual(['run'])
    expect([...(byRun.get('run' as never)?.keyOf.keys() ?? [])]).toEqual(['1'])
  })
})

describe('with a key prefix', () => {
  test('only keys below it count, however a key is encoded', () => {
    const body = notification('my+exps/a/epoch_1.pth', 'other/epoch_1.pth', 'my')
    const byRun = keysByRun([message('1', body)], 'my exps/')
    expect([...byRun.keys()]).toEqual(['my exps/a'])
  })

  test('what is said of runs below it counts, and of a run that holds it', () => {
    const facts = ['exps/a', 'exps', 'other/exps', 'exp'].map(
      (run) => `.checkpoint-hub/facts/${run}/pin-epoch_1.pth.json`,
    )
    const atRoot = '.checkpoint-hub/facts/apply-x.json'
    const staged = '.checkpoint-hub/staging/exps/a/pin-epoch_1.pth.json'
    const byRun = keysByRun([message('1', notification(...facts, atRoot, staged))], 'exps/')
    expect([...byRun.keys()]).toEqual(['exps/a', 'exps', '.'])
  })
})

function notification(...keys: string[]): string {
  return JSON.stringify({ Records: keys.map((key) => ({ s3: { object: { key } } })) })
}

function message(messageId: string, body: string): { messageId: string; body: string } {
  return { messageId, body }
}

function keysOf(body: string): string[] {
  return [...keysByRun([message('1', body)], '').values()].flatMap(({ keys }) => [...keys])
}
