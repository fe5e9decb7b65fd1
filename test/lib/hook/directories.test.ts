/** Directory checkpoints in the pure core: one upload fact each, like a file, but for what cannot be made of them. */
import { describe, expect, it } from 'vitest'
import type { Upload } from '../../../lib/hook/history.ts'
import { checkpointFacts, sameBytes } from '../../../lib/hook/history.ts'
import { isDirectory, nameOf, parseRun, pathOf, runsAbove } from '../../../lib/hook/names.ts'
import { overruled, UNMARKED, withoutOverlaidLosses } from '../../../lib/hook/record-directory.ts'
import { AHub, hubOf } from './a-hub.ts'
import { aRun } from './a-run.ts'

const directory = { template: 'epoch_{}.pth/' }
const bare = { template: 'epoch_{}/' }

describe('a directory', () => {
  it.each([directory, bare])('stands in the deque like a file (%o)', (traits) => {
    const run = aRun({ max_keep_ckpts: 2 }).uploadLike(traits, 1, 2, 3)
    const hub = hubOf(run)
    expect(hub.steps()).toEqual([2, 3])
    expect(hub.ledger.lastCheckpoint).toMatch(/^s3:\/\/bucket\/exp\/epoch_3(\.pth)?$/)
  })

  it('stands beside files of other steps', () => {
    const run = aRun({ max_keep_ckpts: 2 }).upload(1).uploadLike(directory, 2).uploadLike(bare, 3)
    expect(hubOf(run).steps()).toEqual([2, 3])
  })

  it('beside a file of its step does not count, and stays', () => {
    const run = aRun({ max_keep_ckpts: 1 }).uploadLike(directory, 1).upload(1, 2)
    expect(hubOf(run).checkpoints()).toEqual(['epoch_1.pth', 'epoch_2.pth'])
    expect(run.outcome().problems).toMatchObject([{ key: 'exp/epoch_1.pth/', severity: 'warning' }])
  })

  it('that is not whole is kept, with the reason', () => {
    const run = aRun().uploadLike({ ...directory, torn: 'waits for rank_1.pt' }, 1)
    const fate = { kind: 'torn', reason: 'kept: not whole: waits for rank_1.pt', member: false }
    expect([...run.outcome().fates.values()]).toEqual([fate])
    expect([...run.upload(2).outcome().fates.values()]).toContainEqual(fate)
  })

  it('that is whole counts before a torn file of its step', () => {
    const run = aRun().uploadLike(directory, 1).uploadLike({ torn: 'half' }, 1)
    expect(hubOf(run).ledger.lastCheckpoint).toBe('s3://bucket/exp/epoch_1.pth')
    expect(run.outcome().lastInOrder.map(({ key }) => key)).toEqual(['exp/epoch_1.pth/'])
  })

  it('is what an end waits for, by its name', () => {
    const run = aRun({ published_keys: ['meta'] })
      .end('epoch_2.pth')
      .uploadLike(directory, 2)
    expect(run.outcome().endings).toMatchObject([{ publications: [{ name: 'epoch_2.pth' }] }])
  })
})

