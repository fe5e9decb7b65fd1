import { describe, expect, test } from 'vitest'
import { type Folder, parseRun, type Run } from '../../../lib/hook/names.ts'
import {
  type Claim,
  destinationOf,
  foldersAbove,
  outDirText,
  parseOutDir,
} from '../../../lib/hook/out-dir.ts'
import { outDirProblems } from '../../../lib/hook/problems.ts'
import { AHub } from './a-hub.ts'
import { type ARun, aRun, fateOf } from './a-run.ts'

const REACH = { bucket: 'bucket', keyPrefix: '', outBuckets: ['other', 'third'] }
const GRANTED: Claim = { state: 'granted' }

describe('an out_dir', () => {
  test.each([
    ['exports', { bucket: undefined, prefix: 'exports' }],
    ['./exports', { bucket: undefined, prefix: 'exports' }],
    ['/exports//a/', { bucket: undefined, prefix: 'exports/a' }],
    ['/', { bucket: undefined, prefix: '' }],
    ['s3://other', { bucket: 'other', prefix: '' }],
    ['s3://other/', { bucket: 'other', prefix: '' }],
    ['s3://other/a b/größe', { bucket: 'other', prefix: 'a b/größe' }],
    ['x'.repeat(512), { bucket: undefined, prefix: 'x'.repeat(512) }],
    [`${'x/'.repeat(29)}x`, { bucket: undefined, prefix: `${'x/'.repeat(29)}x` }],
  ])('%j is read', (text, outDir) => {
    expect(parseOutDir(text)).toEqual(outDir)
    expect(parseOutDir(outDirText(outDir))).toEqual(outDir)
  })

  test.each([
    '',
    'a/../b',
    '..',
    's3://',
    's3://../x',
    's3:///x',
    's3://Other/x',
    's3://other:x/y',
    's3://*/x',
    'gs://other/x',
    'https://host/x',
    'S3://other/x',
    'x'.repeat(513),
    'x/'.repeat(31),
  ])('%j is none', (text) => {
    expect(parseOutDir(text)).toBeUndefined()
  })
})

test('an out_dir in another bucket is shown as it would be written', () => {
  expect(outDirText({ bucket: 'other', prefix: '' })).toBe('s3://other')
  expect(outDirText({ bucket: 'other', prefix: 'a' })).toBe('s3://other/a')
})

describe('a claim', () => {
  const claims = ({ ledger }: AHub) =>
    ledger.effects.flatMap(({ action }) => (action.kind === 'claim' ? action.folder : []))
  const planned = (run: ARun): AHub => {
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    hub.ledger = hub.decide().ledger
    return hub
  }

  test('is asked for beside whatever else there is to do, and once', () => {
    const hub = planned(aRun({ out_dir: 'a' }).upload(1, 2))
    expect(hub.ledger.effects.length).toBeGreaterThan(1)
    expect(claims(hub)).toEqual(['a/exp'])
    hub.ledger = hub.decide().ledger
    expect(claims(hub)).toEqual(['a/exp'])
  })

  test('is asked for of every folder that any options led to, at once', () => {
    const run = aRun({}).options({ out_dir: 'a' }).upload(1).options({ out_dir: 'b' }).upload(2)
    expect(claims(planned(run)).toSorted()).toEqual(['a/exp', 'b/exp'])
  })

  test('is asked for of the folder of the stack, where an end came before the first options', () => {
    const run = aRun({ out_dir: 'stack', published_keys: ['meta'] })
      .upload(1)
      .end()
    expect(claims(planned(run.options({ out_dir: 'a' }))).toSorted()).toEqual([
      'a/exp',
      'stack/exp',
    ])
  })
})

