import { describe, expect, test } from 'vitest'
import type { Action, Artifact, ArtifactIdentity } from '../../../lib/hook/ledger.ts'
import { bestIdentity, isStillBest } from '../../../lib/hook/plan-artifacts.ts'
import { AHub, hubOf } from './a-hub.ts'
import { type ARun, aRun, RUN, stepsThatAre } from './a-run.ts'

const KEY = 'exp/best_acc_epoch_1.pth'
const directory = { template: 'epoch_{}.pth/' }

/** A hub that has seen a run, and done nothing about it yet. */
function seenBy(run: ARun): AHub {
  const hub = new AHub(run)
  for (const seen of run.observations) hub.put(seen)
  return hub
}

describe('a best copy that waits to be made', () => {
  /** The copy that the newest record of a run asks for. */
  const newestBest = (run: ARun): ArtifactIdentity => {
    const [best] = run.outcome().best
    if (best === undefined) throw new Error('there is no best')
    return bestIdentity(best, RUN)
  }

  test('is still wanted while its source is the best of its metric, whatever others have', () => {
    const run = aRun({ save_best: ['acc', 'loss'] })
      .upload(1, 2)
      .metrics(1, { acc: 0.9, loss: 2 })
    const wanted = newestBest(run)
    expect(isStillBest(seenBy(run.metrics(2, { loss: 1 })).decide(), wanted)).toBe(true)
  })

  test('is not once another is the best', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1)
    const wanted = newestBest(run)
    expect(isStillBest(seenBy(run.upload(2).metrics(2, { acc: 0.9 })).decide(), wanted)).toBe(false)
  })

  test('is not where its options lead elsewhere by now', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1)
    const wanted = newestBest(run)
    const hub = seenBy(run.options({ save_best: 'acc', out_dir: 'out' })).settle()
    expect(isStillBest(hub.decide(), wanted)).toBe(false)
  })

  test('is asked for under its other name as soon as somebody else has the first', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1)
    const hub = hubOf(run)
    hub.jobs = false
    hub.see(...run.upload(1).observations.slice(-1))
    expect(hub.pending()).toEqual(['make best_acc_epoch_1.pth'])
    hub.see({ kind: 'artifact', key: KEY, found: 'foreign', seconds: 5 })
    expect(hub.pending()).toContain('make best_acc_epoch_1.hub.pth')
  })
})

describe('a file that a slow worker deleted, of which nothing else tells', () => {
  const retire = (key: string): Action => ({ kind: 'retire', key, versionId: 'x', etag: 'y' })
  const copy = hubOf(aRun({ save_best: 'acc' }).validated('acc', 0.1)).ledger.artifacts.get(KEY)
  if (copy === undefined || !('object' in copy)) throw new Error('there is no best copy')
  const deleted: Artifact = { ...copy, state: 'superseded' }
  const make: Action = { kind: 'make', key: KEY, identity: copy.identity, replaces: undefined }

  /** What is to be done about it, where these effects are under way. */
  const planned = (run: ARun, ...actions: Action[]): string[] => {
    const hub = hubOf(run)
    const effects = actions.map((action, at) => ({
      number: 1000 + at,
      action,
      sinceSeconds: 1,
      sentSeconds: undefined,
    }))
    const artifacts = new Map(hub.ledger.artifacts).set(KEY, deleted)
    hub.ledger = { ...hub.ledger, artifacts, effects, nextEffect: 2000 }
    hub.ledger = hub.decide().ledger
    return hub.pending().filter((each) => each.endsWith(' best_acc_epoch_1.pth'))
  }
  const overtaken = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.9)

  test('is retired, so that it goes off the list, whatever else is under way', () => {
    expect(planned(overtaken)).toEqual(['retire best_acc_epoch_1.pth'])
    expect(planned(overtaken, retire('exp/other.pth'))).toEqual(['retire best_acc_epoch_1.pth'])
    expect(planned(overtaken, make)).toEqual([
      'make best_acc_epoch_1.pth',
      'retire best_acc_epoch_1.pth',
    ])
  })

  test('waits for the copy of the new best of its metric, and for no other copy', () => {
    const next = hubOf(overtaken).ledger.artifacts.get('exp/best_acc_epoch_2.pth')
    if (next === undefined || !('object' in next)) throw new Error('there is no new best copy')
    const { identity } = next
    const makeNext = (of: ArtifactIdentity): Action => ({
      ...make,
      key: 'exp/next.pth',
      identity: of,
    })
    expect(planned(overtaken, makeNext(identity))).toEqual([])
    for (const other of [
      { ...identity, metric: 'loss' },
      { ...identity, kind: 'published' as const },
      { ...identity, source: copy.identity.source },
    ]) {
      expect(planned(overtaken, makeNext(other))).toEqual(['retire best_acc_epoch_1.pth'])
    }
  })

  test('is retired once', () => {
    expect(planned(overtaken, retire('exp/other.pth'), retire(KEY))).toEqual([
      'retire best_acc_epoch_1.pth',
    ])
  })

  test('is made again and not retired where it is wanted, whatever else is', () => {
    const wanted = aRun({ save_best: ['acc', 'loss'] }).upload(1, 2)
    wanted.metrics(1, { acc: 0.9, loss: 2 }).metrics(2, { loss: 1 })
    expect(planned(wanted)).toEqual(['make best_acc_epoch_1.pth'])
  })
})

