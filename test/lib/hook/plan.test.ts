import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EFFECTS_AT_ONCE } from '../../../lib/hook/draft.ts'
import { stepId, type Upload } from '../../../lib/hook/history.ts'
import { type Action, type Evicted, withCheckpoint } from '../../../lib/hook/ledger.ts'
import { nameOf } from '../../../lib/hook/names.ts'
import { decide } from '../../../lib/hook/plan.ts'
import { record } from '../../../lib/hook/record.ts'
import { AHub, hubOf, LATER_SECONDS } from './a-hub.ts'
import { type ARun, aRun, keyOf } from './a-run.ts'

const ID = stepId('epoch', 1)
const PUBLISHING = { save_best: 'acc', published_keys: ['meta'] }

/** The answer that the hub gives for a metric. */
const answerOf = (hub: AHub, metric = 'acc') => {
  const answer = hub.ledger.answers.get(metric)
  return answer && `${answer.score} ${nameOf(answer.key)}`
}

const withdrawnNow = (versionId: string) => ({ versionId, seconds: LATER_SECONDS })

/** Everything seen and decided once, nothing done yet. */
function plannedFor(run: ARun): AHub {
  const hub = new AHub(run)
  for (const seen of run.observations) hub.put(seen)
  hub.ledger = hub.decide().ledger
  return hub
}

describe('an eviction', () => {
  test('names the exact object that it was decided for (invariant 3)', () => {
    const run = aRun({ max_keep_ckpts: 1 }).uploadLike({ bytes: 'a' }, 1)
    run.uploadLike({ bytes: 'a', multipart: true }, 1).upload(2)
    const evictions = plannedFor(run).ledger.effects.flatMap(({ action }) =>
      action.kind === 'evict' ? [action] : [],
    )
    const object = { key: keyOf(1), versionId: 'v2', etag: `"${keyOf(1)} a"-2` }
    expect(evictions).toEqual([{ kind: 'evict', id: ID, ...object }])
  })

  test('is decided again for the same bytes that come again', () => {
    const run = aRun({ max_keep_ckpts: 1 }).uploadLike({ bytes: 'a' }, 1, 2)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([2])
    hub.see(...run.uploadLike({ bytes: 'a' }, 1).observations.slice(-1))
    expect(hub.steps()).toEqual([2])
    expect(hub.did('evict')).toEqual(['epoch_1.pth', 'epoch_1.pth'])
  })

  test('leaves other bytes alone that came meanwhile', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1, 2, 3)
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    const stale = hub.decide().ledger.effects.find(({ action }) => action.kind === 'evict')
    if (stale === undefined) throw new Error('nothing is evicted')
    hub.put(...(run.upload(1).observations.slice(-1) as [never]))
    hub.carryOut(stale)
    hub.settle()
    expect(hub.steps()).toEqual([1, 2, 3])
  })

  test('waits for the best copy also where it was decided before that was wanted', () => {
    const run = aRun({ max_keep_ckpts: 1, save_best: 'acc' }).upload(1, 2)
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toContain('evict epoch_1.pth')
    for (const seen of run.metrics(1, { acc: 0.5 }).observations.slice(-1)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toContain('make best_acc_epoch_1.pth')
    expect(hub.pending()).not.toContain('evict epoch_1.pth')
    expect(hub.settle().steps()).toEqual([2])
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_1.pth'])
  })

  test('that waits after all is withdrawn alone, and remembered: a worker may be carrying it out', () => {
    const run = aRun({ max_keep_ckpts: 1, save_best: 'acc' }).upload(1, 2, 3)
    const hub = plannedFor(run)
    for (const seen of run.metrics(1, { acc: 0.5 }).observations.slice(-1)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toContain('evict epoch_2.pth')
    expect(hub.pending()).not.toContain('evict epoch_1.pth')
    expect(hub.state(1)).toEqual({ evicted: undefined, withdrawn: [withdrawnNow('v1')] })
  })

  test('that was carried out stands where a copy is made after all, whatever else is under way', () => {
    const run = aRun({ max_keep_ckpts: 1, save_best: 'acc' }).upload(1, 2)
    const hub = hubOf(run)
    const evicted = hub.state(1)?.evicted
    expect(evicted).toMatchObject({ versionId: 'v1' })
    hub.jobs = false
    hub.see(...run.metrics(1, { acc: 0.5 }).observations.slice(-1))
    expect(hub.pending()).toEqual(['make best_acc_epoch_1.pth'])
    expect(hub.state(1)?.evicted).toEqual(evicted)
    // A slow worker has found that what it was to restore has expired; another restore is under way.
    const action: Action = {
      kind: 'restore',
      id: ID,
      key: keyOf(1),
      versionId: 'v1',
      etag: 'e',
      sizeBytes: 1000,
    }
    const effect = { number: 99, action, sinceSeconds: 1, sentSeconds: undefined }
    hub.ledger = { ...hub.ledger, effects: [...hub.ledger.effects, effect] }
    const { effects, checkpoints } = hub.decide().ledger
    expect(effects).toEqual(hub.ledger.effects)
    expect(checkpoints.get(ID)?.evicted).toEqual(evicted)
  })

  test('waits until the best copy of its source is committed', () => {
    const run = aRun({ ...PUBLISHING, max_keep_ckpts: 1 })
    const hub = new AHub(run)
    hub.jobs = false
    hub.see(...run.validated('acc', 0.9, 0.1).observations)
    expect(hub.steps()).toEqual([1, 2])
    expect(hub.pending()).toEqual(['make best_acc_epoch_1.pth'])
    hub.jobs = true
    expect(hub.settle().steps()).toEqual([2])
    const kinds = hub.done.map(({ kind }) => kind)
    expect(kinds.indexOf('make')).toBeLessThan(kinds.indexOf('evict'))
  })

  test('never comes for the source of a best copy that was refused', () => {
    const run = aRun({ save_best: 'acc', max_keep_ckpts: 1 }).validated('acc', 0.9, 0.1, 0.2)
    const hub = new AHub(run)
    hub.unfit.add('v1')
    expect(hub.see(...run.observations).steps()).toEqual([1, 3])
    expect(hub.bestCopies()).toEqual([])
    expect(answerOf(hub)).toBeUndefined()
  })

  test('is not decided where the person was first', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1).remove(1).upload(2)
    expect(hubOf(run).did('evict')).toEqual([])
  })
})

