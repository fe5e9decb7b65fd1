import { beforeEach, describe, expect, test } from 'vitest'
import { restoreVersion } from '../../../lib/bucket/restore.ts'
import { inspectCheckpoint } from '../../../lib/checkpoint/inspect.ts'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { carryOutJob, JobError, parseJob } from '../../../lib/run/job.ts'
import { makeArtifact } from '../../../lib/run/make-artifact.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { largeCheckpoint, MIB } from '../../fixtures/large-checkpoint.ts'
import { legacyOf, legacyTensor } from '../../fixtures/legacy-bytes.ts'
import { dict, floatTensor, pickleOf } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf, zipOf } from '../../fixtures/zip-bytes.ts'
import { bytesAt, head, liveKeys, put, remove } from '../bucket/objects.ts'
import { uploadsLeft } from '../bucket/rewrites.ts'
import { storeOfFile } from '../bucket/store.ts'
import {
  callsOfWorker,
  checkpoint,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  type TestWorker,
  upload,
} from './worker.ts'

const BEST = `${RUN}/best_acc_epoch_1.pth`
const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

describe('a message of the Jobs queue', () => {
  test('names a run and an effect', () => {
    expect(parseJob('{"run": "a", "effect": 7, "handed_on": 2}')).toMatchObject({ handedOn: 2 })
    expect(parseJob('{"run": "a b/ü", "effect": 7}')).toEqual({
      run: 'a b/ü',
      effect: 7,
      handedOn: 0,
    })
  })

  test.each(['', 'hello', 'null', '{"run": "a"}', '{"run": 1, "effect": 1}', '{"effect": 1}'])(
    'that is something else is an error with its text: %j',
    (body) => {
      expect(() => parseJob(body)).toThrow(JobError)
      expect(() => parseJob(body)).toThrow(`expected {"run": …, "effect": …}, got ${body}`)
    },
  )
})