describe('the destination of what is made', () => {
  const leads = (run: string, outDir: string, claims: [string, Claim][] = [], reach = REACH) =>
    destinationOf(parseRun(run), parseOutDir(outDir), new Map(claims), reach)

  test('is the run itself without an out_dir', () => {
    expect(destinationOf(parseRun('a/b'), undefined, new Map(), REACH)).toEqual({
      folder: 'a/b',
      isReady: true,
      fault: undefined,
    })
  })

  test.each([
    ['work/run1', 'exports', 'exports/run1'],
    ['work/run1', '/', 'run1'],
    ['work/run1/', 'exports', 'exports/run1'],
    ['work/run1//', 'exports', 'exports/run1'],
    ['work/run1////', 'exports', 'exports/run1'],
    ['work/run1', 'work/run1/out', 'work/run1/out/run1'],
    ['work/run1', 's3://bucket/exports', 'exports/run1'],
    ['work/run1', 's3://other/exports', 's3://other/exports/run1'],
    ['work/run1', 's3://other', 's3://other/run1'],
  ])('of %j under %j is %j, once that is claimed', (run, outDir, folder) => {
    expect(leads(run, outDir)).toEqual({ folder, isReady: false, fault: undefined })
    expect(leads(run, outDir, [[folder, GRANTED]])).toEqual({
      folder,
      isReady: true,
      fault: undefined,
    })
  })

  test.each(['work/run1', 'work', 's3://bucket/work', 's3://bucket/work/run1'])(
    'of work/run1 under %j is the run itself, as in the hook',
    (outDir) => {
      expect(leads('work/run1', outDir)).toEqual({
        folder: 'work/run1',
        isReady: true,
        fault: undefined,
      })
    },
  )

  test.each([
    ['the root has no name', '.', 'exports', 'needs the name of the run'],
    ['slashes are none', '///', 'exports', 'needs the name of the run'],
    ['".." is no name', 'a/..', 'exports', 'needs the name of the run'],
    ['not given to the stack', 'a/b', 's3://foreign/x', 'bucket, other, third'],
    ['of a directory checkpoint', 'a/epoch_50', 'exports', 'a directory checkpoint'],
    ['within one', 'a/b', 'exports/iter_3.pth', 'a directory checkpoint'],
    ['reserved', 'a/b', '.checkpoint-hub', 'reserved'],
  ])('is the run itself where the folder is unusable: %s', (_, run, outDir, reason) => {
    const { folder, isReady, fault } = leads(run, outDir)
    expect([folder, isReady]).toEqual([parseRun(run), true])
    expect(fault).toContain(reason)
  })

  test('is the run itself where the stack looks at other keys only', () => {
    const reach = { ...REACH, keyPrefix: 'exps/' }
    expect(leads('exps/a', 'exports', [], reach).fault).toContain('"exps/"')
    expect(leads('exps/a', 'exps/out', [], reach).folder).toBe('exps/out/a')
    expect(leads('exps/a', 's3://other/out', [], reach).folder).toBe('s3://other/out/a')
  })

  test('is the run itself where the claim was refused, and says why', () => {
    const claim: Claim = { state: 'refused', reason: 'is claimed by the run "x"' }
    expect(leads('work/a', 'exports', [['exports/a', claim]])).toEqual({
      folder: 'work/a',
      isReady: true,
      fault: 'is claimed by the run "x"',
    })
  })
})

test('the folders above one are those that hold it, the root of the bucket apart', () => {
  expect(foldersAbove('a/b/c' as Folder)).toEqual(['a', 'a/b'])
  expect(foldersAbove('a' as Folder)).toEqual([])
  expect(foldersAbove('s3://other/a/b' as Folder)).toEqual(['s3://other/a'])
  expect(foldersAbove('s3://other/a' as Folder)).toEqual([])
})