describe('a best that is a directory', () => {
  const tracked = () => aRun({ save_best: 'acc' }).uploadLike(directory, 1).metrics(1, { acc: 0.5 })

  test('is no answer once a person removed it', () => {
    const run = tracked().uploadLike(directory, 2)
    const hub = hubOf(run)
    expect(hub.ledger.answers.get('acc')?.key).toBe('exp/epoch_1.pth/')
    const [seen] = run.observations
    if (seen?.kind !== 'checkpoint') throw new Error('nothing was uploaded')
    hub.see({ ...seen, marker: { seconds: 90, above: seen.listed.at(-1) } })
    expect(hub.ledger.answers.get('acc')).toBeUndefined()
  })

  test('is the answer also while the brake holds it', () => {
    const run = tracked().upload(2, 3, 4)
    const hub = new AHub(run)
    hub.brake = 1
    hub.see(...run.options({ save_best: 'acc', max_keep_ckpts: 1 }).observations)
    expect(stepsThatAre(hub.decide().outcome, 'held')).toContain(1)
    expect(hub.ledger.answers.get('acc')).toEqual({ score: 0.5, key: 'exp/epoch_1.pth/' })
  })

  test('is no answer while a newer upload of it is not whole', () => {
    const run = tracked()
    const hub = hubOf(run)
    expect(hub.ledger.answers.get('acc')?.key).toBe('exp/epoch_1.pth/')
    const torn = { ...directory, torn: 'waits for rank_1.pt' }
    hub.see(...run.uploadLike(torn, 1).observations.slice(-1))
    expect(hub.ledger.answers.get('acc')).toBeUndefined()
  })

  test('is no answer once a better file is known, whose copy is still to be made', () => {
    const run = tracked()
    const hub = hubOf(run)
    hub.jobs = false
    hub.see(...run.upload(2).metrics(2, { acc: 0.9 }).observations.slice(-2))
    expect(hub.pending()).toEqual(['make best_acc_epoch_2.pth'])
    expect(hub.ledger.answers.get('acc')).toBeUndefined()
  })
})

test('a published file that was refused holds its source no longer, which goes like any other', () => {
  const run = aRun({ max_keep_ckpts: 1, published_keys: ['meta'] })
    .upload(1)
    .end()
    .upload(2)
  const hub = new AHub(run)
  hub.unfit.add('v1')
  hub.see(...run.observations)
  expect(hub.steps()).toEqual([2])
})