describe('the best checkpoint, where it is a directory', () => {
  const run = () =>
    aRun({ max_keep_ckpts: 1, save_best: 'acc' })
      .uploadLike(directory, 1)
      .metrics(1, { acc: 0.9 })
      .uploadLike(directory, 2, 3)

  it('is not copied, with the reason, and stays itself', () => {
    const hub = hubOf(run())
    expect(hub.did('make')).toEqual([])
    expect(hub.checkpoints()).toEqual(['epoch_1.pth', 'epoch_3.pth'])
    expect([...hub.ledger.artifacts]).toMatchObject([
      [
        expect.stringMatching(/^exp\/best_acc_epoch_1-refused-[0-9a-f]{8}\.pth$/),
        { state: 'refused', reason: expect.stringMatching(/rewritten/) },
      ],
    ])
    expect(run().outcome().keepCkptIds).toEqual([3])
    expect(run().outcome().fates.get('epoch#0000000000000001')?.reason).toBe(
      'kept: the best acc, and a directory is not copied',
    )
    expect(hub.ledger.answers.get('acc')).toEqual({ score: 0.9, key: 'exp/epoch_1.pth/' })
  })

  it('leaves no copy of a lesser best, whichever was seen first', () => {
    const mixed = aRun({ save_best: 'acc' })
      .validated('acc', 0.1)
      .uploadLike(directory, 2)
      .metrics(2, { acc: 0.9 })
    for (const seen of [mixed.observations, mixed.late().toReversed()]) {
      const hub = new AHub(mixed).see(...seen)
      expect(hub.bestCopies()).toEqual([])
      expect(hub.ledger.answers.get('acc')).toEqual({ score: 0.9, key: 'exp/epoch_2.pth/' })
    }
  })

  it('is no answer once another life has saved its step again', () => {
    const again = aRun({ save_best: 'acc' })
      .uploadLike(directory, 1, 2)
      .metrics(2, { acc: 0.9 })
      .begin()
      .uploadLike(directory, 1, 2)
    expect(hubOf(again).ledger.answers.get('acc')).toBeUndefined()
  })

  it('comes back where its score is late', () => {
    const late = aRun({ max_keep_ckpts: 1, save_best: 'acc' })
      .uploadLike(directory, 1, 2, 3)
      .metrics(1, { acc: 0.9 })
    expect(hubOf(late).checkpoints()).toEqual(['epoch_1.pth', 'epoch_3.pth'])
  })

  it('goes once a better one is there', () => {
    const hub = hubOf(run().metrics(3, { acc: 0.95 }))
    expect(hub.checkpoints()).toEqual(['epoch_3.pth'])
    expect([...hub.ledger.artifacts.values()]).toMatchObject([
      { identity: { name: 'best_acc_epoch_3.pth' } },
    ])
  })

  it('is refused under one entry, whether another of its name was before or not', () => {
    const twice = aRun({ save_best: 'acc' })
      .uploadLike(directory, 1)
      .metrics(1, { acc: 0.5 })
      .begin()
      .uploadLike(directory, 1)
      .metrics(1, { acc: 0.9 })
    const [first, ...others] = [twice.observations, twice.late().toReversed()].map((seen) => {
      const { artifacts } = new AHub(twice).see(...seen).ledger
      return [...artifacts].map(([key, { state }]) => [key, state])
    })
    expect(first).toHaveLength(1)
    expect(others).toEqual([first])
  })
})

describe('what a slow worker brought back of a directory over its next save (invariant 8)', () => {
  const KEY = 'exp/epoch_1.pth/'
  const run = () => aRun({ max_keep_ckpts: 1 }).uploadLike(directory, 1, 2, 1, 3)
  const liveOf = (hub: AHub) =>
    hub.decide().outcome.standings.get('epoch#0000000000000001')?.fact.live

  it('goes, where that save was evicted', () => {
    const hub = hubOf(run()).lateRestore(KEY, 'v1')
    expect(hub.steps()).toEqual([1, 3])
    expect(hub.settle().steps()).toEqual([3])
    expect(hub.decide().outcome.survey.lives).toHaveLength(1)
  })

  it('goes first, and that save comes back, where it is to stay', () => {
    const pinned = run()
    const hub = hubOf(pinned)
      .lateRestore(KEY, 'v1')
      .see(...pinned.pin(1).observations)
    expect(hub.done.slice(-2)).toMatchObject([
      { kind: 'evict', key: KEY, versionId: 'restored 1' },
      { kind: 'restore', key: KEY, versionId: 'v3' },
    ])
    expect(hub.steps()).toEqual([1, 3])
    expect(liveOf(hub)).toMatchObject({ restores: 'v3' })
    expect(hub.decide().ledger.effects).toEqual([])
  })

  it('is left until its eviction is done', () => {
    const pinned = run()
    const hub = hubOf(pinned).lateRestore(KEY, 'v1')
    for (const each of pinned.pin(1).observations) hub.put(each)
    hub.ledger = hub.decide().ledger
    const kinds = () => hub.ledger.effects.map(({ action }) => action.kind)
    expect(kinds()).toEqual(['evict'])
    hub.ledger = hub.decide().ledger
    expect(kinds()).toEqual(['evict'])
  })

  it('goes whatever else is under way, also where no eviction stands any more', () => {
    const pinned = run()
    const hub = hubOf(pinned).lateRestore(KEY, 'v1')
    for (const each of pinned.pin(1).observations) hub.put(each)
    const other = { id: 'epoch#2', key: 'exp/epoch_2.pth/', versionId: 'v2', etag: 'e' }
    const effect = { number: 90, sinceSeconds: 1, sentSeconds: undefined }
    const withdrawn = [{ versionId: 'v3', seconds: 1 }]
    hub.ledger = {
      ...hub.ledger,
      checkpoints: new Map([['epoch#0000000000000001', { evicted: undefined, withdrawn }]]),
      effects: [{ ...effect, action: { kind: 'evict', ...other } }],
    }
    const decided = hub.decide().ledger.effects.map(({ action }) => action)
    expect(decided).toContainEqual(
      expect.objectContaining({ kind: 'evict', key: KEY, versionId: 'restored 1' }),
    )
  })

  it('counts as an upload where it is torn, as files of the next save may lie there', () => {
    const told = run()
    const hub = hubOf(told)
    const facts = hub.ledger.history.steps.get('epoch#0000000000000001')
    const [older] = facts?.uploads ?? []
    if (facts === undefined || older === undefined) throw new Error('no facts')
    const late: Upload = { ...older, versionId: 'late', restores: 'v1', fault: 'lacks a file' }
    const uploads = [...facts.uploads, late]
    expect(checkpointFacts({ ...facts, uploads }, KEY)).toMatchObject([{}, {}, { first: late }])
  })
})