describe('a restore', () => {
  test('brings back what was evicted before the fact that keeps it was known', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }).upload(2, 3, 4)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([2, 4])
    hub.see(...run.at(25).metrics(3, { acc: 0.9 }).observations.slice(-1))
    expect(hub.steps()).toEqual([3, 4])
    expect(hub.did('restore')).toEqual(['epoch_3.pth'])
  })

  test('brings back what a file found late would have kept, from its time on', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([3])
    hub.see(...run.at(5).options({ max_keep_ckpts: 2 }).observations.slice(-1))
    expect(hub.steps()).toEqual([2, 3])
  })

  test('is no upload: it evicts nothing, and is not the newest by time', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }).upload(2, 3, 4)
    const hub = hubOf(run)
    hub.see(...run.at(25).metrics(3, { acc: 0.9 }).observations.slice(-1))
    hub.see(...run.upload(6).observations.slice(-1))
    expect(hub.steps()).toEqual([4, 6])
  })

  test('of an eviction that is not carried out yet withdraws it', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }).upload(2, 3, 4)
    const hub = plannedFor(run)
    expect(hub.pending()).toContain('evict epoch_3.pth')
    hub.put(...(run.at(25).metrics(3, { acc: 0.9 }).observations.slice(-1) as [never]))
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).not.toContain('evict epoch_3.pth')
    expect(hub.state(3)).toEqual({ evicted: undefined, withdrawn: [withdrawnNow('v2')] })
    expect(hub.settle().steps()).toEqual([3, 4])
  })

  test('finds out what a stale worker deletes after that, and undoes it (invariant 8)', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }).upload(2, 3, 4)
    const hub = plannedFor(run)
    const stale = hub.ledger.effects.find(({ action }) => nameOf(keyIn(action)) === 'epoch_3.pth')
    if (stale === undefined) throw new Error('nothing is evicted')
    hub.see(...run.at(25).metrics(3, { acc: 0.9 }).observations.slice(-1))
    hub.carryOut(stale)
    expect(hub.steps()).not.toContain(3)
    expect(hub.settle().steps()).toEqual([3, 4])
    expect(hub.decide().outcome.problems).toEqual([])
  })

  test('remembers with its time that the eviction was withdrawn, once a version', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }).upload(2, 3, 4)
    const hub = hubOf(run)
    const state = hub.state(3)
    if (state === undefined) throw new Error('nothing is evicted')
    const withdrawn = [
      { versionId: 'v7', seconds: 5 },
      { versionId: 'v2', seconds: 5 },
    ]
    const checkpoints = new Map(hub.ledger.checkpoints).set(stepId('epoch', 3), {
      ...state,
      withdrawn,
    })
    hub.ledger = { ...hub.ledger, checkpoints }
    hub.see(...run.at(25).metrics(3, { acc: 0.9 }).observations.slice(-1))
    expect(hub.state(3)?.withdrawn).toEqual([withdrawn[0], withdrawnNow('v2')])
  })

  test('brings back what a smaller brake holds, in as many transactions as it takes', () => {
    const steps = Array.from({ length: 30 }, (_, at) => at + 1)
    const run = aRun()
      .upload(...steps)
      .options({ max_keep_ckpts: 1 })
    const hub = new AHub(run)
    hub.brake = 100
    expect(hub.see(...run.observations).steps()).toEqual([30])
    hub.brake = 1
    const first = hub.decide()
    expect(first.ledger.effects).toHaveLength(EFFECTS_AT_ONCE)
    expect(first.more).toBe(true)
    expect(hub.settle().steps()).toEqual(steps)
  })

  test('of what has expired leaves the eviction, of the time that it had', () => {
    const run = aRun({ interval: 2, max_keep_ckpts: 2, save_best: 'acc' }).upload(2, 3, 4)
    const hub = hubOf(run)
    const evicted = hub.state(3)?.evicted
    expect(evicted).toMatchObject({ versionId: 'v2', seconds: expect.any(Number) })
    hub.expired.add('v2')
    hub.see(...run.at(25).metrics(3, { acc: 0.9 }).observations.slice(-1))
    expect(hub.did('restore')).toEqual(['epoch_3.pth'])
    expect(hub.state(3)?.evicted).toEqual(evicted)
  })

  test('of what has expired is given up and told, and the last is one that exists (6, 13)', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3)
    const hub = hubOf(run)
    hub.expired.add('v2')
    hub.see(...run.at(5).options({ max_keep_ckpts: 2 }).remove(3).observations.slice(-2))
    const { last, outcome } = hub.decide()
    expect(hub.steps()).toEqual([])
    expect(last).toBeUndefined()
    expect(outcome.problems.map(({ key }) => key)).toEqual([keyOf(2)])
  })
})

/** The key of an action; `last_checkpoint` has none. */
function keyIn(action: Action): string {
  return 'key' in action ? action.key : ''
}

