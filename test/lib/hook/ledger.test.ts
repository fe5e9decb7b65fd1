import { describe, expect, test } from 'vitest'
import { removedBest } from '../../../lib/hook/best.ts'
import {
  type Artifact,
  type ArtifactIdentity,
  fileText,
  isEvicted,
  keepsKey,
  removedBests,
  sameIdentity,
} from '../../../lib/hook/ledger.ts'
import type { Folder } from '../../../lib/hook/names.ts'
import { refusedKey } from '../../../lib/hook/plan-artifacts.ts'
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

describe('a published file', () => {
  const file: ArtifactIdentity = {
    kind: 'published',
    folder: RUN,
    metric: undefined,
    name: 'epoch_1.pth',
    source: { key: 'exp/epoch_1.pth', versionId: 'v1', step: 1, bytes: 'b' },
    publishedKeys: ['meta'],
    droppedKeys: [],
  }

  test('is another one in another format', () => {
    const tensors = { ...file, format: 'safetensors' } as const
    expect(sameIdentity(file, tensors)).toBe(false)
    expect(fileText(file)).not.toBe(fileText(tensors))
    expect(sameIdentity(tensors, { ...tensors, name: 'epoch_2.pth' })).toBe(false)
  })

  test('is told by a text without its format where that is the usual one, as before there were others', () => {
    expect(fileText(file)).toBe('["published",null,"epoch_1.pth","b",["meta"],[]]')
    expect(refusedKey(file)).toBe('exp/epoch_1-refused-3271ae25.pth')
  })

  test('is the same file in another folder, and yet another artifact', () => {
    const elsewhere = { ...file, folder: 'out/exp' as Folder }
    expect(fileText(elsewhere)).toBe(fileText(file))
    expect(sameIdentity(elsewhere, file)).toBe(false)
  })
})

test('a run that the hub meets for the first time has nothing done or decided', () => {
  expect(aRun().blank()).toEqual({
    run: RUN,
    history: {
      stackArguments: { interval: 1 },
      options: [],
      begins: [],
      ends: [],
      pins: [],
      consents: [],
      steps: new Map(),
    },
    sources: new Map(),
    checkpoints: new Map(),
    artifacts: new Map(),
    claims: new Map(),
    claimedBy: undefined,
    retired: [],
    effects: [],
    nextEffect: 1,
    lastCheckpoint: undefined,
    answers: new Map(),
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

describe('the best copies that a person removed', () => {
  const source = { key: 'exp/epoch_1.pth', versionId: 'v1', step: 1, bytes: 'b' }
  const artifact = (
    state: 'current' | 'removed',
    identity: Pick<ArtifactIdentity, 'kind' | 'metric' | 'name'>,
  ): Artifact => ({
    state,
    identity: { folder: RUN, source, publishedKeys: undefined, droppedKeys: [], ...identity },
    object: {
      versionId: 'v2',
      etag: 'e',
      sizeBytes: 10,
      sha256: '00',
      keptKeys: ['meta'],
      removedKeys: [],
      layoutVersion: 1,
      hashedBy: 'function',
    },
  })
  const best = { kind: 'best', metric: 'acc', name: 'best_acc_epoch_1.pth' } as const
  const published = { kind: 'published', metric: undefined, name: 'epoch_1.pth' } as const

  test('are told by their metric and their bytes, and no other artifact is one', () => {
    const artifacts = new Map([
      ['exp/best_acc_epoch_1.pth', artifact('removed', best)],
      ['exp/best_loss_epoch_1.pth', artifact('current', { ...best, metric: 'loss' })],
      ['exp/epoch_1-00000000.pth', artifact('removed', published)],
    ])
    expect([...removedBests({ artifacts })]).toEqual([removedBest('acc', 'b')])
  })
})
