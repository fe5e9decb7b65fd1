import { describe, expect, test } from 'vitest'
import { Draft, EFFECTS_AT_ONCE } from '../../../lib/hook/draft.ts'
import type { Artifact } from '../../../lib/hook/ledger.ts'
import { aRun, BRAKE, RUN } from './a-run.ts'

const KEY = 'exp/best_acc_epoch_1.pth'
const artifact: Extract<Artifact, { object: unknown }> = {
  state: 'current',
  identity: {
    kind: 'best',
    folder: RUN,
    metric: 'acc',
    name: 'best_acc_epoch_1.pth',
    source: { key: 'exp/epoch_1.pth', versionId: 'v1', step: 1, bytes: 'b' },
    publishedKeys: undefined,
    droppedKeys: [],
  },
  object: {
    versionId: 'a1',
    etag: 'e1',
    sizeBytes: 10,
    sha256: 'ab'.repeat(32),
    keptKeys: [],
    removedKeys: [],
    layoutVersion: 1,
    hashedBy: 'function',
  },
}

function aDraft(unversioned: string[] = []): Draft {
  const ledger = { ...aRun().blank(), nextEffect: 5, artifacts: new Map([[KEY, artifact]]) }
  return new Draft(ledger, { bucket: 'bucket', brake: BRAKE, unversioned, nowSeconds: 70 })
}
const write = (text: string) => ({ kind: 'write last_checkpoint', text }) as const

describe('an effect', () => {
  test('has the next number of its run, and the time of the decision', () => {
    const draft = aDraft()
    draft.add(write('a'))
    draft.add(write('b'))
    expect(draft.ledger()).toMatchObject({
      nextEffect: 7,
      effects: [
        { number: 5, sinceSeconds: 70, sentSeconds: undefined },
        { number: 6, sinceSeconds: 70, sentSeconds: undefined },
      ],
    })
  })
})

describe('a retirement', () => {
  test('supersedes the artifact, and names its object', () => {
    const draft = aDraft()
    draft.retire(KEY, artifact)
    expect(draft.artifacts.get(KEY)?.state).toBe('superseded')
    expect(draft.effects.map(({ action }) => action)).toEqual([
      { kind: 'retire', key: KEY, versionId: 'a1', etag: 'e1' },
    ])
    expect([draft.heldDeletions, draft.more]).toEqual([new Map(), false])
  })

  test('is held, and counted, where deletions are', () => {
    const draft = aDraft(['bucket'])
    draft.retire(KEY, artifact)
    expect(draft.artifacts.get(KEY)?.state).toBe('current')
    expect(draft.effects).toEqual([])
    expect([draft.heldDeletions, draft.more]).toEqual([new Map([['bucket', 1]]), false])
  })

  test('waits for the next transaction where this one is full', () => {
    const draft = aDraft()
    for (let at = 0; at < EFFECTS_AT_ONCE; at++) draft.add(write('a'))
    expect(draft.more).toBe(false)
    draft.retire(KEY, artifact)
    expect(draft.artifacts.get(KEY)?.state).toBe('current')
    expect(draft.more).toBe(true)
  })
})

test('a retirement that has ended is remembered with the time of the decision that follows', () => {
  const retired = [{ etag: 'e1', seconds: 40 }, { etag: 'e2' }, { etag: 'e3', seconds: 0 }]
  const circumstances = { bucket: 'bucket', brake: BRAKE, unversioned: [], nowSeconds: 70 }
  const draft = new Draft({ ...aRun().blank(), retired }, circumstances)
  expect(draft.ledger().retired).toEqual([
    { etag: 'e1', seconds: 40 },
    { etag: 'e2', seconds: 70 },
    { etag: 'e3', seconds: 0 },
  ])
})

test('what may be written where nobody says so is the bucket, and no other', () => {
  const draft = aDraft()
  const leadsTo = (bucket: string | undefined) => draft.destinationOf({ bucket, prefix: 'out' })
  expect(leadsTo(undefined)).toEqual({ folder: 'out/exp', isReady: false, fault: undefined })
  expect(leadsTo('other').fault).toBe(
    'names the bucket other, which the stack was not given; it may write to bucket',
  )
})

test('a refusal is overtaken where other names are allowed than were then, also by none', () => {
  const isOvertaken = (...then: string[]) =>
    aDraft().isOvertaken({ reason: 'own.Thing at meta', allowedGlobals: then })
  expect(isOvertaken()).toBe(false)
  expect(isOvertaken('own.Thing')).toBe(true)
})