describe('last_checkpoint', () => {
  test('holds the URI of the last, without a new line', () => {
    expect(hubOf(aRun().upload(1, 2)).did('write last_checkpoint')).toEqual([
      's3://bucket/exp/epoch_1.pth',
      's3://bucket/exp/epoch_2.pth',
    ])
  })

  test('stays 12 while twelve steps come in the order of their names', () => {
    const run = aRun({ max_keep_ckpts: 3 }).upload(1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9)
    const hub = hubOf(run)
    expect(hub.did('write last_checkpoint').at(-1)).toBe('s3://bucket/exp/epoch_12.pth')
    expect(hub.steps()).toEqual([7, 8, 9, 10, 11, 12])
  })

  test('is written again over what a trainer wrote there', () => {
    const hub = hubOf(aRun().upload(1))
    hub.see({ kind: 'last_checkpoint', text: '/work_dirs/exp/epoch_1.pth' })
    expect(hub.did('write last_checkpoint')).toHaveLength(2)
    hub.see({ kind: 'last_checkpoint', text: 's3://bucket/exp/epoch_1.pth' })
    expect(hub.did('write last_checkpoint')).toHaveLength(2)
  })

  test('is not written before there is a whole checkpoint', () => {
    expect(hubOf(aRun().uploadLike({ torn: 'cut' }, 1)).done).toEqual([])
  })

  test('goes back where a person removes the last', () => {
    const hub = hubOf(aRun().upload(1, 2).remove(2))
    expect(hub.did('write last_checkpoint').at(-1)).toBe('s3://bucket/exp/epoch_1.pth')
  })

  test('does not bring an evicted one back to be the last', () => {
    const hub = hubOf(aRun({ max_keep_ckpts: 1 }).upload(1, 2).remove(2))
    expect(hub.did('restore')).toEqual([])
    expect(hub.decide().last).toBeUndefined()
  })
})

describe('the last checkpoint', () => {
  test('may be one that is brought back all the same', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(1, 2, 3).begin().upload(1)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([1])
    for (const seen of run.uploadLike({ torn: 'cut' }, 1).observations.slice(-1)) hub.put(seen)
    expect(hub.decide().last?.step).toBe(3)
  })

  test('may be one that stays for being the newest that is left', () => {
    expect(plannedFor(aRun({ max_keep_ckpts: 1 }).upload(1, 2).remove(2)).decide().last?.step).toBe(
      1,
    )
  })

  test('is written once where another is the last before it was written', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.5)
    const hub = plannedFor(run)
    expect(hub.pending()).toEqual([
      'write last_checkpoint s3://bucket/exp/epoch_1.pth',
      'make best_acc_epoch_1.pth',
    ])
    for (const seen of run.upload(2).observations.slice(-1)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toEqual([
      'make best_acc_epoch_1.pth',
      'write last_checkpoint s3://bucket/exp/epoch_2.pth',
    ])
  })
})

describe('a directory that came back while its files were deleted', () => {
  const key = 'exp/epoch_1.pth/'
  const directory = { template: 'epoch_{}.pth/' }

  /** The effects where one version's eviction was withdrawn, and this many of its files are missing. */
  function effectsFor(removed: number, versionIds: string[], change: Partial<Upload> = {}) {
    const withdrawn = versionIds.map((versionId) => ({ versionId, seconds: 40 }))
    const run = aRun().uploadLike({ ...directory, bytes: 'a' }, 1, 1)
    const ledger = { ...run.ledger(), lastCheckpoint: 's3://bucket/exp/epoch_1.pth' }
    const [first, live] = ledger.history.steps.get(ID)?.uploads ?? []
    if (first === undefined || live === undefined) throw new Error('no uploads')
    Object.assign(live, { directory: { marker: '.metadata', files: 3, removed } }, change)
    first.directory = { marker: '.metadata', files: 3, removed: 0 }
    const checkpoints = new Map([[ID, { evicted: undefined, withdrawn }]])
    const hub = new AHub(run)
    const other = {
      kind: 'restore',
      id: stepId('epoch', 7),
      key: 'exp/epoch_7.pth/',
      versionId: 'v70',
      etag: 'e',
      sizeBytes: 5,
    } as const
    const underWay = { number: 99, action: other, sinceSeconds: 1, sentSeconds: undefined }
    hub.ledger = { ...ledger, checkpoints, effects: [underWay] }
    const once = hub.decide().ledger
    hub.ledger = once
    expect(hub.decide().ledger.effects).toEqual(once.effects)
    return once.effects.slice(1).map(({ action }) => action)
  }

  test('is restored once more, by its marker, once', () => {
    expect(effectsFor(1, ['v1'])).toEqual([
      {
        kind: 'restore',
        id: ID,
        key,
        versionId: 'v2',
        etag: `${key} a`,
        sizeBytes: 1000,
        marker: '.metadata',
      },
    ])
  })

  test('is left alone where no file is missing, or the hub deleted none', () => {
    expect(effectsFor(0, ['v1'])).toEqual([])
    expect(effectsFor(1, [])).toEqual([])
    expect(effectsFor(1, ['v7'])).toEqual([])
  })

  test('is left alone where that version is gone', () => {
    expect(effectsFor(1, ['v1'], { gone: true })).toEqual([])
  })
})

describe('an eviction of a directory', () => {
  test('names its marker, and what tells its files from others', () => {
    const run = aRun({ max_keep_ckpts: 1 }).uploadLike({ template: 'epoch_{}.pth/' }, 1, 2)
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    for (const upload of hub.ledger.history.steps.get(ID)?.uploads ?? []) {
      upload.directory = { marker: '.metadata', files: 3, removed: 0 }
    }
    expect(hub.decide().ledger.effects.map(({ action }) => action)).toContainEqual({
      kind: 'evict',
      id: ID,
      key: 'exp/epoch_1.pth/',
      versionId: 'v1',
      etag: 'exp/epoch_1.pth/ upload 1',
      marker: '.metadata',
      fingerprint: expect.any(String),
    })
  })
})

