import { readFile } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { stepId } from '../../../lib/hook/history.ts'
import { keyIn, type Run } from '../../../lib/hook/names.ts'
import { settleRun } from '../../../lib/run/settle.ts'
import { AWKWARD_KEYS, bytesAt, liveKeys, put, remove, textAt } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import {
  anotherInvocation,
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

const store = storeOfFile()
let worker: TestWorker

beforeEach(async () => {
  worker = await newWorker(store)
})

describe('a run in order', () => {
  const accuracies = [0.5, 0.9, 0.8, 0.7]

  test('leaves the newest, the best and the published, and nothing to do', async () => {
    await upload(worker, {
      'checkpoint_hook.json': {
        max_keep_ckpts: 1,
        save_best: 'acc',
        published_keys: ['meta', 'state_dict'],
      },
    })
    for (const [at, acc] of accuracies.entries()) {
      const epoch = at + 1
      await upload(worker, { [`epoch_${epoch}.pth`]: checkpoint(`epoch ${epoch}`) })
      await upload(worker, { [`metrics/epoch_${epoch}.json`]: { epoch, metrics: { acc } } })
      await drain(worker)
    }
    await upload(worker, { 'after_train.json': { last: 'epoch_4.pth' } })
    await drain(worker)

    const shown = (await liveKeys(worker.bucket, `${RUN}/`)).map((key) =>
      key.slice(RUN.length + 1).replace(/-[0-9a-f]{8}\.pth$/, '-<sha8>.pth'),
    )
    expect(shown).toEqual([
      'after_train.json',
      'best_acc_epoch_2-<sha8>.pth',
      'best_acc_epoch_2.pth',
      'checkpoint_hook.json',
      'epoch_4-<sha8>.pth',
      'epoch_4.pth',
      'last_checkpoint',
      ...accuracies.map((_, at) => `metrics/epoch_${at + 1}.json`),
    ])
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toBe(
      `s3://${worker.bucket.name}/${RUN}/epoch_4.pth`,
    )
    const { effects, answers } = await ledgerOf(worker)
    expect(effects).toEqual([])
    expect(answers).toEqual(new Map([['acc', { score: 0.9, key: `${RUN}/best_acc_epoch_2.pth` }]]))
  })

  test('says of each step what became of it', async () => {
    await upload(worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1 } })
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await upload(worker, { 'epoch_2.pth': checkpoint('two') })
    const items = await itemsOf(worker.hub, RUN)
    expect(items.get(`step#${stepId('epoch', 1)}`)).toMatchObject({ fate: 'evicted' })
    expect(items.get(`step#${stepId('epoch', 2)}`)).toMatchObject({ fate: 'kept' })
  })

  test('never deletes the old best before the new one is committed', async () => {
    await upload(worker, {
      'checkpoint_hook.json': { max_keep_ckpts: 1, save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'metrics/epoch_1.json': { epoch: 1, metrics: { acc: 0.1 } },
    })
    await drain(worker)
    await upload(worker, {
      'epoch_2.pth': checkpoint('two'),
      'metrics/epoch_2.json': { epoch: 2, metrics: { acc: 0.2 } },
    })
    expect(await liveKeys(worker.bucket)).toContain(`${RUN}/best_acc_epoch_1.pth`)
    expect((await ledgerOf(worker)).answers.get('acc')?.score).toBe(0.1)
    await drain(worker)
    expect(await liveKeys(worker.bucket)).not.toContain(`${RUN}/best_acc_epoch_1.pth`)
    expect((await ledgerOf(worker)).answers.get('acc')?.score).toBe(0.2)
  })
})

