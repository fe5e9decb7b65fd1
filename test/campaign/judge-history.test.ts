/** The judge of a version history finds what a hub must not do. */
import { describe, expect, it } from 'vitest'
import type { BucketHistory, Version } from './bucket-history.ts'
import { judgeHistory, type Uploaded } from './judge-history.ts'

/** A version, or a delete marker where there are no bytes; one second after the other. */
type Told = [at: number, bytes?: string]

function historyOf(keys: Record<string, Told[]>): BucketHistory {
  return new Map(
    Object.entries(keys).map(([key, told]) => [
      key,
      told.map(
        ([at, bytes]): Version => ({ versionId: `${key} at ${at}`, etag: bytes, at: at * 1000 }),
      ),
    ]),
  )
}

function uploaded(key: string, at: number, bytes: string): Uploaded {
  return { key, versionId: `${key} at ${at}`, etag: bytes }
}

const UPLOADS = [
  uploaded('r/checkpoint_hook.json', 0, 'o'),
  uploaded('r/epoch_1.pth', 1, 'a'),
  uploaded('r/metrics/1.json', 2, 'm'),
  uploaded('r/epoch_2.pth', 3, 'b'),
]
const FATES = [
  { key: 'r/epoch_1.pth', stays: false },
  { key: 'r/epoch_2.pth', stays: true },
]
const RIGHT: Record<string, Told[]> = {
  'r/checkpoint_hook.json': [[0, 'o']],
  'r/epoch_1.pth': [[1, 'a'], [4]],
  'r/metrics/1.json': [[2, 'm']],
  'r/epoch_2.pth': [[3, 'b']],
  'r/last_checkpoint': [
    [2, 'l'],
    [4, 'll'],
  ],
}

function verdictOf(change: Record<string, Told[]>): string[] {
  return judgeHistory(historyOf({ ...RIGHT, ...change }), UPLOADS, FATES)
}

describe('the version history', () => {
  it('may have a delete marker above what is to be evicted', () => {
    expect(verdictOf({})).toEqual([])
  })

  it('may have a checkpoint that was deleted and restored, with the same bytes', () => {
    const restored: Told[] = [[3, 'b'], [6], [7, 'b']]
    const later = { ...uploaded('r/epoch_3.pth', 5, 'c') }
    const history = historyOf({ ...RIGHT, 'r/epoch_2.pth': restored, 'r/epoch_3.pth': [[5, 'c']] })
    const fates = [...FATES, { key: later.key, stays: true }]
    expect(judgeHistory(history, [...UPLOADS, later], fates)).toEqual([])
  })

  it('may have artifacts that the hub took back', () => {
    const made: Told[] = [[2, 'x'], [5]]
    expect(verdictOf({ 'r/best_acc_epoch_1.pth': made, 'r/epoch_1-0123abcd.pth': made })).toEqual(
      [],
    )
  })

  it('has every version that a trainer uploaded', () => {
    expect(verdictOf({ 'r/metrics/1.json': [] })).toEqual([
      'r/metrics/1.json: the version r/metrics/1.json at 2 is gone',
    ])
    expect(verdictOf({ 'r/epoch_1.pth': [[4]] })).toContain(
      'r/epoch_1.pth: the version r/epoch_1.pth at 1 is gone',
    )
  })

  it('has them with their bytes', () => {
    expect(verdictOf({ 'r/metrics/1.json': [[2, 'other']] })).toEqual([
      'r/metrics/1.json: the version r/metrics/1.json at 2 has other bytes',
    ])
  })

  it('has what is to stay on top', () => {
    expect(verdictOf({ 'r/epoch_2.pth': [[3, 'b'], [5]] })).toContain(
      'r/epoch_2.pth is to stay and is below a delete marker',
    )
  })

  it('has what is to go below a marker', () => {
    expect(verdictOf({ 'r/epoch_1.pth': [[1, 'a']] })).toEqual([
      'r/epoch_1.pth is to be evicted and is there',
    ])
  })

  it('has nothing deleted that no checkpoint is', () => {
    expect(verdictOf({ 'r/metrics/1.json': [[2, 'm'], [4]] })).toEqual([
      'r/metrics/1.json was deleted, which nothing asks for',
    ])
    expect(verdictOf({ 'r/best_notes.txt': [[2, 'n'], [4]] })).toEqual([
      'r/best_notes.txt was deleted, which nothing asks for',
    ])
  })

  it('has no other bytes under the key of a checkpoint', () => {
    expect(verdictOf({ 'r/epoch_2.pth': [[3, 'b'], [4], [5, 'x']] })).toContain(
      'r/epoch_2.pth: the version r/epoch_2.pth at 5 is no upload of the trainer',
    )
  })

  it('may have a step that another life uploaded again, and has that on top', () => {
    const again = uploaded('r/epoch_2.pth', 8, 'bb')
    const versions: Told[] = [
      [3, 'b'],
      [8, 'bb'],
    ]
    const judged = (told: Told[]) =>
      judgeHistory(historyOf({ ...RIGHT, 'r/epoch_2.pth': told }), [...UPLOADS, again], FATES)
    expect(judged(versions)).toEqual([])
    expect(judged([...versions, [9, 'b']])).toEqual(['r/epoch_2.pth is not what was uploaded last'])
  })

  it('has no marker upon a marker', () => {
    expect(verdictOf({ 'r/epoch_1.pth': [[1, 'a'], [4], [5]] })).toEqual([
      'r/epoch_1.pth: the marker r/epoch_1.pth at 5 deletes nothing',
    ])
  })

  it('has no marker on a checkpoint before a newer one is there', () => {
    expect(verdictOf({ 'r/epoch_1.pth': [[1, 'a'], [2]] })).toEqual([
      'r/epoch_1.pth was deleted as the newest checkpoint',
    ])
    const restored: Told[] = [[1, 'a'], [2], [3, 'a'], [4]]
    expect(verdictOf({ 'r/epoch_1.pth': restored })).toEqual([
      'r/epoch_1.pth was deleted as the newest checkpoint',
    ])
  })
})