describe('an eviction of a directory of which files are there', () => {
  /** What becomes of the first of two directories, whose eviction was decided as this, and ticked off. */
  function afterEviction(evicted: Partial<Evicted>, { keep = 1, gone = false } = {}) {
    const run = aRun({ max_keep_ckpts: keep }).uploadLike({ template: 'epoch_{}.pth/' }, 1, 2)
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    const [live] = hub.ledger.history.steps.get(ID)?.uploads ?? []
    if (live === undefined) throw new Error('no upload')
    const { versionId, etag } = live
    live.gone = gone
    const state = { evicted: { versionId, etag, ...evicted }, withdrawn: [] }
    hub.ledger = withCheckpoint(hub.ledger, ID, state)
    hub.ledger = hub.decide().ledger
    const pending = () => hub.pending().filter((each) => each.includes('epoch_1'))
    return { hub, pending }
  }

  test('is decided once more, and then no more', () => {
    const { hub, pending } = afterEviction({ undone: true })
    expect(pending()).toEqual(['evict exp/epoch_1.pth/'])
    expect(hub.state(1)?.evicted).not.toHaveProperty('undone')
    const { effects } = hub.ledger
    expect(hub.decide().ledger.effects).toEqual(effects)
  })

  test('is decided where it was not decided on them', () => {
    expect(afterEviction({ versionId: 'another' }).pending()).toEqual(['evict exp/epoch_1.pth/'])
  })

  test('is not decided once more where nothing of it is there, or it has expired', () => {
    expect(afterEviction({}).pending()).toEqual([])
    expect(afterEviction({ undone: true }, { gone: true }).pending()).toEqual([])
  })

  test('is undone where it is to stay', () => {
    const { hub, pending } = afterEviction({ undone: true }, { keep: 2 })
    expect(pending()).toEqual(['restore exp/epoch_1.pth/'])
    expect(hub.state(1)?.evicted).toBeUndefined()
  })
})

describe('an eviction of a directory that is under way', () => {
  test('is not withdrawn where a directory of the same bytes is the best: files may be gone already', () => {
    const run = aRun({ max_keep_ckpts: 1, save_best: 'acc' })
    run.uploadLike({ template: 'epoch_{}.pth/' }, 1, 2)
    for (const seen of run.observations) {
      if (seen.kind !== 'checkpoint') throw new Error('only checkpoints were told')
      for (const upload of seen.uploads) upload.fingerprint = 'the same files'
    }
    const hub = plannedFor(run)
    expect(hub.pending()).toContain('evict exp/epoch_1.pth/')
    for (const seen of run.metrics(2, { acc: 0.5 }).observations.slice(-1)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toContain('evict exp/epoch_1.pth/')
    expect(hub.state(1)?.evicted?.versionId).toBe('v1')
  })
})

describe('a best copy', () => {
  test('is made of the best, and the one before retired only once it is committed', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.5)
    const hub = hubOf(run)
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_2.pth'])
    const kinds = hub.done.flatMap((each) =>
      each.kind === 'make' || each.kind === 'retire' ? `${each.kind} ${nameOf(each.key)}` : [],
    )
    expect(kinds).toEqual([
      'make best_acc_epoch_1.pth',
      'make best_acc_epoch_2.pth',
      'retire best_acc_epoch_1.pth',
    ])
  })

  test('is answered with only when it is there; until then the one before is', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1)
    const hub = hubOf(run)
    hub.jobs = false
    hub.see(...run.upload(2).metrics(2, { acc: 0.5 }).observations.slice(-2))
    expect(answerOf(hub)).toBe('0.1 best_acc_epoch_1.pth')
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_1.pth'])
    hub.jobs = true
    expect(answerOf(hub.settle())).toBe('0.5 best_acc_epoch_2.pth')
  })

  test('is made of the version that the trainer uploaded, the noncurrent one too', () => {
    const run = aRun({ save_best: 'acc', max_keep_ckpts: 1 }).upload(1, 2)
    const hub = hubOf(run)
    hub.see(...run.metrics(1, { acc: 0.9 }).observations.slice(-1))
    expect(hub.artifacts.get('best_acc_epoch_1.pth')).toBe('v1')
    expect(hub.steps()).toEqual([2])
  })

  test('is made again, in the same place, when its step is uploaded with other bytes', () => {
    const hub = hubOf(aRun({ save_best: 'acc' }).validated('acc', 0.9).upload(1))
    expect(hub.artifacts.get('best_acc_epoch_1.pth')).toBe('v3')
    const makes = hub.done.flatMap((action) => (action.kind === 'make' ? [action] : []))
    expect(makes[0]?.replaces).toBeUndefined()
    expect(makes[1]?.replaces).toBeDefined()
    expect(hub.did('retire')).toEqual([])
  })

  test('is not made again when its step is uploaded with the same bytes', () => {
    const run = aRun({ save_best: 'acc' }).uploadLike({ bytes: 'a' }, 1).metrics(1, { acc: 1 })
    const hub = hubOf(run.uploadLike({ bytes: 'a', multipart: true }, 1))
    expect(hub.did('make')).toEqual(['best_acc_epoch_1.pth'])
  })

  test('takes the name with .hub where a foreign object has its own', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.9)
    const hub = new AHub(run)
    hub.foreign.add('best_acc_epoch_1.pth')
    hub.see(...run.observations)
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_1.hub.pth'])
    expect(answerOf(hub)).toBe('0.9 best_acc_epoch_1.hub.pth')
    expect(hub.did('retire')).toEqual([])
  })

  test('that a person removed is not made again', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.9)
    const hub = hubOf(run)
    const key = 'exp/best_acc_epoch_1.pth'
    hub.see({ kind: 'artifact', key, found: 'nothing', seconds: 99 })
    expect(hub.did('make')).toHaveLength(1)
    expect(answerOf(hub)).toBeUndefined()
    expect(hub.ledger.artifacts.get(key)).toMatchObject({ state: 'removed', removedSeconds: 99 })
  })

  test('that a person removed leaves its place to the next one', () => {
    const run = aRun({ save_best: 'acc', max_keep_ckpts: 1 }).validated('acc', 0.9, 0.7, 0.8)
    const hub = hubOf(run)
    const key = 'exp/best_acc_epoch_1.pth'
    hub.see({ kind: 'artifact', key, found: 'nothing', seconds: 99 })
    expect(answerOf(hub)).toBe('0.8 best_acc_epoch_3.pth')
    expect(hub.did('make')).toEqual(['best_acc_epoch_1.pth', 'best_acc_epoch_3.pth'])
    // What it set stays a record: nothing else is in the deque for having come after it.
    expect(hub.decide().outcome.survey.walk.records.size).toBe(1)

    hub.see({ kind: 'artifact', key, found: 'back', versionId: 'back again' })
    expect(answerOf(hub)).toBe('0.9 best_acc_epoch_1.pth')
    expect(hub.ledger.artifacts.get(key)).toMatchObject({ object: { versionId: 'back again' } })
    expect(hub.ledger.artifacts.get(key)).not.toHaveProperty('removedSeconds')
    expect(hub.did('retire')).toEqual(['best_acc_epoch_3.pth'])
  })

  test('stays where a person removes the checkpoint that it was made from', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.9, 0.7).remove(1)
    const hub = hubOf(run)
    expect(answerOf(hub)).toBe('0.9 best_acc_epoch_1.pth')
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_1.pth'])
  })

  test('that was removed leaves that of another metric alone', () => {
    const run = aRun({ save_best: ['acc', 'loss'] }).upload(1, 2)
    run.metrics(1, { acc: 0.9, loss: 1 }).metrics(2, { acc: 0.8, loss: 2 })
    const hub = hubOf(run)
    hub.see({ kind: 'artifact', key: 'exp/best_acc_epoch_1.pth', found: 'nothing', seconds: 99 })
    expect([...hub.ledger.answers.values()].map(({ key }) => key)).toEqual([
      'exp/best_acc_epoch_2.pth',
      'exp/best_loss_epoch_1.pth',
    ])
  })

  test('that was removed stays what an end published of it, and another end is due', () => {
    const run = aRun({ save_best: 'acc', published_keys: ['meta'] }).validated('acc', 0.9, 0.8)
    const hub = hubOf(run.end())
    const before = hub.published()
    expect(hub.decide().outcome.publishDue).toBe(false)
    hub.see({ kind: 'artifact', key: 'exp/best_acc_epoch_1.pth', found: 'nothing', seconds: 99 })
    expect(hub.published()).toEqual(before)
    expect(hub.decide().outcome.publishDue).toBe(true)
  })

  test('of a refused best leaves the one before it in its place', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.9)
    const hub = new AHub(run)
    hub.unfit.add('v3')
    hub.see(...run.observations)
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_1.pth'])
    expect(answerOf(hub)).toBe('0.1 best_acc_epoch_1.pth')
  })

  test('of a metric is retired although that of another is refused', () => {
    const run = aRun({ save_best: ['acc', 'loss'] }).upload(1, 2, 3)
    run.metrics(1, { acc: 0.5, loss: 5 }).metrics(2, { acc: 0.9, loss: 6 })
    run.metrics(3, { acc: 0.1, loss: 1 })
    const hub = new AHub(run)
    hub.unfit.add('v2')
    hub.see(...run.observations)
    expect(hub.bestCopies().toSorted()).toEqual(['best_acc_epoch_1.pth', 'best_loss_epoch_3.pth'])
  })

  test('is planned with those of other metrics, as many as a transaction holds', () => {
    const metrics = Array.from({ length: 30 }, (_, at) => `m${at}`)
    const all = (score: number) => Object.fromEntries(metrics.map((metric) => [metric, score]))
    const run = aRun({ save_best: metrics, rule: 'greater', max_keep_ckpts: 1 }).upload(1, 2, 3)
    run.metrics(1, all(1)).metrics(2, { ...all(0), m29: 2 })
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    const { ledger, more } = hub.decide()
    expect(ledger.effects.filter(({ action }) => action.kind === 'make')).toHaveLength(24)
    expect(more).toBe(true)
    expect(hub.settle().bestCopies()).toHaveLength(30)
  })

  test('that is wanted again before it is retired is made again', () => {
    const key = 'metrics/2.json'
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1)
    const hub = hubOf(run)
    for (const seen of run.upload(2).metrics(2, { acc: 0.5 }, { key }).observations.slice(-2)) {
      hub.put(seen)
    }
    hub.ledger = hub.decide().ledger
    for (const effect of hub.ledger.effects) hub.carryOut(effect)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toEqual(['retire best_acc_epoch_1.pth'])
    for (const seen of run.metrics(2, { acc: 0.01 }, { key }).observations.slice(-1)) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending()).toContain('make best_acc_epoch_1.pth')
    expect(hub.settle().bestCopies()).toEqual(['best_acc_epoch_1.pth'])
  })

  test('of a metric that is no longer tracked stays', () => {
    const run = aRun().options({ save_best: 'acc' }).validated('acc', 0.9)
    run.options({ save_best: 'loss' }).upload(2).metrics(2, { acc: 1, loss: 1 })
    const hub = hubOf(run)
    expect(hub.bestCopies().toSorted()).toEqual(['best_acc_epoch_1.pth', 'best_loss_epoch_2.pth'])
    expect([...hub.ledger.answers.keys()]).toEqual(['loss'])
  })
})