describe('a job', () => {
  test('makes the copy, and commits it as the answer', async () => {
    await uploadBest(0.5)
    await drain(worker)
    const { artifacts, answers, effects } = await ledgerOf(worker)
    expect(artifacts.get(BEST)).toMatchObject({
      state: 'current',
      object: { keptKeys: ['meta', 'state_dict'], removedKeys: ['optimizer'] },
    })
    expect(answers.get('acc')).toEqual({ score: 0.5, key: BEST })
    expect(effects).toEqual([])
  })

  test('that is delivered again does nothing', async () => {
    await uploadBest(0.5)
    const [job] = worker.queue
    if (job === undefined) throw new Error('no job was sent')
    await drain(worker)
    const calls = callsOfWorker(worker)
    await carryOutJob(worker, job)
    expect(new Set(calls)).toEqual(new Set(['Query']))
  })

  test('that two workers do at once is committed once', async () => {
    await uploadBest(0.5)
    const [job] = worker.queue
    if (job === undefined) throw new Error('no job was sent')
    await Promise.all([carryOutJob(worker, job), carryOutJob(worker, job)])
    const { artifacts, effects } = await ledgerOf(worker)
    expect([...artifacts.keys()]).toEqual([BEST])
    expect(effects).toEqual([])
    const { versionId } = await head(worker.bucket, BEST)
    expect(artifacts.get(BEST)).toMatchObject({ object: { versionId } })
  })

  test('of a run or an effect that is not known does nothing', async () => {
    await carryOutJob(worker, { run: RUN, effect: 1, handedOn: 0 })
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await carryOutJob(worker, { run: RUN, effect: 1, handedOn: 0 })
    await carryOutJob(worker, { run: RUN, effect: 999, handedOn: 0 })
    expect(await liveKeys(worker.bucket, `${RUN}/best`)).toEqual([])
  })

  test('of a checkpoint that is refused is a problem, and is not tried again', async () => {
    const zipOnly = checkpoint('one')
    // The pickle's own bytes: the directory does not show it.
    const at = Buffer.from(zipOnly).indexOf('state_dict')
    zipOnly.set(Buffer.from('\x00\x00\x00\x00'), at - 10)
    await uploadBest(0.5, zipOnly)
    await drain(worker)
    const { artifacts, effects } = await ledgerOf(worker)
    expect([...artifacts.values()]).toMatchObject([
      { state: 'refused', reason: expect.stringMatching(/./) },
    ])
    expect(effects).toEqual([])
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_1.pth`)).toBeDefined()
  })
})

describe('a job for which the time does not suffice', () => {
  const large = largeCheckpoint({ weights: [17 * MIB], optimizer: [MIB] })

  test('is handed on, and gone on with where it stood', async () => {
    await uploadBest(0.5, large)
    const [job] = worker.queue.splice(0)
    if (job === undefined) throw new Error('no job was sent')
    // Enough for the parts of the staged copy, and not for what S3 does with it.
    const parts = callsOfWorker(worker)
    const timeLeft = () => (parts.includes('UploadPartCopy') ? 1_000 : 60_000)
    await carryOutJob(worker, job, timeLeft)
    expect(worker.queue).toEqual([{ ...job, handedOn: 1 }])
    expect(await bytesAt(worker.bucket, BEST)).toBeUndefined()
    expect(await uploadsLeft(worker.bucket)).toHaveLength(1)
    const copied = parts.filter((name) => name.startsWith('UploadPart')).length
    await drain(worker)
    expect((await ledgerOf(worker)).artifacts.get(BEST)).toMatchObject({ state: 'current' })
    expect(await uploadsLeft(worker.bucket)).toEqual([])
    expect(await liveKeys(worker.bucket, '.checkpoint-hub/')).toEqual([])
    // Three of the staged copy, one of the file itself.
    expect(copied).toBeGreaterThan(0)
    expect(parts.filter((name) => name.startsWith('UploadPart'))).toHaveLength(4)
  })

  test('is not taken for lost while it waits in the queue again', async () => {
    await uploadBest(0.5, large)
    const [job] = worker.queue.splice(0)
    if (job === undefined) throw new Error('no job was sent')
    const later = () => Math.floor(Date.now() / 1000) + 1_000
    await carryOutJob({ ...worker, nowSeconds: later }, job, () => 1_000)
    const [effect] = (await ledgerOf(worker)).effects
    expect(effect?.sentSeconds).toBeGreaterThan(Date.now() / 1000 + 900)
  })

  test('is refused with the reason after the fourth invocation, and leaves nothing', async () => {
    await uploadBest(0.5, large)
    const handedOn: number[] = []
    for (let job = worker.queue.shift(); job !== undefined; job = worker.queue.shift()) {
      handedOn.push(job.handedOn)
      await carryOutJob(worker, job, () => 1_000)
    }
    expect(handedOn).toEqual([0, 1, 2, 3])
    const { artifacts, effects } = await ledgerOf(worker)
    expect([...artifacts.values()]).toMatchObject([
      { state: 'refused', reason: expect.stringMatching(/could not be moved in the time/) },
    ])
    expect(effects).toEqual([])
    expect(await uploadsLeft(worker.bucket)).toEqual([])
    expect(await liveKeys(worker.bucket, '.checkpoint-hub/')).toEqual([])
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_1.pth`)).toHaveLength(large.byteLength)
  })
})

describe('the source of a copy', () => {
  test('is another upload of the same bytes, where the first one expired', async () => {
    const { 'epoch_1.pth': first } = await uploadBest(0.5)
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await remove(worker.bucket, `${RUN}/epoch_1.pth`, first?.versionId)
    await drain(worker)
    expect(await bytesAt(worker.bucket, BEST)).toBeDefined()
  })

  test('is what the hub restored, where the upload itself expired', async () => {
    const key = `${RUN}/epoch_1.pth`
    const { 'epoch_1.pth': first } = await uploadBest(0.5)
    if (first === undefined) throw new Error('nothing was uploaded')
    await remove(worker.bucket, key)
    const restored = await restoreVersion(worker.bucket, first)
    await look(worker, ['epoch_1.pth'])
    await remove(worker.bucket, key, first.versionId)
    const ledger = await ledgerOf(worker)
    const [effect] = ledger.effects
    if (effect?.action.kind !== 'make') throw new Error('no copy is to be made')
    expect(restored.kind).toBe('restored')
    expect(await makeArtifact(worker.bucket, ledger, effect.action)).toMatchObject({
      kind: 'made',
      key: BEST,
    })
  })
})

