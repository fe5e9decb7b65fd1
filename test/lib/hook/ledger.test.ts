import { describe, expect, test } from 'vitest'
import { type ArtifactIdentity, isEvicted, keepsKey } from '../../../lib/hook/ledger.ts'
import { aRun, RUN } from './a-run.ts'

describe('an artifact keeps a top-level key', () => {
  const identity = (
    publishedKeys: string[] | undefined,
    droppedKeys: string[],
  ): ArtifactIdentity => ({
    kind: 'published',
    folder: RUN,
    metric: undefined,
    name: 'epoch_1.pth',
    source: { key: 'exp/epoch_1.pth', versionId: 'v1', step: 1, bytes: 'b' },
    publishedKeys,
    droppedKeys,
  })

  test('that is published, and not one that goes all the same', () => {
    const lean = identity(['meta', 'optimizer'], ['optimizer'])
    expect(['meta', 'optimizer', 'state_dict'].filter((key) => keepsKey(lean, key))).toEqual([
      'meta',
    ])
  })

  test('where nothing says which, unless it goes', () => {
    expect(keepsKey(identity(undefined, ['optimizer']), 'meta')).toBe(true)
    expect(keepsKey(identity(undefined, ['optimizer']), 'optimizer')).toBe(false)
  })
})

test('an eviction was decided for the bytes, whichever of their versions it names', () => {
  const run = aRun().uploadLike({ bytes: 'a' }, 1).uploadLike({ bytes: 'a', multipart: true }, 1)
  const [standing] = run.outcome().standings.values()
  if (standing === undefined) throw new Error('nothing stands')
  for (const versionId of ['v1', 'v2']) {
    const state = { evicted: { versionId, etag: 'e' }, withdrawn: [] }
    expect(isEvicted(state, standing.fact)).toBe(true)
  }
  const other = { evicted: { versionId: 'v3', etag: 'e' }, withdrawn: [] }
  expect(isEvicted(other, standing.fact)).toBe(false)
})