describe('what an end publishes', () => {
  test('is made once, whatever is seen again', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.9, 0.1).end()
    const hub = hubOf(run).see(...run.observations)
    expect(hub.published()).toEqual(['best_acc_epoch_1', 'epoch_2'])
    expect(hub.did('make')).toHaveLength(3)
  })

  test('is not made before the upload that the end names', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.9).end('epoch_2.pth')
    const hub = hubOf(run)
    expect(hub.published()).toEqual([])
    expect(hub.see(...run.upload(2).observations.slice(-1)).published()).toEqual([
      'best_acc_epoch_1',
      'epoch_2',
    ])
  })

  test('is known by its metric, replaces nothing, and is not the best copy', () => {
    const keys = ['meta', 'state_dict', 'message_hub']
    const hub = hubOf(aRun({ save_best: 'acc', published_keys: keys }).validated('acc', 0.9).end())
    const made = hub.done.flatMap((action) =>
      action.kind === 'make' && action.identity.kind === 'published' ? [action] : [],
    )
    expect(made).toMatchObject([
      { identity: { metric: undefined, name: 'epoch_1.pth' }, replaces: undefined },
      { identity: { metric: 'acc', name: 'best_acc_epoch_1.pth' }, replaces: undefined },
    ])
  })

  test('has its own name where somebody else has that of the best copy', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.9).end()
    const hub = new AHub(run)
    hub.foreign.add('best_acc_epoch_1.pth')
    hub.jobs = false
    hub.see(...run.observations)
    const [best] = hub.ledger.effects
    if (best === undefined) throw new Error('nothing is made')
    hub.carryOut(best)
    hub.ledger = hub.decide().ledger
    expect(hub.pending().toSorted()).toEqual([
      'make best_acc_epoch_1.hub.pth',
      'make best_acc_epoch_1.pth',
      'make epoch_1.pth',
    ])
  })

  test.each([
    [['meta', 'state_dict'], ['meta']],
    [['meta'], ['meta', 'state_dict']],
  ])('with keys %j and then %j is two files', (first, second) => {
    const run = aRun().upload(1)
    run.options({ published_keys: first }).end().options({ published_keys: second }).end()
    expect(hubOf(run).published()).toEqual(['epoch_1', 'epoch_1'])
  })

  test('is withdrawn after an older fact found late, once its successor is committed', () => {
    const run = aRun(PUBLISHING).upload(1, 2).metrics(2, { acc: 0.1 }).end()
    const hub = hubOf(run)
    expect(hub.published()).toEqual(['best_acc_epoch_2', 'epoch_2'])
    hub.jobs = false
    hub.see(...run.at(15).metrics(1, { acc: 0.9 }).observations.slice(-1))
    expect(hub.published()).toEqual(['best_acc_epoch_2', 'epoch_2'])
    hub.jobs = true
    expect(hub.settle().published()).toEqual(['best_acc_epoch_1', 'epoch_2'])
  })

  test('stays when later facts come, and when the next end publishes others', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.1).end()
    const hub = hubOf(run)
    hub.see(...run.upload(2).metrics(2, { acc: 0.9 }).observations.slice(-2))
    expect(hub.published()).toEqual(['best_acc_epoch_1', 'epoch_1'])
    hub.see(...run.end().observations.slice(-1))
    expect(hub.published()).toEqual(['best_acc_epoch_1', 'best_acc_epoch_2', 'epoch_1', 'epoch_2'])
  })

  test('stays when a later life uploads the same name again', () => {
    const run = aRun(PUBLISHING).upload(1, 2).end('epoch_2.pth')
    const hub = hubOf(run)
    const before = [...hub.artifacts.keys()]
    hub.see(...run.begin().upload(1, 2).observations.slice(-3))
    expect([...hub.artifacts.keys()]).toEqual(before)
  })

  test('is refused for good where its source is unfit, and the others go on', () => {
    const run = aRun(PUBLISHING).validated('acc', 0.9, 0.1).end()
    const hub = new AHub(run)
    hub.unfit.add('v3')
    hub.see(...run.observations, ...run.observations)
    expect(hub.published()).toEqual(['best_acc_epoch_1'])
    expect(hub.ledger.effects).toEqual([])
  })

  test('keeps its source until it is made', () => {
    const run = aRun({ ...PUBLISHING, max_keep_ckpts: 1, save_best: null })
    const hub = new AHub(run)
    hub.jobs = false
    hub.see(...run.upload(1).end().upload(2).observations)
    expect(hub.steps()).toEqual([1, 2])
    hub.jobs = true
    expect(hub.settle().steps()).toEqual([2])
    expect(hub.published()).toEqual(['epoch_1'])
  })
})

