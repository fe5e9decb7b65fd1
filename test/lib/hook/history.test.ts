import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  type CheckpointFact,
  checkpointFacts,
  compareMetrics,
  compareMoments,
  compareTexts,
  FACT_ORDER,
  type MetricFact,
  type Moment,
  sameBytes,
  stepId,
  type Upload,
} from '../../../lib/hook/history.ts'
import { aRun, keyOf } from './a-run.ts'

describe('facts are in the order of', () => {
  test('their time, then begin < options < checkpoint < metric < end', () => {
    const moments: Moment[] = FACT_ORDER.toReversed().map((kind) => ({ seconds: 5, kind }))
    moments.push({ seconds: 4, kind: 'end' })
    expect(moments.toSorted(compareMoments).map(({ kind }) => kind)).toEqual(['end', ...FACT_ORDER])
  })

  test('then their step, their key, and the versions of one key', () => {
    const checkpoint = { seconds: 5, kind: 'checkpoint' as const }
    const inOrder: Moment[] = [
      { ...checkpoint, step: 2, key: 'z', ordinal: 9 },
      { ...checkpoint, step: 10, key: 'a', ordinal: 9 },
      { ...checkpoint, step: 10, key: 'b', ordinal: 1 },
      { ...checkpoint, step: 10, key: 'b', ordinal: 2 },
    ]
    expect(inOrder.toReversed().toSorted(compareMoments)).toEqual(inOrder)
  })

  test('code units where texts are compared, the same on every machine', () => {
    expect(['a', 'B', 'ä', 'b'].toSorted(compareTexts)).toEqual(['B', 'a', 'b', 'ä'])
  })

  test('one total order (invariant 6)', () => {
    const moments = fc.record({
      seconds: fc.nat(2),
      kind: fc.constantFrom(...FACT_ORDER),
      step: fc.nat(2),
      key: fc.constantFrom('a', 'b'),
      ordinal: fc.nat(2),
    })
    fc.assert(
      fc.property(moments, moments, moments, (a, b, c) => {
        expect(Math.sign(compareMoments(a, b))).toBe(-Math.sign(compareMoments(b, a)) + 0)
        if (compareMoments(a, b) <= 0 && compareMoments(b, c) <= 0) {
          expect(compareMoments(a, c)).toBeLessThanOrEqual(0)
        }
        if (compareMoments(a, b) === 0) expect(a).toEqual(b)
      }),
    )
  })
})

test('metrics of a step are in the order of time, key, version and place in the text', () => {
  const metric = (change: Partial<MetricFact>): MetricFact => ({
    metric: 'acc',
    value: 1,
    seconds: 5,
    source: 'event',
    key: 'b',
    position: 1,
    ordinal: 1,
    versionId: undefined,
    ...change,
  })
  const inOrder = [
    metric({ seconds: 4, key: 'z' }),
    metric({ key: 'a', ordinal: 7 }),
    metric({ ordinal: 0, position: 7 }),
    metric({ position: 0 }),
    metric({}),
  ]
  expect(inOrder.toReversed().toSorted(compareMetrics)).toEqual(inOrder)
})

test('the id of a step sorts by series, then by number', () => {
  const inOrder = [stepId('epoch', 9), stepId('epoch', 10), stepId('iter', 1), stepId('iter', 100)]
  expect(inOrder.toReversed().toSorted()).toEqual(inOrder)
})

/** How many versions each fact has, in order. */
const versionsOf = (facts: CheckpointFact[]) =>
  facts.map(({ versions }) => versions.map(({ versionId }) => versionId))

function factsOf(run: ReturnType<typeof aRun>, step: number): CheckpointFact[] {
  const facts = run.history().steps.get(stepId('epoch', step))
  if (facts === undefined) throw new Error(`nothing of step ${step}`)
  return checkpointFacts(facts, keyOf(step))
}

describe('an upload of the same bytes', () => {
  const upload = (change: Partial<Upload>): Upload => ({
    key: 'exp/epoch_1.pth',
    versionId: 'v1',
    etag: 'a',
    sizeBytes: 100,
    seconds: 10,
    fingerprint: 'f',
    fault: undefined,
    restores: undefined,
    gone: false,
    ...change,
  })

  test('is one of equal size and equal ETag', () => {
    expect(sameBytes(upload({ fingerprint: undefined }), upload({ fingerprint: undefined }))).toBe(
      true,
    )
  })

  test('is one of equal size and equal fingerprint, sent whole or in parts', () => {
    expect(sameBytes(upload({}), upload({ etag: 'a-2' }))).toBe(true)
  })

  test('is none where both differ, or the size does', () => {
    expect(sameBytes(upload({}), upload({ etag: 'b', fingerprint: 'g' }))).toBe(false)
    expect(sameBytes(upload({}), upload({ sizeBytes: 101 }))).toBe(false)
  })

  test('has the same text to tell its bytes by: size and fingerprint, else the ETag', () => {
    expect(bytesOf(upload({ etag: 'a-2' }))).toBe('100 f')
    expect(bytesOf(upload({ fingerprint: undefined }))).toBe('100 a')
  })

  test('is none by fingerprints that are not there', () => {
    const a = upload({ fingerprint: undefined })
    expect(sameBytes(a, upload({ etag: 'b', fingerprint: undefined }))).toBe(false)
  })

  test('is no new fact: it leaves the first its time, and is what deletes name', () => {
    const run = aRun().uploadLike({ bytes: 'a' }, 1).uploadLike({ bytes: 'a', multipart: true }, 1)
    const [fact, ...others] = factsOf(run, 1)
    expect(others).toEqual([])
    expect(fact).toMatchObject({ newestOfKey: true, first: { seconds: 10 }, live: { seconds: 20 } })
    expect(fact?.live.etag).not.toBe(fact?.first.etag)
  })

  test('is a new fact where other bytes came in between', () => {
    const run = aRun()
    for (const bytes of ['a', 'a', 'b', 'a']) run.uploadLike({ bytes }, 1)
    expect(versionsOf(factsOf(run, 1))).toEqual([['v1', 'v2'], ['v3'], ['v4']])
    expect(factsOf(run, 1).map(({ newestOfKey }) => newestOfKey)).toEqual([false, false, true])
  })
})