describe('a directory that was to be published', () => {
  it('is not, with the reason, and stays', () => {
    const run = aRun({ max_keep_ckpts: 1, published_keys: ['meta'] })
      .uploadLike(directory, 1)
      .end()
      .begin()
      .uploadLike(directory, 2, 3)
    const hub = hubOf(run)
    expect(hub.did('make')).toEqual([])
    expect(hub.checkpoints()).toEqual(['epoch_1.pth', 'epoch_3.pth'])
    expect([...hub.ledger.artifacts]).toMatchObject([
      [
        expect.stringMatching(/^exp\/epoch_1-refused-[0-9a-f]{8}\.pth$/),
        { state: 'refused', identity: { kind: 'published' } },
      ],
    ])
    expect(hub.decide().ledger.effects).toEqual([])
    expect(hub.decide().outcome.fates.get('epoch#0000000000000001')?.reason).toBe(
      'kept: to be published, and a directory is not copied',
    )
  })
})

describe('what is seen of a directory', () => {
  const upload = (versionId: string, traits: Partial<Upload> = {}): Upload => ({
    key: 'exp/epoch_1.pth/',
    versionId,
    etag: 'e',
    sizeBytes: 10,
    seconds: 1,
    fingerprint: 'f',
    fault: undefined,
    restores: undefined,
    gone: false,
    directory: { marker: '.metadata', files: 2, removed: 0 },
    ...traits,
  })
  const torn = { fault: 'waits', fingerprint: undefined }
  const seeing = (uploads: Upload[], marker?: object) => ({
    key: 'exp/epoch_1.pth/',
    uploads,
    listed: uploads.map(({ versionId }) => versionId),
    marker,
  })

  it('takes the place of what was, while it is the current one', () => {
    const whole = upload('v1')
    expect(overruled([upload('v1', torn)], seeing([whole]))).toEqual({
      known: [],
      uploads: [whole],
    })
    const again = upload('v1', torn)
    expect(overruled([whole], seeing([again]))).toEqual({ known: [], uploads: [again] })
  })

  it('does not make torn what was whole and is no longer the current one', () => {
    const whole = upload('v1')
    const seen = seeing([upload('v1', torn), upload('v2')])
    expect(overruled([whole], seen).known).toEqual([whole])
    expect(overruled([whole], seeing([upload('v1', torn)], {})).known).toEqual([whole])
  })

  it('remembers what the bucket no longer had when it was needed', () => {
    const gone = upload('v1', { gone: true })
    expect(overruled([gone], seeing([upload('v1')])).known).toEqual([gone])
    expect(overruled([gone], seeing([upload('v1', torn)])).known).toEqual([gone])
  })

  it('takes the place of what was gone, where its marker came first and its own files are there', () => {
    const gone = upload('v1', { gone: true })
    const own = upload('v1', { fingerprint: 'of its own files' })
    expect(overruled([gone], seeing([own], {}))).toEqual({ known: [], uploads: [own] })
  })

  it('by the marker that comes first replaces what the other one said', () => {
    const complete = { directory: { marker: '.complete.json', files: 3, removed: 0 } }
    expect(overruled([upload('v1')], seeing([upload('v2', complete)])).known).toEqual([])
  })

  it('replaces that there was no marker, and leaves other keys alone', () => {
    const unmarked = upload(UNMARKED, { directory: { marker: undefined, files: 0, removed: 0 } })
    const file = { marker: undefined, files: 1, removed: 0 }
    const other = upload('v0', { key: 'exp/epoch_1.pth', directory: file })
    expect(overruled([unmarked, other], seeing([upload('v1')])).known).toEqual([other])
    expect(overruled([unmarked, other], seeing([])).known).toEqual([other])
  })

  it('is whole after all where files came late, or is torn in another way, though not current', () => {
    const whole = upload('v1')
    const seen = seeing([whole, upload('v2')])
    expect(overruled([upload('v1', torn)], seen)).toEqual({ known: [], uploads: seen.uploads })
    const otherwise = seeing([upload('v1', { ...torn, fault: 'waits for one' }), upload('v2')])
    expect(overruled([upload('v1', torn)], otherwise).uploads).toEqual(otherwise.uploads)
    const missing = upload('v1', { directory: { marker: '.metadata', files: 2, removed: 1 } })
    expect(overruled([whole], seeing([missing], {}))).toEqual({ known: [], uploads: [missing] })
  })

  it('is not mistaken for a file of the same version', () => {
    const file = upload('v1', { key: 'exp/epoch_1.pth' })
    const seen = seeing([upload('v1', torn)], {})
    expect(overruled([file], seen)).toEqual({ known: [file], uploads: seen.uploads })
  })

  it('by one of two markers replaces what the other one said, though that is there, too', () => {
    const complete = { directory: { marker: '.complete.json', files: 3, removed: 0 } }
    const seen = seeing([upload('v2', complete), upload('v3')])
    expect(overruled([upload('v1')], seen).known).toEqual([])
  })

  it('without a marker has a version of its own, which the table shows', () => {
    expect(UNMARKED).toBe('unmarked')
  })

  it('is the same bytes by its fingerprint alone: a marker may name other files of the same sizes', () => {
    expect(sameBytes(upload('v1'), upload('v2', { etag: 'other' }))).toBe(true)
    expect(sameBytes(upload('v1'), upload('v2', { fingerprint: 'g' }))).toBe(false)
    expect(sameBytes(upload('v1', torn), upload('v2', torn))).toBe(false)
  })
})