describe('a best copy', () => {
  test('keeps the averaged weights, and has no optimizer and no schedulers', async () => {
    const weights = dict({ weight: floatTensor('0', 4) })
    const pickle = pickleOf(
      dict({ state_dict: weights, ema_state_dict: weights, optimizer: '}', param_schedulers: '}' }),
    )
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc', rule: 'greater' },
      'epoch_1.pth': checkpointOf(pickle, { 0: new Uint8Array(16) }),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
    })
    await drain(worker)
    expect((await ledgerOf(worker)).artifacts.get(BEST)).toMatchObject({
      object: {
        keptKeys: ['state_dict', 'ema_state_dict'],
        removedKeys: ['optimizer', 'param_schedulers'],
      },
    })
  })

  test('of a legacy file is a legacy file', async () => {
    const state_dict = dict({ weight: legacyTensor('7', 2) })
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc', rule: 'greater' },
      'epoch_1.pth': legacyOf(dict({ state_dict, optimizer: '}' }), [
        { key: '7', data: new Uint8Array(8) },
      ]),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
    })
    await drain(worker)
    const { format, keys } = await inspectCheckpoint(readerOver(await contentAt(BEST)))
    expect([format, keys.map(({ key }) => key)]).toEqual(['legacy', ['state_dict']])
  })
})

describe('two jobs on one name, for two uploads of the step', () => {
  /** Two jobs; the second one is for what the trainer uploaded last. */
  async function twoJobs() {
    const { 'epoch_1.pth': first } = await uploadBest(0.5)
    const [old] = worker.queue
    await upload(worker, {
      'before_train.json': '',
      'epoch_1.pth': checkpoint('another'),
      'metrics/2.json': { epoch: 1, metrics: { acc: 0.6 } },
    })
    const fresh = worker.queue.at(-1)
    if (first === undefined || old === undefined || fresh === undefined) throw new Error('no jobs')
    return { old, fresh }
  }

  /** What the copy is made of. */
  async function wordsOfBest(): Promise<string> {
    const { meta } = await inspectCheckpoint(readerOver(await contentAt(BEST)))
    return JSON.stringify(meta)
  }

  test('end with the newer copy, if the older was written and not recorded', async () => {
    const { old, fresh } = await twoJobs()
    const ledger = await ledgerOf(worker)
    const effect = ledger.effects.find(({ number }) => number === old.effect)
    if (effect?.action.kind !== 'make') throw new Error('no copy is to be made')
    await makeArtifact(worker.bucket, ledger, effect.action)
    await carryOutJob(worker, fresh)
    expect(await wordsOfBest()).toContain('another')
    expect((await ledgerOf(worker)).artifacts.get(BEST)).toMatchObject({ state: 'current' })
    await drain(worker)
    expect(await wordsOfBest()).toContain('another')
    expect([...(await ledgerOf(worker)).artifacts.keys()]).toEqual([BEST])
  })

  test('end with the newer copy, if the older comes last', async () => {
    const { old, fresh } = await twoJobs()
    await carryOutJob(worker, fresh)
    const before = await head(worker.bucket, BEST)
    await carryOutJob(worker, old)
    expect(await head(worker.bucket, BEST)).toEqual(before)
    expect((await ledgerOf(worker)).effects).toEqual([])
  })
})

describe('the result of a job that another worker ended too', () => {
  test('is not recorded once its object was retired, which is made again where it is wanted', async () => {
    await uploadBest(0.5)
    const ledger = await ledgerOf(worker)
    const [effect] = ledger.effects
    if (effect?.action.kind !== 'make') throw new Error('no copy is to be made')
    const result = await makeArtifact(worker.bucket, ledger, effect.action)
    if (result.kind !== 'made') throw new Error('it was not made')
    await drain(worker)
    await upload(worker, {
      'epoch_2.pth': checkpoint('two'),
      'metrics/2.json': { epoch: 2, metrics: { acc: 0.9 } },
    })
    await drain(worker)
    const { number, action } = effect
    const observations = [{ kind: 'result', effect: number, action, result }] as const
    const after = await settleRun(worker, RUN, { observations })
    expect([...after.artifacts.keys()]).toEqual([`${RUN}/best_acc_epoch_2.pth`])
    await upload(worker, { 'metrics/2.json': { epoch: 2, metrics: { acc: 0.1 } } })
    await drain(worker)
    expect(await bytesAt(worker.bucket, BEST)).toBeDefined()
  })
})

describe('the result of a job whose object another job has written over', () => {
  test('is not recorded, so that the job is done again', async () => {
    await uploadBest(0.5)
    const ledger = await ledgerOf(worker)
    const [effect] = ledger.effects
    if (effect?.action.kind !== 'make') throw new Error('no copy is to be made')
    const result = await makeArtifact(worker.bucket, ledger, effect.action)
    await put(worker.bucket, BEST, 'of another job')
    if (result.kind !== 'made') throw new Error('it was not made')
    const { number, action } = effect
    const observations = [{ kind: 'result', effect: number, action, result }] as const
    await expect(settleRun(worker, RUN, { observations })).rejects.toThrow(/took its place/)
    expect((await ledgerOf(worker)).effects).toHaveLength(1)
  })
})