describe('the same events once more', () => {
  test('write nothing to the hub or the bucket', async () => {
    const files = {
      'checkpoint_hook.json': { save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'metrics/epoch_1.json': { epoch: 1, metrics: { acc: 0.1 } },
    }
    await upload(worker, files)
    await drain(worker)
    const calls = callsOfWorker(worker)
    await look(worker, [...Object.keys(files), 'last_checkpoint', 'best_acc_epoch_1.pth'])
    expect(new Set(calls)).toEqual(new Set(['Query', 'ListObjectVersions', 'GetObject']))
    expect(calls.filter((name) => name === 'GetObject')).toHaveLength(1)
  })
})

describe('the options of a run', () => {
  test('are read when the run is met, though their event comes later', async () => {
    const options = JSON.stringify({ max_keep_ckpts: 1, save_best: 'acc' })
    await put(worker.bucket, `${RUN}/checkpoint_hook.json`, options)
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    expect((await ledgerOf(worker)).history.options).toMatchObject([
      { named: { max_keep_ckpts: 1, save_best: 'acc' } },
    ])
  })

  test('are read before the first eviction, though the run was met without them', async () => {
    const strict = await newWorker(store, { interval: 1, max_keep_ckpts: 1 })
    await upload(strict, { 'epoch_1.pth': checkpoint('one') })
    await put(strict.bucket, `${RUN}/checkpoint_hook.json`, '{"max_keep_ckpts": 2}')
    await upload(strict, { 'epoch_2.pth': checkpoint('two') })
    expect(await liveKeys(strict.bucket, `${RUN}/epoch`)).toHaveLength(2)
  })
})

describe('what is no run', () => {
  test('an event of a key that is not there makes none', async () => {
    await look(worker, ['epoch_1.pth', 'metrics/a.json', 'after_train.json', 'last_checkpoint'])
    await look(worker, ['epoch_1.pth/data.bin', 'anything.txt'])
    expect(await itemsOf(worker.hub, RUN)).toEqual(new Map())
  })

  test("a foreign file, or a trainer's own last_checkpoint alone, makes none", async () => {
    await upload(worker, { 'notes.txt': 'x', last_checkpoint: '/home/ada/epoch_1.pth' })
    expect(await itemsOf(worker.hub, RUN)).toEqual(new Map())
  })
})

describe('bad input', () => {
  test.each([
    ['garbage', Buffer.from('\x00\x01garbage'), /not what torch\.save or safetensors writes/],
    ['nothing', '', /no bytes/],
    ['a text file', 'see my notes', /not what torch\.save or safetensors writes/],
    ['half a checkpoint', checkpoint('two').subarray(0, 300), /./],
  ])('%s as a checkpoint is a problem, and deletes nothing', async (_, body, reason) => {
    await upload(worker, {
      'checkpoint_hook.json': { max_keep_ckpts: 1 },
      'epoch_1.pth': checkpoint('one'),
    })
    await upload(worker, { 'epoch_2.pth': body })
    expect(await problemsOf(RUN)).toMatchObject([
      { key: `${RUN}/epoch_2.pth`, field: 'checkpoint', reason: expect.stringMatching(reason) },
    ])
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toHaveLength(2)
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_1\.pth$/)
    // And the run goes on.
    await upload(worker, { 'epoch_3.pth': checkpoint('three') })
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_3\.pth$/)
  })

  test.each([
    ['checkpoint_hook.json', '{', 'text', /^is not JSON: /],
    ['checkpoint_hook.json', '{"max_keep_ckpts": "three"}', 'max_keep_ckpts', /got "three"$/],
    ['checkpoint_hook.json', `{"x": "${'y'.repeat(70_000)}"}`, 'text', /more than the 65536/],
    ['before_train.json', '[]', 'resume_from', /^expected the name of a checkpoint/],
    ['after_train.json', '{"last": 8}', 'last', /^expected the name of a checkpoint/],
    ['metrics/a.json', 'acc: 0.9', 'line 1', /^expected a JSON object, got text/],
    ['metrics/a.json', '{"epoch": 1, "metrics": {"acc": "high"}}', 'line 1: metrics.acc', /"high"/],
    ['metrics/a.json', '{"epoch": 1, "metrics": {"": 1}}', 'metrics.', /^expected a name of 1/],
    ['metrics/a.json', `{"epoch": 1, "metrics": {"${'m'.repeat(300)}": 1}}`, /^metrics\.m/, /300$/],
  ])('%s with %.40s is a problem of its field', async (name, body, field, reason) => {
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await upload(worker, { [name]: body })
    expect(await problemsOf(RUN)).toMatchObject([
      {
        severity: 'error',
        key: keyIn(RUN, name),
        field: typeof field === 'string' ? field : expect.stringMatching(field),
        reason: expect.stringMatching(reason),
      },
    ])
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toHaveLength(1)
  })

  test.each([
    ['numbers that DynamoDB does not hold', 'checkpoint_hook.json', '{"x": [1e300, 1e-300]}'],
    ['half a letter in an argument', 'checkpoint_hook.json', '{"x": "\\ud83d"}'],
    ['half a letter in a name', 'after_train.json', '{"last": "\\ud83d.pth"}'],
    ['half a letter in a metric', 'metrics/a.json', '{"epoch": 1, "metrics": {"\\ud83d": 1}}'],
    ['half a letter in a fault', 'metrics/a.json', '{"epoch": 1, "metrics": {"\\ud83d": ""}}'],
  ])('%s does not stop the run', async (_, name, body) => {
    await upload(worker, { [name]: body })
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_1\.pth$/)
  })
})