describe('the effects run dry (invariant 9)', () => {
  test('where the best has expired: the best that exists stands', () => {
    const run = aRun({ save_best: 'acc', max_keep_ckpts: 1 }).upload(1, 2).metrics(2, { acc: 0.1 })
    const hub = hubOf(run)
    hub.expired.add('v1')
    hub.see(...run.metrics(1, { acc: 0.9 }).observations.slice(-1))
    expect(hub.bestCopies()).toEqual(['best_acc_epoch_2.pth'])
    expect(answerOf(hub)).toBe('0.1 best_acc_epoch_2.pth')
    expect(hub.decide().outcome.problems.map(({ key }) => key)).toEqual([keyOf(1)])
  })

  test('where what an end found late publishes has expired', () => {
    const run = aRun({ ...PUBLISHING, max_keep_ckpts: 1 }).upload(1, 2)
    const hub = hubOf(run)
    hub.expired.add('v1')
    hub.see(...run.at(15).end().observations.slice(-1))
    expect(hub.published()).toEqual([])
    expect(hub.did('make')).toEqual(['epoch_1.pth'])
  })

  test('where two files of one name are refused', () => {
    const run = aRun(PUBLISHING).upload(1, 2).end().begin().upload(1, 2).end()
    const hub = new AHub(run)
    hub.unfit.add('v2')
    hub.unfit.add('v6')
    hub.see(...run.observations)
    expect(hub.published()).toEqual([])
    expect(hub.did('make')).toHaveLength(2)
  })

  test('where two ends publish the same file in other words', () => {
    const run = aRun()
    const saving = (save: boolean, keys: string[]) =>
      run.options({ published_keys: keys, save_optimizer: save }).end()
    run.upload(1)
    saving(true, ['meta', 'state_dict'])
    saving(false, ['state_dict', 'meta', 'ema_state_dict'])
    expect(hubOf(run).published()).toEqual(['epoch_1'])
  })

  test('and says of it what the first of them asked for, whichever had it made', () => {
    const run = aRun().upload(1)
    run.options({ published_keys: ['meta'] }).end()
    run.options({ published_keys: ['meta'], save_param_scheduler: false }).end()
    const late = new AHub(run).see(...run.observations.slice(-2)).see(...run.observations)
    const saidOf = (hub: AHub) =>
      [...hub.ledger.artifacts.values()].map((artifact) =>
        'identity' in artifact ? artifact.identity.droppedKeys : [],
      )
    expect(saidOf(hubOf(run))).toEqual([[]])
    expect(saidOf(late)).toEqual([[]])
  })

  test('and says so of a file, too, that a person has removed meanwhile', () => {
    const run = aRun().upload(1)
    run.options({ published_keys: ['meta'] }).end()
    run.options({ published_keys: ['meta'], save_param_scheduler: false }).end()
    const hub = new AHub(run).see(...run.observations.slice(-2), ...run.observations.slice(0, 1))
    const said = () =>
      [...hub.ledger.artifacts.values()].map((artifact) =>
        'identity' in artifact ? [artifact.state, artifact.identity.droppedKeys] : [],
      )
    expect(said()).toEqual([['current', ['param_schedulers']]])
    const [key = ''] = hub.ledger.artifacts.keys()
    hub.see({ kind: 'artifact', key, found: 'nothing', seconds: 90 }, ...run.observations)
    expect(said()).toEqual([['removed', []]])
  })

  test('but not where they publish it in two formats', () => {
    const run = aRun()
    run.upload(1)
    run.options({ published_keys: ['meta'] }).end()
    run.options({ published_keys: ['meta'], publish_format: 'safetensors' }).end()
    const made = hubOf(run).ledger.artifacts.values()
    const formats = [...made].map((each) => ('identity' in each ? each.identity.format : 'foreign'))
    expect(formats.toSorted()).toEqual(['safetensors', undefined])
  })

  test('where two metrics give their best copies one name', () => {
    const run = aRun({ save_best: ['a/b', 'a_b'], rule: 'greater' })
    const hub = hubOf(run.upload(1).metrics(1, { 'a/b': 1, a_b: 2 }))
    expect(hub.bestCopies()).toEqual(['best_a_b_epoch_1.pth'])
    expect(answerOf(hub, 'a/b')).toBe('1 best_a_b_epoch_1.pth')
    expect(answerOf(hub, 'a_b')).toBe('2 best_a_b_epoch_1.pth')
  })

  test('where one metric has its best under two rules in steps of one name', () => {
    const run = aRun().options({ save_best: 'x', rule: 'greater' }).upload(1, 2)
    run.metrics(1, { x: 9 }).metrics(2, { x: 8 }).begin()
    run.options({ save_best: 'x', rule: 'less' }).upload(1, 2)
    const hub = hubOf(run.metrics(1, { x: 1 }).metrics(2, { x: 2 }))
    expect(hub.bestCopies()).toEqual(['best_x_epoch_1.pth'])
    expect(answerOf(hub, 'x')).toBe('1 best_x_epoch_1.pth')
    expect(hub.artifacts.get('best_x_epoch_1.pth')).toBe('v8')
    hub.see(...run.options({ save_best: 'x', rule: 'greater' }).observations.slice(-1))
    expect(answerOf(hub, 'x')).toBe('9 best_x_epoch_1.pth')
    expect(hub.artifacts.get('best_x_epoch_1.pth')).toBe('v2')
  })
})