test('what the hub restored is the fact that it restores, by the word of its metadata', () => {
  const [fact] = factsOf(aRun().upload(1), 1)
  if (fact === undefined) throw new Error('no fact')
  const restored: Upload = {
    ...fact.first,
    versionId: 'v9',
    etag: 'another',
    fingerprint: undefined,
    restores: 'v1',
  }
  const facts = {
    series: 'epoch' as const,
    step: 1,
    metrics: [],
    removal: undefined,
    uploads: [fact.first, restored, { ...restored, versionId: 'v10', restores: 'v9' }],
  }
  expect(versionsOf(checkpointFacts(facts, keyOf(1)))).toEqual([['v1', 'v9', 'v10']])
  const others = { ...facts, uploads: [fact.first, { ...restored, sizeBytes: 1 }] }
  expect(versionsOf(checkpointFacts(others, keyOf(1)))).toEqual([['v1'], ['v9']])
})

describe('a restore by a slow worker, of what was uploaded anew since,', () => {
  const [older, newer] = factsOf(aRun().upload(1).upload(1), 1).map(({ first }) => first)
  if (older === undefined || newer === undefined) throw new Error('no facts')
  const late: Upload = { ...older, versionId: 'v9', restores: 'v1' }
  const told = (...uploads: Upload[]) =>
    checkpointFacts(
      { series: 'epoch', step: 1, metrics: [], removal: undefined, uploads },
      keyOf(1),
    )

  test('is no fact, and what deletes name', () => {
    const [, fact, ...others] = told(older, newer, late)
    expect(others).toEqual([])
    expect(fact).toMatchObject({ versions: [newer], lateRestores: [late], newestOfKey: true })
    expect(fact?.live).toBe(late)
  })

  test('is none either where it was of such a restore', () => {
    const later = { ...late, versionId: 'v10', restores: 'v9' }
    const [, fact, ...others] = told(older, newer, late, later)
    expect(others).toEqual([])
    expect(fact).toMatchObject({ lateRestores: [late, later], live: later })
  })

  test('does not make those bytes the newer upload’s', () => {
    const again = { ...older, versionId: 'v10' }
    expect(versionsOf(told(older, newer, late, again))).toEqual([['v1'], ['v2'], ['v10']])
  })

  test('counts where its token alone says so, or one of the two is torn', () => {
    expect(versionsOf(told(older, newer, { ...late, sizeBytes: 1 }))).toHaveLength(3)
    expect(versionsOf(told(older, newer, { ...late, restores: undefined }))).toHaveLength(3)
    expect(versionsOf(told(older, { ...newer, fault: 'cut short' }, late))).toHaveLength(3)
    expect(versionsOf(told(older, newer, { ...late, fault: 'lacks a file' }))).toHaveLength(3)
  })
})

test('what the hub stripped is the fact that it stripped, if it is whole', () => {
  const [fact] = factsOf(aRun().upload(1), 1)
  if (fact === undefined) throw new Error('no fact')
  const strips = { versionId: 'v1', etag: fact.first.etag, droppedKeys: ['optimizer'] }
  const stripped: Upload = { ...fact.first, versionId: 'v9', etag: 'x', sizeBytes: 1, strips }
  const told = (uploads: Upload[]) => {
    const facts = { series: 'epoch' as const, step: 1, metrics: [], removal: undefined, uploads }
    return versionsOf(checkpointFacts(facts, keyOf(1)))
  }
  expect(told([fact.first, stripped])).toEqual([['v1', 'v9']])
  expect(told([fact.first, { ...stripped, fault: 'cut' }])).toEqual([['v1'], ['v9']])
})

test('the same bytes after a restore are no new fact, however they were sent', () => {
  const run = aRun().uploadLike({ bytes: 'a' }, 1).uploadLike({ bytes: 'a', multipart: true }, 1)
  const facts = run.history().steps.get(stepId('epoch', 1))
  const [first, again] = facts?.uploads ?? []
  if (facts === undefined || first === undefined || again === undefined) throw new Error('no facts')
  const restored: Upload = {
    ...first,
    versionId: 'v9',
    etag: 'another',
    fingerprint: undefined,
    restores: 'v1',
  }
  const uploads = [first, restored, again]
  expect(versionsOf(checkpointFacts({ ...facts, uploads }, keyOf(1)))).toEqual([['v1', 'v9', 'v2']])
})

test('only uploads under the key that counts are its facts', () => {
  const run = aRun().upload(3).uploadLike({ template: 'digits-{}.pth' }, 3)
  expect(factsOf(run, 3)).toHaveLength(1)
})