describe('a key', () => {
  const runs = AWKWARD_KEYS.map((key) => key.slice(0, key.lastIndexOf('/')))

  test.each(runs)('of the run %j goes the whole way', async (name) => {
    const run = name as Run
    const options = { max_keep_ckpts: 1, save_best: 'a c+c', rule: 'greater' }
    await upload(worker, { 'checkpoint_hook.json': options }, run)
    for (const epoch of [1, 2]) {
      await upload(worker, { [`epoch_${epoch}.pth`]: checkpoint(`${epoch}`) }, run)
      const metrics = { epoch, metrics: { 'a c+c': -epoch } }
      await upload(worker, { [`metrics/${epoch}.json`]: metrics }, run)
      await drain(worker)
    }
    const live = await liveKeys(worker.bucket)
    expect(live.filter((key) => key.endsWith('.pth')).toSorted()).toEqual([
      `${run}/best_a c+c_epoch_1.pth`,
      `${run}/epoch_2.pth`,
    ])
    expect(await textAt(worker.bucket, `${run}/last_checkpoint`)).toBe(
      `s3://${worker.bucket.name}/${run}/epoch_2.pth`,
    )
    expect((await ledgerOf(worker, run)).effects).toEqual([])
  })

  test("at the bucket's root belongs to the run that is called a dot", async () => {
    const root = '.' as Run
    await upload(worker, { 'epoch_1.pth': checkpoint('one') }, root)
    expect(await textAt(worker.bucket, 'last_checkpoint')).toBe(
      `s3://${worker.bucket.name}/epoch_1.pth`,
    )
    expect((await itemsOf(worker.hub, root)).get('run')).toMatchObject({ checkpoints: 1 })
  })

  test('of a run inside another is never touched by the outer one', async () => {
    const inner = `${RUN}/epoch_50` as Run
    const options = { 'checkpoint_hook.json': { max_keep_ckpts: 1 } }
    await upload(worker, { ...options, 'iter_1.pth': checkpoint('inner') }, inner)
    for (const epoch of [1, 2, 3]) {
      await upload(worker, { ...options, [`epoch_${epoch}.pth`]: checkpoint(`${epoch}`) })
    }
    expect(await liveKeys(worker.bucket, `${inner}/iter`)).toHaveLength(1)
    expect(await liveKeys(worker.bucket, `${RUN}/epoch_`)).toContain(`${RUN}/epoch_3.pth`)
  })
})

describe('a template of the run or of the stack', () => {
  test.each([
    ['the run before its checkpoints', { interval: 1 }, true],
    ['the stack', { interval: 1, filename_tmpl: 'model_{}.pt' }, false],
  ])('named by %s makes its names checkpoints', async (_, stackArguments, named) => {
    const own = await newWorker(store, stackArguments)
    if (named) await upload(own, { 'checkpoint_hook.json': { filename_tmpl: 'model_{}.pt' } })
    await upload(own, { 'model_3.pt': checkpoint('three'), 'epoch_9.pth': checkpoint('nine') })
    expect(await textAt(own.bucket, `${RUN}/last_checkpoint`)).toMatch(/model_3\.pt$/)
  })

  test('counts checkpoints that were uploaded before it', async () => {
    await upload(worker, { 'model_3.pt': checkpoint('three') })
    await upload(worker, { 'checkpoint_hook.json': { filename_tmpl: 'model_{}.pt' } })
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/model_3\.pt$/)
  })

  test.each([['before'], ['after']])('that counts iterations since %s counts too', async (when) => {
    const template = { filename_tmpl: 'model_{}.pt' }
    await upload(worker, { 'checkpoint_hook.json': template })
    if (when === 'before') await upload(worker, { 'model_3.pt': checkpoint('three') })
    await upload(worker, { 'checkpoint_hook.json': { ...template, by_epoch: false } })
    if (when === 'after') await upload(worker, { 'model_3.pt': checkpoint('three') })
    const items = await itemsOf(worker.hub, RUN)
    expect(items.get(`step#${stepId('iter', 3)}`)).toMatchObject({ fate: 'kept' })
    expect(items.get('runtime_info')).toMatchObject({ last_ckpt: expect.stringMatching(/3\.pt$/) })
  })
})

