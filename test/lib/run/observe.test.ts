import { beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../../lib/bucket/bucket.ts'
import { type Artifact, emptyLedger, type Ledger } from '../../../lib/hook/ledger.ts'
import type { Run } from '../../../lib/hook/names.ts'
import { type Observation, record } from '../../../lib/hook/record.ts'
import { observe } from '../../../lib/run/observe.ts'
import { runsOfKey } from '../../../lib/run/places.ts'
import { put, remove } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { callsOf } from '../bucket/wire.ts'
import { checkpoint, RUN } from './worker.ts'

const store = storeOfFile()
let bucket: Bucket
const ledger = emptyLedger(RUN, { interval: 1 })

beforeEach(async () => {
  bucket = await store.newBucket()
})

describe('a checkpoint', () => {
  const key = `${RUN}/epoch_1.pth`

  test('is seen with every version that is not recorded, from the oldest', async () => {
    const one = await put(bucket, key, checkpoint('one'))
    const two = await put(bucket, key, 'torn')
    expect(await observe(bucket, ledger, key)).toMatchObject([
      {
        kind: 'checkpoint',
        series: 'epoch',
        step: 1,
        key,
        uploads: [
          { versionId: one.versionId, fault: undefined, seconds: one.seconds },
          { versionId: two.versionId, fault: expect.stringMatching(/./) },
        ],
        listed: [one.versionId, two.versionId],
        marker: undefined,
      },
    ])
  })

  test('that is recorded is listed, and not read again', async () => {
    await put(bucket, key, checkpoint('one'))
    const known = recorded(await observe(bucket, ledger, key))
    const two = await put(bucket, key, checkpoint('two'))
    const calls = callsOf(bucket.s3)
    const [seen] = await observe(bucket, known, key)
    expect(seen).toMatchObject({ uploads: [{ versionId: two.versionId }] })
    expect(await observe(bucket, recorded([seen], known), key)).toMatchObject([{ uploads: [] }])
    // A list for each look, one range for the one new version, which is all of it.
    expect(calls.filter((name) => name === 'ListObjectVersions')).toHaveLength(2)
    expect(calls.filter((name) => name === 'GetObject')).toHaveLength(1)
  })

  test('that was deleted is seen with the marker and what lies below it', async () => {
    const { versionId } = await put(bucket, key, checkpoint('one'))
    await remove(bucket, key)
    expect(await observe(bucket, ledger, key)).toMatchObject([
      { uploads: [{ versionId }], listed: [versionId], marker: { above: versionId } },
    ])
  })

  test('that never was is seen as nothing', async () => {
    expect(await observe(bucket, ledger, key)).toEqual([
      {
        kind: 'checkpoint',
        series: 'epoch',
        step: 1,
        key,
        uploads: [],
        listed: [],
        marker: undefined,
      },
    ])
  })
})

describe('a control file', () => {
  test('is a fact in each of its versions, in their order', async () => {
    const key = `${RUN}/before_train.json`
    await put(bucket, key, '')
    await put(bucket, key, '{"resume_from": "epoch_2.pth"}')
    await put(bucket, key, '{')
    expect(await observe(bucket, ledger, key)).toMatchObject([
      {
        kind: 'begin',
        facts: [
          { ordinal: 0, resumeFrom: undefined, fault: undefined },
          { ordinal: 1, resumeFrom: 'epoch_2.pth', fault: undefined },
          { ordinal: 2, resumeFrom: undefined, fault: { field: 'text' } },
        ],
      },
    ])
  })

  test('counts its versions on from those that are recorded', async () => {
    const key = `${RUN}/after_train.json`
    await put(bucket, key, '')
    const known = recorded(await observe(bucket, ledger, key))
    await put(bucket, key, '{"last": "epoch_2.pth"}')
    expect(await observe(bucket, known, key)).toMatchObject([
      { kind: 'end', facts: [{ ordinal: 1, last: 'epoch_2.pth' }] },
    ])
    expect(await observe(bucket, recorded(await observe(bucket, known, key), known), key)).toEqual([
      { kind: 'end', facts: [] },
    ])
  })

  test('whose earlier version expired is seen with what is left', async () => {
    const key = `${RUN}/checkpoint_hook.json`
    const { versionId } = await put(bucket, key, '{"interval": 2}')
    await put(bucket, key, '{"interval": 3}')
    await remove(bucket, key, versionId)
    expect(await observe(bucket, ledger, key)).toMatchObject([
      { kind: 'options', facts: [{ ordinal: 0, named: { interval: 3 } }] },
    ])
  })
})

describe('a metric file', () => {
  const key = `${RUN}/metrics/any name.json`

  test('is read as an event, with its key and the time of its version', async () => {
    const event = '{"epoch": 3, "iter": 1500, "metrics": {"acc": NaN, "loss": null, "zero": -0.0}}'
    const { seconds, versionId } = await put(bucket, key, event)
    const facts = [
      { metric: 'acc', value: Number.NaN, position: 0 },
      { metric: 'loss', value: null, position: 1 },
      { metric: 'zero', value: 0, position: 2 },
    ].map((fact) => ({ ...fact, seconds, source: 'event', key, ordinal: 0, versionId: undefined }))
    expect(await observe(bucket, ledger, key)).toEqual([
      { kind: 'metrics', series: 'epoch', step: 3, facts },
      { kind: 'metrics', series: 'iter', step: 1500, facts },
      { kind: 'source', key, versionIds: [versionId], faults: [] },
    ])
  })

  test('has the later line win, where one says a value twice for one step', async () => {
    const lines = [0.1, 0.2].map((acc) => JSON.stringify({ epoch: 1, metrics: { acc } }))
    await put(bucket, key, lines.join('\n'))
    expect(await observe(bucket, ledger, key)).toMatchObject([
      { kind: 'metrics', step: 1, facts: [{ metric: 'acc', value: 0.2 }] },
      { kind: 'source' },
    ])
  })

  test('is read from the first version on that was not read, and never twice', async () => {
    await put(bucket, key, '{"epoch": 1, "metrics": {"acc": 0.1}}')
    const known = recorded(await observe(bucket, ledger, key))
    await put(bucket, key, '{"epoch": 2, "metrics": {"acc": 0.2}}')
    const seen = await observe(bucket, known, key)
    expect(seen).toMatchObject([{ kind: 'metrics', step: 2 }, { kind: 'source' }])
    const calls = callsOf(bucket.s3)
    expect(await observe(bucket, recorded(seen, known), key)).toEqual([])
    expect(calls).toEqual(['ListObjectVersions'])
  })

  test('counts its good lines although others are bad', async () => {
    await put(bucket, key, '{"epoch": 1, "metrics": {"acc": 0.1}}\nnot JSON\n')
    expect(await observe(bucket, ledger, key)).toMatchObject([
      { kind: 'metrics', step: 1 },
      { kind: 'source', faults: [{ key, field: 'line 2' }] },
    ])
  })

  test('of a binary format is a fault', async () => {
    await put(bucket, key, Buffer.from([0xff, 0xfe, 0x00, 0x80]))
    expect(await observe(bucket, ledger, key)).toMatchObject([
      { kind: 'source', faults: [{ field: 'line 1' }] },
    ])
  })
})

describe("MMEngine's own log", () => {
  test('gives its validation lines, and not its training lines', async () => {
    const key = `${RUN}/20260101_000000/vis_data/scalars.json`
    const log = [
      { lr: 0.1, loss: 0.7, epoch: 1, iter: 25, step: 25 },
      { accuracy: 0.9, data_time: 0.1, time: 0.2, step: 1 },
    ]
    await put(bucket, key, log.map((line) => JSON.stringify(line)).join('\n'))
    expect(await observe(bucket, ledger, key)).toMatchObject([
      {
        kind: 'metrics',
        series: 'epoch',
        step: 1,
        facts: [{ metric: 'accuracy', value: 0.9, source: 'log', key }],
      },
      { kind: 'source', key },
    ])
  })
})

describe('last_checkpoint', () => {
  const key = `${RUN}/last_checkpoint`
  const text = 's3://b/exp/run/epoch_1.pth'

  test("that holds the hub's own text is nothing new", async () => {
    await put(bucket, key, text)
    expect(await observe(bucket, { ...ledger, lastCheckpoint: text }, key)).toEqual([])
  })

  test('that a trainer rewrote is seen with its text', async () => {
    await put(bucket, key, '/home/ada/epoch_1.pth')
    expect(await observe(bucket, { ...ledger, lastCheckpoint: text }, key)).toEqual([
      { kind: 'last_checkpoint', text: '/home/ada/epoch_1.pth' },
    ])
  })

  test('that is far too large is seen without its text', async () => {
    await put(bucket, key, 'x'.repeat(100_000))
    expect(await observe(bucket, { ...ledger, lastCheckpoint: text }, key)).toEqual([
      { kind: 'last_checkpoint', text: undefined },
    ])
  })

  test('that was deleted is nothing', async () => {
    await put(bucket, key, text)
    await remove(bucket, key)
    expect(await observe(bucket, ledger, key)).toEqual([])
  })
})

describe('a directory checkpoint', () => {
  const directory = `${RUN}/iter_500.pth`

  test('is seen whole, whichever of its files shows it', async () => {
    const marker = `${directory}/.complete.json`
    const files = [{ name: 'rank_0.bin', size: 1 }]
    await put(bucket, `${directory}/rank_0.bin`, 'x')
    const { versionId, seconds, sizeBytes } = await put(bucket, marker, JSON.stringify({ files }))
    const one = await observe(bucket, ledger, marker)
    expect(await observe(bucket, ledger, `${directory}/rank_0.bin`)).toEqual(one)
    expect(one).toMatchObject([
      {
        kind: 'checkpoint',
        series: 'iter',
        step: 500,
        key: `${directory}/`,
        uploads: [{ versionId, seconds, sizeBytes: sizeBytes + 1, fault: undefined }],
        listed: [versionId],
        marker: undefined,
      },
    ])
    expect(recorded(one, recorded(one))).toEqual(recorded(one))
  })

  test('without a marker is seen with its fault', async () => {
    await put(bucket, `${directory}/rank_0.bin`, 'x')
    const seen = await observe(bucket, ledger, `${directory}/rank_0.bin`)
    expect(seen).toMatchObject([{ uploads: [{ fault: expect.stringMatching(/neither/) }] }])
  })

  test('of whose files none is there is nothing', async () => {
    const seen = await observe(bucket, ledger, `${directory}/rank_0.bin`)
    expect(seen).toMatchObject([{ uploads: [], listed: [], marker: undefined }])
    expect(recorded(seen)).toEqual(ledger)
  })
})

describe("one of the hub's own files", () => {
  const key = `${RUN}/best_acc_epoch_1.pth`

  test('is nothing new as it was written', async () => {
    const { versionId, etag } = await put(bucket, key, 'best', { 'checkpoint-hub-sha256': 'x' })
    expect(await observe(bucket, withArtifact(key, versionId, etag), key)).toEqual([])
  })

  test('that somebody overwrote is foreign, since then', async () => {
    const { versionId, etag } = await put(bucket, key, 'best', { 'checkpoint-hub-sha256': 'x' })
    const { seconds } = await put(bucket, key, "a trainer's own")
    expect(await observe(bucket, withArtifact(key, versionId, etag), key)).toEqual([
      { kind: 'artifact', key, found: 'foreign', seconds },
    ])
  })

  test("that another of the hub's files lies over is told, with its hash", async () => {
    const { versionId, etag } = await put(bucket, key, 'best', { 'checkpoint-hub-sha256': 'x' })
    const over = await put(bucket, key, 'older', { 'checkpoint-hub-sha256': 'y' })
    expect(await observe(bucket, withArtifact(key, versionId, etag), key)).toEqual([
      {
        kind: 'artifact',
        key,
        found: 'own',
        versionId: over.versionId,
        etag: over.etag,
        sha256: 'y',
      },
    ])
  })

  test('that the hub brought back something over is left', async () => {
    const { versionId, etag } = await put(bucket, key, 'best', { 'checkpoint-hub-sha256': 'x' })
    await put(bucket, key, 'older', { 'checkpoint-hub-restores': versionId })
    expect(await observe(bucket, withArtifact(key, versionId, etag), key)).toEqual([])
  })

  test('that is gone is seen with the time of its marker', async () => {
    const { versionId, etag } = await put(bucket, key, 'best', { 'checkpoint-hub-sha256': 'x' })
    await remove(bucket, key)
    expect(await observe(bucket, withArtifact(key, versionId, etag), key)).toMatchObject([
      { kind: 'artifact', key, found: 'nothing', seconds: expect.any(Number) },
    ])
  })

  test("a trainer's own best_* is none of them", async () => {
    await put(bucket, key, "a trainer's own")
    expect(await observe(bucket, ledger, key)).toEqual([])
  })
})

describe('a key outside the protocol', () => {
  test.each(['notes.txt', 'epoch_03.pth', 'epoch_1.pth.tmp', 'metrics/readme.md', 'best_x.pth'])(
    '%s is ignored, and not even looked at',
    async (name) => {
      await put(bucket, `${RUN}/${name}`, 'x')
      const calls = callsOf(bucket.s3)
      expect(await observe(bucket, ledger, `${RUN}/${name}`)).toEqual([])
      expect(calls).toEqual([])
    },
  )

  test.each(['run/', '.checkpoint-hub/facts/pin.json', '', './epoch_1.pth'])(
    '%j belongs to no run',
    async (key) => {
      expect(runsOfKey(key)).toEqual([])
      expect(await observe(bucket, ledger, key)).toEqual([])
    },
  )
})

describe('a template', () => {
  test('that a file names finds what was uploaded before it, deleted ones too', async () => {
    for (const name of ['m-1.pt', 'm-02.pt', 'm-3.pt', 'epoch_4.pth', 'inner/m-5.pt']) {
      await put(bucket, `${RUN}/${name}`, checkpoint(name))
    }
    await remove(bucket, `${RUN}/m-3.pt`)
    await put(bucket, `${RUN}/checkpoint_hook.json`, '{"filename_tmpl": "m-{}.pt"}')
    const seen = await observe(bucket, ledger, `${RUN}/checkpoint_hook.json`)
    expect(seen).toMatchObject([
      { kind: 'options' },
      { kind: 'checkpoint', key: `${RUN}/m-1.pt`, step: 1, marker: undefined },
      {
        kind: 'checkpoint',
        key: `${RUN}/m-3.pt`,
        step: 3,
        marker: { seconds: expect.any(Number) },
      },
    ])
  })

  test('that names nothing new lists nothing', async () => {
    await put(bucket, `${RUN}/checkpoint_hook.json`, '{"interval": 2}')
    const calls = callsOf(bucket.s3)
    await observe(bucket, ledger, `${RUN}/checkpoint_hook.json`)
    expect(calls.filter((name) => name === 'ListObjectVersions')).toHaveLength(1)
  })

  test('of the bucket root finds what lies at the root', async () => {
    const root = emptyLedger('.' as Run, {})
    await put(bucket, 'm-1.pt', checkpoint('one'))
    await put(bucket, 'deep/m-2.pt', checkpoint('two'))
    await put(bucket, 'checkpoint_hook.json', '{"filename_tmpl": "m-{}.pt", "by_epoch": false}')
    expect(await observe(bucket, root, 'checkpoint_hook.json')).toMatchObject([
      { kind: 'options' },
      { kind: 'checkpoint', series: 'iter', key: 'm-1.pt' },
    ])
  })
})

function recorded(seen: readonly (Observation | undefined)[], into: Ledger = ledger): Ledger {
  return seen.filter((each) => each !== undefined).reduce(record, into)
}

function withArtifact(key: string, versionId: string, etag: string): Ledger {
  const artifact: Artifact = {
    state: 'current',
    identity: {
      kind: 'best',
      folder: RUN,
      metric: 'acc',
      name: 'best_acc_epoch_1.pth',
      source: { key: `${RUN}/epoch_1.pth`, versionId: 'v', step: 1, bytes: 'b' },
      publishedKeys: undefined,
      droppedKeys: [],
    },
    object: {
      versionId,
      etag,
      sizeBytes: 4,
      sha256: 'x',
      keptKeys: [],
      removedKeys: [],
      layoutVersion: 1,
      hashedBy: 'function',
    },
  }
  return { ...ledger, artifacts: new Map([[key, artifact]]) }
}