describe('a published file', () => {
  test('that a slow worker retired while nothing may be withdrawn yet is forgotten in the end', () => {
    const run = aRun(PUBLISHING).upload(1, 2).at(15).metrics(1, { acc: 0.5 }).end()
    const hub = hubOf(run)
    const entry = [...hub.ledger.artifacts].find(
      ([key, { state }]) => state === 'current' && /best_acc_epoch_1-/.test(key),
    )
    if (entry === undefined || !('object' in entry[1])) throw new Error('nothing is published')
    const [key, { object }] = entry
    hub.jobs = false
    hub.see(...run.at(16).metrics(2, { acc: 0.9 }).observations.slice(-1))
    const { versionId, etag } = object
    hub.carryOut({
      number: 999,
      action: { kind: 'retire', key, versionId, etag },
      sinceSeconds: 0,
      sentSeconds: undefined,
    })
    expect(hub.ledger.artifacts.get(key)?.state).toBe('superseded')
    hub.jobs = true
    hub.settle()
    expect(hub.published()).toEqual(['best_acc_epoch_2', 'epoch_2'])
    expect(hub.ledger.artifacts.has(key)).toBe(false)
  })
})

describe('a refusal', () => {
  test('for a global is tried again once the stack allows others, and stands until then', () => {
    const run = aRun({ ...PUBLISHING, save_best: 'acc' })
      .validated('acc', 0.9)
      .end()
    const hub = new AHub(run)
    hub.namesGlobal.add('v1')
    hub.see(...run.observations, ...run.observations)
    const made = () => hub.done.filter(({ kind }) => kind === 'make').length
    const refused = () => [...hub.ledger.artifacts.values()].map(({ state }) => state)
    const first = made()
    expect(refused()).toEqual(Array.from({ length: first }, () => 'refused'))
    hub.allowedGlobals = ['other.Thing']
    hub.settle().settle()
    expect(made()).toBe(2 * first)
    hub.allowedGlobals = ['own.Thing']
    hub.settle().settle()
    expect(made()).toBeGreaterThan(2 * first)
    expect(new Set(refused())).toEqual(new Set(['current']))
    expect(hub.artifacts.get('best_acc_epoch_1.pth')).toBe('v1')
    expect(hub.published()).toContain('best_acc_epoch_1')
  })

  test('for another reason is for good, whatever the stack allows', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.9)
    const hub = new AHub(run)
    hub.unfit.add('v1')
    hub.see(...run.observations)
    hub.allowedGlobals = ['own.Thing']
    hub.settle()
    expect(hub.done.filter(({ kind }) => kind === 'make')).toHaveLength(1)
  })

  test('leaves the copy of the same name that is there', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.9).upload(1)
    const hub = new AHub(run)
    hub.unfit.add('v3')
    hub.see(...run.observations)
    expect(hub.artifacts.get('best_acc_epoch_1.pth')).toBe('v1')
    expect(answerOf(hub)).toBe('0.9 best_acc_epoch_1.pth')
  })

  test('is forgotten with what was refused, whichever way it went (invariant 6)', () => {
    const run = aRun({ save_best: 'acc' }).validated('acc', 0.1, 0.9)
    const hubs = [run.observations, run.late().toReversed()].map((seen) => {
      const hub = new AHub(run)
      hub.unfit.add('v1')
      return hub.see(...seen)
    })
    for (const hub of hubs) {
      expect([...hub.ledger.artifacts.keys()]).toEqual(['exp/best_acc_epoch_2.pth'])
    }
  })
})