describe('people and other tools', () => {
  test('who rewrite last_checkpoint have it rewritten', async () => {
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await upload(worker, { last_checkpoint: '/home/ada/epoch_1.pth' })
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toBe(
      `s3://${worker.bucket.name}/${RUN}/epoch_1.pth`,
    )
  })

  test('who have a best_* of their own keep it, and ours stands beside it', async () => {
    const theirs = `${RUN}/best_acc_epoch_1.pth`
    await put(worker.bucket, theirs, "a trainer's own")
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'acc' },
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
    })
    await drain(worker)
    expect(await textAt(worker.bucket, theirs)).toBe("a trainer's own")
    expect(await liveKeys(worker.bucket)).toContain(`${RUN}/best_acc_epoch_1.hub.pth`)
    expect(await problemsOf(RUN)).toMatchObject([{ severity: 'warning', key: theirs }])
    expect((await ledgerOf(worker)).answers.get('acc')?.key).toMatch(/\.hub\.pth$/)
  })

  test('who remove a checkpoint have it stay removed', async () => {
    await upload(worker, { 'epoch_1.pth': checkpoint('one'), 'epoch_2.pth': checkpoint('two') })
    await remove(worker.bucket, `${RUN}/epoch_2.pth`)
    await look(worker, ['epoch_2.pth'])
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toEqual([`${RUN}/epoch_1.pth`])
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_1\.pth$/)
  })
})

describe('a late metric', () => {
  test('has the best made of a checkpoint that was evicted before it was known', async () => {
    await upload(worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1, save_best: 'acc' } })
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await upload(worker, { 'epoch_2.pth': checkpoint('two') })
    expect(await bytesAt(worker.bucket, `${RUN}/epoch_1.pth`)).toBeUndefined()
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 0.9 } } })
    await drain(worker)
    expect(await liveKeys(worker.bucket)).toContain(`${RUN}/best_acc_epoch_1.pth`)
    expect((await ledgerOf(worker)).effects).toEqual([])
  })
})

describe('what a trainer uploads again', () => {
  test('with other bytes just before its eviction is what survives', async () => {
    await upload(worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1 } })
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    const again = checkpoint('one, trained again')
    aroundCalls(worker.bucket.s3, async ({ name, go }) => {
      if (name === 'DeleteObject') {
        const other = anotherInvocation(store, worker)
        await put(other.bucket, `${RUN}/epoch_1.pth`, again)
      }
      await go()
    })
    await upload(worker, { 'epoch_2.pth': checkpoint('two') })
    const uploads = (await ledgerOf(worker)).history.steps.get(stepId('epoch', 1))?.uploads
    expect(uploads).toHaveLength(2)
  })
})

describe('workers at the same time', () => {
  test('on one run all get through, and none of their facts is lost', async () => {
    const epochs = [1, 2, 3, 4, 5]
    for (const epoch of epochs) {
      await put(worker.bucket, `${RUN}/epoch_${epoch}.pth`, checkpoint(`${epoch}`))
    }
    await Promise.all(
      epochs.map((epoch) => look(anotherInvocation(store, worker), [`epoch_${epoch}.pth`])),
    )
    const { history, effects } = await ledgerOf(worker)
    expect(history.steps.size).toBe(5)
    expect(effects).toEqual([])
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_5\.pth$/)
  })
})