describe('an upload of another kind', () => {
  test('is kept and reported with the reason, and is never the last', async () => {
    const script = zipOf([
      { name: 'a/data.pkl', data: pickleOf('}') },
      { name: 'a/constants.pkl', data: pickleOf('}') },
      { name: 'a/version', data: Buffer.from('3') },
    ])
    await upload(worker, {
      'checkpoint_hook.json': { max_keep_ckpts: 1 },
      'epoch_1.pth': checkpoint('whole'),
      'epoch_2.pth': script,
      'epoch_3.pth': 'no checkpoint',
    })
    await drain(worker)
    expect(await liveKeys(worker.bucket, `${RUN}/epoch_`)).toEqual(
      [1, 2, 3].map((step) => `${RUN}/epoch_${step}.pth`),
    )
    const { lastCheckpoint, history } = await ledgerOf(worker)
    expect(lastCheckpoint).toContain('epoch_1.pth')
    const faults = [...history.steps.values()].flatMap(({ uploads }) =>
      uploads.map(({ fault }) => fault),
    )
    expect(faults.map((fault) => fault?.slice(0, 24))).toEqual([
      undefined,
      expect.stringContaining('entries'),
      expect.stringContaining('first bytes'),
    ])
  })
})

describe('a published file', () => {
  test('has the same bytes and name from the upload as from elsewhere', async () => {
    const names: string[][] = []
    for (const run of ['one', 'two'] as (typeof RUN)[]) {
      const files = {
        'checkpoint_hook.json': { published_keys: ['state_dict'] },
        'epoch_1.pth': checkpoint('same'),
        'after_train.json': '',
      }
      await upload(worker, files, run)
      await drain(worker)
      const keys = await liveKeys(worker.bucket, `${run}/epoch_1-`)
      names.push(keys.map((key) => key.slice(run.length)))
    }
    expect(names[0]).toHaveLength(1)
    expect(names[1]).toEqual(names[0])
  })

  test('may be of safetensors: the tensors of state_dict, named after its own hash', async () => {
    const files = {
      'checkpoint_hook.json': {
        published_keys: ['meta', 'state_dict'],
        publish_format: 'safetensors',
      },
      'epoch_1.pth': checkpoint('same'),
      'after_train.json': '',
    }
    await upload(worker, files)
    await drain(worker)
    const [key = '', ...more] = await liveKeys(worker.bucket, `${RUN}/epoch_1-`)
    expect(more).toEqual([])
    expect(key).toMatch(/epoch_1-[0-9a-f]{8}\.safetensors$/)
    const { tensors, meta } = await inspectCheckpoint(readerOver(await contentAt(key)))
    expect(tensors.map(({ path, shape }) => [path, shape])).toEqual([['weight', [4]]])
    expect(meta).toEqual({ words: 'same', format: 'pt' })
    const { artifacts } = await ledgerOf(worker)
    expect(artifacts.get(key)).toMatchObject({
      identity: { format: 'safetensors' },
      object: { keptKeys: ['meta', 'state_dict'], removedKeys: ['optimizer'] },
    })
  })

  test('beside a foreign object of its name takes another', async () => {
    const files = {
      'checkpoint_hook.json': { published_keys: ['state_dict'] },
      'epoch_1.pth': checkpoint('same'),
      'after_train.json': '',
    }
    await upload(worker, files, 'one' as typeof RUN)
    await drain(worker)
    const [key = ''] = await liveKeys(worker.bucket, 'one/epoch_1-')
    const name = key.slice('one/'.length)
    await put(worker.bucket, `${RUN}/${name}`, "somebody's own")
    await upload(worker, files)
    await drain(worker)
    const yielded = name.replace('.pth', '.hub.pth')
    expect(await liveKeys(worker.bucket, `${RUN}/epoch_1-`)).toEqual(
      [`${RUN}/${name}`, `${RUN}/${yielded}`].toSorted(),
    )
  })
})

function uploadBest(acc: number, bytes = checkpoint('one')) {
  return upload(worker, {
    'checkpoint_hook.json': { save_best: 'acc' },
    'epoch_1.pth': bytes,
    'metrics/1.json': { epoch: 1, metrics: { acc } },
  })
}

async function contentAt(key: string): Promise<Uint8Array> {
  const bytes = await bytesAt(worker.bucket, key)
  if (bytes === undefined) throw new Error(`${key} is not there`)
  return bytes
}
