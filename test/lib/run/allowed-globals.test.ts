import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Artifact } from '../../../lib/hook/ledger.ts'
import { legacyOf, legacyTensor } from '../../fixtures/legacy-bytes.ts'
import { call, dict, floatTensor, pickleOf, text } from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'
import { bytesAt, liveKeys } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import {
  checkpoint,
  drain,
  ledgerOf,
  look,
  newWorker,
  RUN,
  type TestWorker,
  upload,
} from './worker.ts'

const THING = { module: 'my.project', name: 'Thing' }
const OTHER = { module: 'other', name: 'Thing' }
const BEST = `${RUN}/best_acc_epoch_1.pth`
const OPTIONS = { save_best: 'acc', rule: 'greater', published_keys: ['meta', 'state_dict'] }
const meta = dict({ own: call(THING.module, THING.name), words: text('one') })

/** Checkpoints of a project that pickles a class of its own. */
const own = {
  zip: checkpointOf(
    pickleOf(dict({ meta, state_dict: dict({ weight: floatTensor('0', 4) }), optimizer: '}' })),
    { 0: new Uint8Array(16) },
  ),
  legacy: legacyOf(
    dict({ meta, state_dict: dict({ weight: legacyTensor('7', 2) }), optimizer: '}' }),
    [{ key: '7', data: new Uint8Array(8) }],
  ),
}

const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

function trained(options: object = OPTIONS, bytes: Uint8Array = own.zip) {
  return upload(worker, {
    'checkpoint_hook.json': options,
    'epoch_1.pth': bytes,
    'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
    'after_train.json': '',
  })
}

async function artifacts(): Promise<Artifact[]> {
  return [...(await ledgerOf(worker)).artifacts.values()]
}

const permittedIn = (all: Artifact[]) =>
  all.map((each) => ('object' in each ? each.object.permittedGlobals : each.state))

describe('a checkpoint whose pickle names what nobody allowed', () => {
  test('stays, and its copies are refused with the name, its path, and what to do', async () => {
    worker.allowedGlobals = [OTHER]
    await trained()
    await drain(worker)
    const items = await itemsOf(worker.hub, RUN)
    const refused = [...items].filter(([entry]) => entry.startsWith('artifact#'))
    // The best copy, the published last, the published best.
    expect(refused.length).toBeGreaterThanOrEqual(2)
    for (const [, entry] of refused) {
      expect(entry).toMatchObject({ state: 'refused', allowed_globals: ['other.Thing'] })
      expect(entry?.['reason']).toContain('my.project.Thing at meta.own')
      expect(entry?.['reason']).toContain('--context allowedGlobals=')
    }
    expect([...items.keys()].filter((entry) => entry.startsWith('problem#'))).not.toEqual([])
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_1.pth`)).toEqual(own.zip)
    expect(await liveKeys(worker.bucket, `${RUN}/best`)).toEqual([])
  })

  test('is not tried again while the stack allows the same, in whichever order', async () => {
    worker.allowedGlobals = [OTHER, { module: 'a', name: 'B' }]
    await trained()
    await drain(worker)
    const before = await ledgerOf(worker)
    worker.allowedGlobals = [{ module: 'a', name: 'B' }, OTHER, OTHER]
    await look(worker, ['after_train.json'])
    expect(worker.queue).toEqual([])
    expect((await ledgerOf(worker)).artifacts).toEqual(before.artifacts)
  })

  test('is tried again at the next event once the stack allows it, and all is made', async () => {
    await trained()
    await drain(worker)
    worker.allowedGlobals = [THING]
    await upload(worker, { 'after_train.json': ' ' })
    await drain(worker)
    const { artifacts, answers, effects } = await ledgerOf(worker)
    expect(new Set([...artifacts.values()].map(({ state }) => state))).toEqual(new Set(['current']))
    expect(answers.get('acc')).toEqual({ score: 0.5, key: BEST })
    expect(effects).toEqual([])
    const items = await itemsOf(worker.hub, RUN)
    expect([...items.keys()].filter((entry) => entry.startsWith('problem#'))).toEqual([])
  })
})

describe('a name that the stack allows', () => {
  test.each<[string, Uint8Array, object]>([
    ['a zip file', own.zip, {}],
    ['a legacy file', own.legacy, {}],
    ['a zip file as safetensors', own.zip, { publish_format: 'safetensors' }],
  ])('is recorded on all that is made of %s', async (_, bytes, more) => {
    worker.allowedGlobals = [OTHER, THING]
    // What safetensors hold of `meta` is text.
    const published_keys = 'publish_format' in more ? ['state_dict'] : OPTIONS.published_keys
    await trained({ ...OPTIONS, published_keys, ...more }, bytes)
    await drain(worker)
    const recorded = permittedIn(await artifacts())
    expect(recorded.length).toBeGreaterThanOrEqual(2)
    for (const each of recorded) expect(each).toEqual(['my.project.Thing'])
    const entry = (await itemsOf(worker.hub, RUN)).get(`artifact#${BEST}`)
    expect(entry).toMatchObject({ permitted_globals: ['my.project.Thing'] })
  })

  test('leaves no trace on a file that does not have it, and changes none of its bytes', async () => {
    const hashes: string[] = []
    for (const allowed of [[], [THING, OTHER]]) {
      worker = await newWorker(store)
      worker.allowedGlobals = allowed
      await trained(OPTIONS, checkpoint('plain'))
      await drain(worker)
      expect(new Set(permittedIn(await artifacts()))).toEqual(new Set([undefined]))
      hashes.push(await hashOf(BEST))
    }
    expect(hashes[1]).toBe(hashes[0])
  })

  test('changes no byte of a file that has it, whatever else is allowed', async () => {
    const made: [string, string[]][] = []
    for (const allowed of [[THING], [OTHER, THING]]) {
      worker = await newWorker(store)
      worker.allowedGlobals = allowed
      await trained()
      await drain(worker)
      made.push([await hashOf(BEST), await liveKeys(worker.bucket, RUN)])
    }
    expect(made[1]).toEqual(made[0])
  })
})

test('a strip is refused and tried again as a copy is', async () => {
  const options = { save_optimizer: false }
  await upload(worker, { 'checkpoint_hook.json': options, 'epoch_1.pth': own.zip })
  await upload(worker, { 'epoch_2.pth': checkpoint('two') })
  await drain(worker)
  const refused = (await ledgerOf(worker)).checkpoints.get('epoch#0000000000000001')
  expect(refused?.unstripped?.refusal).toMatchObject({
    reason: expect.stringContaining('my.project.Thing at meta.own'),
    allowedGlobals: [],
  })
  worker.allowedGlobals = [THING]
  await look(worker, ['epoch_2.pth'])
  await drain(worker)
  const { checkpoints, history } = await ledgerOf(worker)
  expect(checkpoints.get('epoch#0000000000000001')?.unstripped).toBeUndefined()
  expect(history.steps.get('epoch#0000000000000001')?.uploads.at(-1)?.strips).toMatchObject({
    droppedKeys: ['optimizer', 'optim_wrapper'],
  })
})

async function hashOf(key: string): Promise<string> {
  const bytes = await bytesAt(worker.bucket, key)
  if (bytes === undefined) throw new Error(`${key} is not there`)
  return createHash('sha256').update(bytes).digest('hex')
}