describe('the files of a run with an out_dir', () => {
  const OUT = { out_dir: 'out', save_best: 'acc', published_keys: ['meta'] }
  const hubOf = (run: ARun, change: (hub: AHub) => void = () => {}) => {
    const hub = new AHub(run)
    change(hub)
    return hub.see(...run.observations)
  }
  const files = (hub: AHub) =>
    [...hub.artifacts.keys()].map((key) => key.replace(/-[0-9a-f]{8}\.pth$/, '-sha.pth')).toSorted()
  /** What is wrong, which is always an error of the `out_dir`. */
  const problems = (hub: AHub) =>
    outDirProblems(hub.ledger, hub.decide().destination).map(({ severity, field, key, reason }) => {
      expect([severity, field]).toEqual(['error', 'out_dir'])
      return [key, reason]
    })

  test('go there, and last_checkpoint stays in the run', () => {
    const hub = hubOf(aRun(OUT).validated('acc', 0.1, 0.9, 0.5).end())
    expect(files(hub)).toEqual([
      'out/exp/best_acc_epoch_2-sha.pth',
      'out/exp/best_acc_epoch_2.pth',
      'out/exp/epoch_3-sha.pth',
    ])
    expect(hub.ledger.answers.get('acc')).toEqual({
      score: 0.9,
      key: 'out/exp/best_acc_epoch_2.pth',
    })
    expect(hub.ledger.lastCheckpoint).toBe('s3://bucket/exp/epoch_3.pth')
    expect(problems(hub)).toEqual([])
  })

  test('are not written before the folder is claimed, and their sources wait', () => {
    const run = aRun({ ...OUT, max_keep_ckpts: 1 })
      .validated('acc', 0.9, 0.1)
      .end()
    const hub = new AHub(run)
    for (const seen of run.observations) hub.put(seen)
    hub.ledger = hub.decide().ledger
    expect(hub.pending().filter((each) => !each.startsWith('write'))).toEqual(['claim out/exp'])
    hub.settle()
    expect(hub.steps()).toEqual([2])
    const kinds = hub.done.map(({ kind }) => kind)
    expect(kinds.indexOf('claim')).toBeLessThan(kinds.indexOf('make'))
    expect(kinds.indexOf('make')).toBeLessThan(kinds.indexOf('evict'))
  })

  test('stay in the run where another has the folder, which is a problem', () => {
    const hub = hubOf(aRun().options(OUT).validated('acc', 0.9, 0.5).end(), ({ taken }) =>
      taken.add('out/exp'),
    )
    expect(files(hub)).toEqual([
      'best_acc_epoch_1-sha.pth',
      'best_acc_epoch_1.pth',
      'epoch_2-sha.pth',
    ])
    expect(problems(hub)).toEqual([
      ['exp/checkpoint_hook.json', expect.stringContaining('is claimed by another')],
    ])
  })

  test('stay in the run where the bucket was not given, and go there once it is', () => {
    const run = aRun({ ...OUT, out_dir: 's3://other/x' })
      .validated('acc', 0.9, 0.5)
      .end()
    const hub = hubOf(run)
    expect(files(hub)[1]).toBe('best_acc_epoch_1.pth')
    expect(problems(hub)).toEqual([
      ['exp/checkpoint_hook.json', expect.stringContaining('it may write to bucket.')],
    ])
    hub.reach = { keyPrefix: '', outBuckets: ['other'] }
    hub.settle()
    expect(files(hub)).toEqual([
      's3://other/x/exp/best_acc_epoch_1-sha.pth',
      's3://other/x/exp/best_acc_epoch_1.pth',
      's3://other/x/exp/epoch_2-sha.pth',
    ])
    expect(problems(hub)).toEqual([])
  })

  test('ask again with other options, and move once there is room', () => {
    const run = aRun().options(OUT).validated('acc', 0.9, 0.5)
    const hub = hubOf(run, ({ taken }) => taken.add('out/exp'))
    hub.taken.clear()
    hub.settle()
    expect(files(hub)).toEqual(['best_acc_epoch_1.pth'])
    hub.see(...run.options({ ...OUT, max_keep_ckpts: 5 }).observations.slice(-1))
    expect(files(hub)).toEqual(['out/exp/best_acc_epoch_1.pth'])
  })

  test('follow other options if they are a best, which goes nowhere before the new one is there', () => {
    const run = aRun().options(OUT).validated('acc', 0.9, 0.5).end()
    const hub = hubOf(run)
    hub.jobs = false
    hub.see(...run.options({ ...OUT, out_dir: 'new' }).observations.slice(-1))
    expect(hub.ledger.answers.get('acc')?.key).toBe('out/exp/best_acc_epoch_1.pth')
    hub.jobs = true
    hub.settle()
    expect(files(hub)).toEqual([
      'new/exp/best_acc_epoch_1.pth',
      'out/exp/best_acc_epoch_1-sha.pth',
      'out/exp/epoch_2-sha.pth',
    ])
    expect(hub.ledger.answers.get('acc')?.key).toBe('new/exp/best_acc_epoch_1.pth')
    expect(hub.decide().outcome.publishDue).toBe(true)
    hub.see(...run.end().observations.slice(-1))
    expect(files(hub).slice(0, 3)).toEqual([
      'new/exp/best_acc_epoch_1-sha.pth',
      'new/exp/best_acc_epoch_1.pth',
      'new/exp/epoch_2-sha.pth',
    ])
  })

  test('are claimed by all options, so that the claims are the same in any order', () => {
    const run = aRun(OUT)
    run.options({ out_dir: 'first' }).upload(1).options({ out_dir: 'second' }).options({})
    const inOrder = hubOf(run)
    const late = new AHub(run)
    for (const seen of run.observations.toReversed()) late.put(seen).settle()
    const claimed = (hub: AHub) => [...hub.ledger.claims.keys()].toSorted()
    expect(claimed(inOrder)).toEqual(['first/exp', 'out/exp', 'second/exp'])
    expect(claimed(late)).toEqual(claimed(inOrder))
  })

  test('are not made in a run whose prefix is another’s, and their source is kept', () => {
    const run = aRun({ save_best: 'acc', published_keys: ['meta'], max_keep_ckpts: 1 })
    run.validated('acc', 0.9, 0.5, 0.4).end()
    const hub = hubOf(run, (each) => {
      each.ledger = { ...each.ledger, claimedBy: 'work/exp' as Run }
    })
    expect(files(hub)).toEqual([])
    expect(fateOf(hub.decide().outcome, 1)?.kind).toBe('evicted')
    expect(hub.steps()).toEqual([1, 3])
    const refusals = [...hub.ledger.artifacts.values()].map((artifact) =>
      artifact.state === 'refused' ? artifact.reason : artifact.state,
    )
    expect(new Set(refusals)).toEqual(
      new Set([
        'the out_dir of the run "work/exp" leads here, so that files of this name may be its own; upload into another prefix',
      ]),
    )
    expect(problems(hub)).toEqual([['exp/', expect.stringContaining('"work/exp"')]])
  })

  test('are made there even so, if its own out_dir leads elsewhere', () => {
    const hub = hubOf(aRun(OUT).validated('acc', 0.9), (each) => {
      each.ledger = { ...each.ledger, claimedBy: 'work/exp' as Run }
    })
    expect(files(hub)).toEqual(['out/exp/best_acc_epoch_1.pth'])
  })
})