describe('a decision', () => {
  test('holds no more effects than a transaction does, and says that there is more', () => {
    const run = aRun({ max_keep_ckpts: 1 }).upload(...Array.from({ length: 60 }, (_, at) => at + 1))
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    const first = hub.decide()
    expect(first.ledger.effects).toHaveLength(EFFECTS_AT_ONCE)
    expect(first.more).toBe(true)
    expect(hub.settle().steps()).toEqual([60])
  })

  const step = fc.integer({ min: 1, max: 5 })
  const kinds = fc.constantFrom(
    'upload',
    'upload',
    'upload',
    'again',
    'torn',
    'metric',
    'metric',
    'remove',
    'begin',
    'end',
    'options',
  )
  const told = fc.array(fc.tuple(kinds, step), { maxLength: 18 })

  function runOf(events: [string, number][]): ARun {
    const run = aRun({ ...PUBLISHING, save_best: ['acc', 'loss'], max_keep_ckpts: 2 })
    for (const [at, [kind, step]] of events.entries()) {
      if (kind === 'upload') run.upload(step)
      if (kind === 'again') run.uploadLike({ bytes: 'same', multipart: at % 2 === 0 }, step)
      if (kind === 'torn') run.uploadLike({ torn: 'cut' }, step)
      if (kind === 'metric') run.metrics(step, { acc: (at * 3) % 4, loss: (at * 5) % 7 })
      if (kind === 'remove') run.remove(step)
      if (kind === 'begin') run.begin()
      if (kind === 'end') run.end(step > 3 ? `epoch_${step}.pth` : undefined)
      if (kind === 'options') run.options({ max_keep_ckpts: step, interval: (at % 2) + 1 })
    }
    return run
  }

  test('that was taken is not taken again (invariant 6)', () => {
    fc.assert(
      fc.property(told, (events) => {
        const hub = plannedFor(runOf(events))
        for (let round = 0; hub.decide().more && round < 9; round++) {
          hub.ledger = hub.decide().ledger
        }
        const again = hub.decide()
        expect(again.more).toBe(false)
        expect(again.ledger).toEqual(hub.ledger)
      }),
      { numRuns: 300 },
    )
  })

  test('leaves the ledger that was given as it was', () => {
    fc.assert(
      fc.property(told, (events) => {
        const { ledger } = hubOf(runOf(events))
        const before = structuredClone(ledger)
        decide(ledger, { bucket: 'b', brake: 0, unversioned: [], nowSeconds: 5 })
        expect(ledger).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })

  test('comes to an end, and then the bucket is as the fold says (invariants 7 and 9)', () => {
    fc.assert(
      fc.property(told, fc.constantFrom(0, 1, 10), (events, brake) => {
        const run = runOf(events)
        const hub = new AHub(run)
        hub.brake = brake
        hub.see(...run.observations)
        const { outcome, last } = hub.decide()
        for (const [id, fate] of outcome.fates) {
          const step = Number(id.split('#')[1])
          const isThere = hub.steps().includes(step)
          if (fate.kind === 'evicted' || fate.kind === 'removed') expect(isThere).toBe(false)
          else if (fate.kind !== 'kept' || fate.restorable) expect(isThere).toBe(true)
        }
        if (last !== undefined) expect(hub.steps()).toContain(last.step)
        for (const { key } of hub.ledger.answers.values()) {
          expect(hub.bestCopies()).toContain(nameOf(key))
        }
      }),
      { numRuns: 300 },
    )
  })

  test('leads to the same bucket in whatever order its facts are found (invariant 6)', () => {
    // When a person removes something depends on what the hub has done by then.
    const orderly = told.map((events) => events.filter(([kind]) => kind !== 'remove'))
    const shuffled = orderly.chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray([...events.keys()], { minLength: events.length }),
        fc.constantFrom(0, 1, 10),
      ),
    )
    const left = (hub: AHub) => ({
      steps: hub.steps(),
      artifacts: [...hub.artifacts.keys()].toSorted(),
      known: [...hub.ledger.artifacts]
        .map(([key, it]) => `${key} of ${'identity' in it ? it.identity.source.bytes : it.state}`)
        .toSorted(),
      answers: [...hub.ledger.answers].toSorted(),
      // Where nothing whole is left, the file stays as it was.
      last: hub.decide().last && hub.ledger.lastCheckpoint,
    })
    fc.assert(
      fc.property(shuffled, ([events, order, brake]) => {
        const run = runOf(events)
        const [inTime, late] = [new AHub(run), new AHub(run)]
        inTime.brake = brake
        late.brake = brake
        const seen = run.late()
        expect(left(late.see(...order.flatMap((at) => seen[at] ?? [])))).toEqual(
          left(inTime.see(...run.observations)),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('deletes only what was recorded for the run (invariant 4)', () => {
    fc.assert(
      fc.property(told, (events) => {
        const run = runOf(events)
        const uploaded = run.observations.flatMap((seen) =>
          seen.kind === 'checkpoint' ? [seen.key] : [],
        )
        const hub = hubOf(run)
        const made = hub.did('make')
        for (const action of hub.done) {
          if (action.kind === 'evict') expect(uploaded).toContain(action.key)
          if (action.kind === 'retire') {
            expect(nameOf(action.key).replace(/-[0-9a-f]{8}\.pth$/, '.pth')).toSatisfy(
              (name: string) => made.includes(name),
            )
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('about a result that is told twice is the same (invariant 7)', () => {
    const hub = plannedFor(aRun({ ...PUBLISHING, max_keep_ckpts: 1 }).validated('acc', 0.5, 0.1))
    for (const { number, action } of hub.ledger.effects) {
      if (action.kind === 'make') continue
      const seen = { kind: 'result', effect: number, action, result: { kind: 'done' } } as const
      const once = record(hub.ledger, seen)
      expect(record(once, seen)).toEqual(once)
    }
  })
})