describe('an effect that fails', () => {
  test('stands, is thrown, and what was done before it is ticked off', async () => {
    const failing = anotherInvocation(store, worker)
    aroundCalls(failing.bucket.s3, async ({ name, go }) => {
      if (name === 'DeleteObject') throw new Unavailable()
      await go()
    })
    await upload(worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1 } })
    await upload(worker, { 'epoch_1.pth': checkpoint('one') })
    await put(worker.bucket, `${RUN}/epoch_2.pth`, checkpoint('two'))
    await expect(look(failing, ['epoch_2.pth'])).rejects.toThrow(Unavailable)
    expect((await ledgerOf(worker)).effects).toMatchObject([{ action: { kind: 'evict' } }])
    await settleRun(worker, RUN, {})
    expect((await ledgerOf(worker)).effects).toEqual([])
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toEqual([`${RUN}/epoch_2.pth`])
  })
})

describe('an effect that is refused for good', () => {
  test('is thrown each time and holds up no other, but nothing is deleted meanwhile', async () => {
    const refusing = refusingTo('PutObject', `${RUN}/last_checkpoint`)
    const options = { max_keep_ckpts: 1, save_best: 'acc' }
    await upload(worker, { 'checkpoint_hook.json': options, 'epoch_1.pth': checkpoint('one') })
    await put(worker.bucket, `${RUN}/epoch_2.pth`, checkpoint('two'))
    await put(worker.bucket, `${RUN}/metrics/2.json`, '{"epoch": 2, "metrics": {"acc": 1}}')
    const names = ['epoch_2.pth', 'metrics/2.json']
    await expect(look(refusing, names)).rejects.toThrow('Access Denied')
    expect(worker.queue).toHaveLength(1)
    // What last_checkpoint still names is still there.
    expect(await textAt(worker.bucket, `${RUN}/last_checkpoint`)).toMatch(/epoch_1\.pth$/)
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toHaveLength(2)
    await expect(look(refusing, names)).rejects.toThrow('Access Denied')
    await look(worker, names)
    await drain(worker)
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toEqual([`${RUN}/epoch_2.pth`])
    expect((await ledgerOf(worker)).effects).toEqual([])
  })

  test('that would delete holds up no other deletion', async () => {
    const refusing = refusingTo('DeleteObject', `${RUN}/epoch_1.pth`)
    await upload(worker, { 'checkpoint_hook.json': { max_keep_ckpts: 1 } })
    for (const epoch of [1, 2, 3]) {
      await put(worker.bucket, `${RUN}/epoch_${epoch}.pth`, checkpoint(`${epoch}`))
    }
    const names = ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']
    await expect(look(refusing, names)).rejects.toThrow('Access Denied')
    expect(await liveKeys(worker.bucket, `${RUN}/epoch`)).toEqual([
      `${RUN}/epoch_1.pth`,
      `${RUN}/epoch_3.pth`,
    ])
    expect((await ledgerOf(worker)).effects).toMatchObject([
      { action: { kind: 'evict', key: `${RUN}/epoch_1.pth` } },
    ])
  })

  function refusingTo(command: string, key: string): TestWorker {
    const refusing = anotherInvocation(store, worker)
    aroundCalls(refusing.bucket.s3, async ({ name, input, go }) => {
      if (name === command && 'Key' in input && input.Key === key) {
        const refusal = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }
        throw Object.assign(new Error('Access Denied'), refusal)
      }
      await go()
    })
    return refusing
  }
})

describe('a real checkpoint', () => {
  test('becomes a best copy without its optimizer', async () => {
    const recorded = new URL('../../../examples/recorded/uploads/epoch_1.pth', import.meta.url)
    await upload(worker, {
      'checkpoint_hook.json': { save_best: 'accuracy' },
      'epoch_1.pth': new Uint8Array(await readFile(recorded)),
      'metrics/1.json': { epoch: 1, metrics: { accuracy: 92.8 } },
    })
    await drain(worker)
    const { artifacts } = await ledgerOf(worker)
    expect([...artifacts.values()]).toMatchObject([
      { object: { removedKeys: ['optimizer', 'param_schedulers'] } },
    ])
  })
})

async function problemsOf(run: Run): Promise<Record<string, unknown>[]> {
  return [...(await itemsOf(worker.hub, run))].flatMap(([entry, item]) =>
    entry.startsWith('problem#') ? [item] : [],
  )
}