describe('the key of a directory', () => {
  it('ends with a slash, which its name and its path do not', () => {
    expect([isDirectory('exp/epoch_1/'), isDirectory('exp/epoch_1')]).toEqual([true, false])
    expect([nameOf('exp/epoch_1/'), pathOf('exp/epoch_1/')]).toEqual(['epoch_1', 'exp/epoch_1'])
  })

  it.each([
    ['exp/m-5.pt/rank_0.bin', ['exp']],
    ['m-5.pt/deep/rank_0.bin', ['.']],
    ['a1/m-5/x.bin', ['.', 'a1']],
    ['exp/m-05/x.bin', []],
    ['exp/20260101_120000/config.py', []],
    ['exp/notes.txt', []],
    ['.checkpoint-hub/m-5/x.bin', []],
  ])('of a template of its own may lie in runs above %s', (key, runs) => {
    expect(runsAbove(key)).toEqual(runs.map(parseRun))
  })
})

describe('that a directory could not come back', () => {
  const key = 'exp/epoch_1.pth/'
  const upload = (versionId: string, traits: Partial<Upload> = {}): Upload => ({
    key,
    versionId,
    etag: 'e',
    sizeBytes: 10,
    seconds: 1,
    fingerprint: versionId,
    fault: undefined,
    restores: undefined,
    gone: false,
    ...(isDirectory(traits.key ?? key) && {
      directory: { marker: '.metadata', files: 2, removed: 0 },
    }),
    ...traits,
  })
  const goneIn = (...uploads: Upload[]) =>
    withoutOverlaidLosses({ series: 'epoch', step: 1, uploads, metrics: [], removal: undefined })
      .uploads.filter(({ gone }) => gone)
      .map(({ versionId }) => versionId)
  const gone = upload('v1', { gone: true })

  it('is remembered while it is the newest of its key', () => {
    expect(goneIn(gone)).toEqual(['v1'])
    expect(goneIn(gone, upload('v2', { fingerprint: 'v1' }))).toEqual(['v1'])
    expect(goneIn(gone, upload('v2', { key: 'exp/epoch_1/' }))).toEqual(['v1'])
  })

  it.each([
    ['whole', {}],
    ['torn', { fault: 'waits', fingerprint: undefined }],
  ])('is forgotten once another save lies over it, a %s one too', (_, traits) => {
    expect(goneIn(gone, upload('v2', traits))).toEqual([])
  })

  it('is no matter of files, which leave a copy', () => {
    const file = { key: 'exp/epoch_1.pth', etag: 'v1' }
    const over = upload('v2', { ...file, etag: 'v2' })
    expect(goneIn(upload('v1', { ...file, gone: true }), over, gone)).toEqual(['v1', 'v1'])
  })

  it('has the same best whether it was tried before the next save or not', () => {
    const run = aRun({ save_best: 'acc', max_keep_ckpts: 1 })
      .uploadLike(directory, 1, 2)
      .metrics(2, { acc: 0.5 })
      .uploadLike(directory, 3)
      .metrics(1, { acc: 0.9 })
      .uploadLike(directory, 1)
    const ends = [[], ['v1']].map((expired) => {
      const hub = new AHub(run)
      for (const versionId of expired) hub.expired.add(versionId)
      const { ledger } = hub.see(...run.observations)
      return { answers: ledger.answers, problems: hub.decide().outcome.problems }
    })
    expect(ends[1]).toEqual(ends[0])
  })
})
