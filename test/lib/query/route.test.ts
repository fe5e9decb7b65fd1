import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { loadRun } from '../../../lib/message-hub/message-hub.ts'
import { type Answer, answer } from '../../../lib/query/route.ts'
import { bytesAt, put } from '../bucket/objects.ts'
import { type StartedStore, startStore } from '../bucket/store.ts'
import { aroundCalls, Unavailable } from '../bucket/wire.ts'
import { putByHand } from '../message-hub/hub-table.ts'
import { checkpoint, drain, newWorker, type TestWorker, upload } from '../run/worker.ts'

type Json = Record<string, unknown>

/** Runs whose names are each other's beginnings, or special somewhere. */
const RUNS = ['a', 'a/b', 'a#b', 'a b+c%20=&?', 'größe/🙂', '.'] as Run[]
let store: StartedStore
let worker: TestWorker

beforeAll(async () => {
  store = await startStore()
  worker = await newWorker(store)
  for (const [at, run] of RUNS.entries()) {
    const files = {
      'checkpoint_hook.json': { save_best: ['acc', 'val/loss'], published_keys: ['state_dict'] },
      'epoch_1.pth': checkpoint(`${run} one`),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 + at / 100, 'val/loss': 2 } },
      'epoch_2.pth': checkpoint(`${run} two`),
      'metrics/2.json': '{"epoch": 2, "metrics": {"acc": 0.1, "val/loss": NaN}}',
      'after_train.json': '',
    }
    await upload(worker, files, run)
    await drain(worker)
  }
})
afterAll(() => store?.stop())

describe('the questions', () => {
  test.each(['/', ''])('are listed at %j', async (path) => {
    const { questions } = await asked(path)
    expect(Object.keys(questions as object)).toEqual([
      '/runs',
      '/run',
      '/best',
      '/last',
      '/resume',
      '/published',
    ])
  })

  test('are answered with a slash at their end too', async () => {
    expect(await asked('/run/', { run: 'a' })).toMatchObject({ run: 'a' })
  })

  test('are answered as JSON that no cache keeps', async () => {
    const { headers } = await ask('/run', { run: 'a' })
    expect(headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'private, no-store',
    })
  })
})

describe('/runs', () => {
  test('lists every run with what a list needs', async () => {
    const { runs, next } = await asked('/runs')
    expect((runs as Json[]).map(({ run }) => run).toSorted()).toEqual(RUNS.toSorted())
    expect((runs as Json[])[0]).toMatchObject({ checkpoints: 2, last_step: 2, problems: 0 })
    expect(next).toBeUndefined()
  })

  test.each([
    ['a/', ['a/b']],
    ['a#', ['a#b']],
    ['größe', ['größe/🙂']],
    ['none', []],
    ['', RUNS],
  ])('of those that begin with %j lists no others', async (prefix, expected) => {
    const { runs } = await asked('/runs', { prefix })
    expect((runs as Json[]).map(({ run }) => run).toSorted()).toEqual([...expected].toSorted())
  })

  test('goes page by page through all runs, the newest upload first', async () => {
    const many = await newWorker(store)
    for (let at = 0; at < 120; at++) {
      const last_upload = new Date(1_790_000_000_000 + 1000 * at).toISOString()
      await putByHand(many.hub, { run: `run-${at}`, entry: 'run', listed: 'runs', last_upload })
    }
    const seen: unknown[] = []
    let next: unknown
    for (let pages = 0; pages === 0 || next !== undefined; pages++) {
      expect(pages).toBeLessThan(5)
      const parameters = next === undefined ? {} : { next: String(next) }
      const page = await answer(many, { method: 'GET', path: '/runs', parameters })
      const body = JSON.parse(page.body)
      expect(body.runs.length).toBeLessThanOrEqual(50)
      seen.push(...body.runs.map(({ run }: Json) => run))
      next = body.next
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, at) => `run-${119 - at}`))
  })

  test.each([
    ['a text', 'hello'],
    ['nothing', ''],
    ['null', encoded(null)],
    ['a number', encoded(7)],
    ['an object of something else', encoded({ a: 1 })],
    ['a key that lacks its index', encoded({ run: 'a', entry: 'run' })],
    ['a key with more in it', encoded({ ...key('a'), more: 1 })],
    ['a key of another partition', encoded({ ...key('a'), listed: 'other' })],
  ])('with %s for the next page is a bad request', async (_, next) => {
    expect(await refused('/runs', { next })).toEqual({
      status: 400,
      detail: '"next" is not what the page before gave',
    })
  })
})

describe.each(RUNS)('of the run %j', (run) => {
  test('/run tells its options, checkpoints, files and problems', async () => {
    const told = await asked('/run', { run })
    const prefix = run === '.' ? '' : `${run}/`
    expect(told).toMatchObject({
      run,
      last_ckpt: `s3://${worker.bucket.name}/${prefix}epoch_2.pth`,
      options: { save_best: ['acc', 'val/loss'] },
      steps: [
        { step: 1, fate: 'kept', metrics: { 'val/loss': '2' } },
        { step: 2, fate: 'kept', metrics: { acc: '0.1', 'val/loss': 'NaN' } },
      ],
      problems: [],
    })
    for (const { key } of told['artifacts'] as { key: string }[]) {
      expect(key.slice(0, prefix.length)).toBe(prefix)
      expect(key.slice(prefix.length)).not.toContain('/')
    }
    expect(told['artifacts']).toHaveLength(5)
    for (const inner of ['stack_arguments', 'next_effect', 'answers']) {
      expect(told).not.toHaveProperty(inner)
    }
  })

  test.each([
    ['/best', { metric: 'acc' }, 1, 'best_acc_epoch_1.pth'],
    ['/best', { metric: 'val/loss' }, 1, 'best_val_loss_epoch_1.pth'],
    ['/last', {}, 2, 'epoch_2.pth'],
    ['/resume', {}, 2, 'epoch_2.pth'],
  ])('%s %j downloads that file under its name', async (path, parameters, step, name) => {
    const found = await asked(path, { run, ...parameters })
    const { key } = found['object'] as { key: string }
    expect(key).toBe(run === '.' ? name : `${run}/${name}`)
    expect(found).toMatchObject({ run, step })
    const download = await fetch(String(found['url']))
    expect(download.status).toBe(200)
    // The emulator does not follow it for a version, but signs it like S3.
    expect(dispositionIn(found['url'])).toBe(`attachment; filename*=UTF-8''${name}`)
    const bytes = new Uint8Array(await download.arrayBuffer())
    expect(bytes).toEqual(await bytesAt(worker.bucket, key))
  })

  test('/published downloads files whose hashes are in their names', async () => {
    const { published } = await asked('/published', { run })
    const files = published as { of: string; step: number; object: Json; url: string }[]
    expect(files.map(({ of, step }) => [of, step]).toSorted()).toEqual([
      ['acc', 1],
      ['last', 2],
      ['val/loss', 1],
    ])
    for (const { object, url } of files) {
      const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      expect(object['sha256']).toBe(sha256)
      expect(object['key']).toContain(`-${sha256.slice(0, 8)}.pth`)
    }
  })
})

describe("files that a run's out_dir put into another bucket", () => {
  test('are answered with that bucket, and URLs that download them', async () => {
    const other = await store.newBucket()
    const elsewhere = { ...worker, reach: { keyPrefix: '', outBuckets: [other.name] } }
    const run = 'elsewhere' as Run
    const files = {
      'checkpoint_hook.json': {
        save_best: 'acc',
        published_keys: ['state_dict'],
        out_dir: `s3://${other.name}/out`,
      },
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
      'after_train.json': '',
    }
    await upload(elsewhere, files, run)
    await drain(elsewhere)
    const best = await asked('/best', { run })
    const { published } = await asked('/published', { run })
    const answers = [best, ...(published as Json[])]
    expect(answers).toHaveLength(3)
    for (const { url, object } of answers) {
      const { bucket, key } = object as { bucket: string; key: string }
      expect([bucket, key.startsWith('out/elsewhere/')]).toEqual([other.name, true])
      const bytes = new Uint8Array(await (await fetch(String(url))).arrayBuffer())
      expect(bytes).toEqual(new Uint8Array((await bytesAt(other, key)) ?? []))
    }
    const last = await asked('/last', { run })
    expect(last['object']).not.toHaveProperty('bucket')
  })
})

describe('a run with a slash at its end', () => {
  test('is that run', async () => {
    expect(await asked('/last', { run: 'a/' })).toMatchObject({ run: 'a', step: 2 })
  })
})

describe('a signed URL', () => {
  test('downloads the exact version, whatever is uploaded under the key later', async () => {
    const run = 'later' as Run
    await upload(worker, { 'epoch_1.pth': checkpoint('the first') }, run)
    const { url, object } = await asked('/last', { run })
    await put(worker.bucket, 'later/epoch_1.pth', 'something else')
    const bytes = new Uint8Array(await (await fetch(String(url))).arrayBuffer())
    expect(bytes).toEqual(new Uint8Array(checkpoint('the first')))
    expect(String(url)).toContain(`versionId=${(object as Json)['version_id']}`)
  })

  test('names the file as RFC 8187 has it, whatever letters it has', async () => {
    const run = 'quoted' as Run
    const name = "m*'(1) ü-7.pt"
    const template = { 'checkpoint_hook.json': { filename_tmpl: "m*'(1) ü-{}.pt" } }
    await upload(worker, { ...template, [name]: checkpoint('seven') }, run)
    const { url } = await asked('/last', { run })
    expect(dispositionIn(url)).toBe("attachment; filename*=UTF-8''m%2A%27%281%29%20%C3%BC-7.pt")
    expect((await fetch(String(url))).status).toBe(200)
  })

  test('is where a redirect leads, if one is asked for', async () => {
    const redirect = await ask('/last', { run: 'a', redirect: '1' })
    expect(redirect.statusCode).toBe(302)
    const location = redirect.headers['location'] ?? ''
    expect((await fetch(location)).status).toBe(200)
    expect(redirect.headers['cache-control']).toBe('private, no-store')
    expect((await ask('/last', { run: 'a', redirect: '0' })).statusCode).toBe(200)
  })

  test.each([
    [undefined, '3600'],
    ['1', '1'],
    ['21600', '21600'],
  ])('that is asked for %s seconds lives for %s', async (expires, seconds) => {
    for (const path of ['/last', '/best', '/published']) {
      const parameters = { run: 'a', metric: 'acc', expires }
      const { body } = await ask(path, parameters)
      expect(body).toContain(`X-Amz-Expires=${seconds}&`)
    }
  })

  test.each(['0', '-1', '1.5', '21601', 'soon', '', 'NaN', 'Infinity'])(
    'for %j seconds is a bad request',
    async (expires) => {
      for (const path of ['/last', '/best', '/published']) {
        expect(await refused(path, { run: 'a', metric: 'acc', expires })).toEqual({
          status: 400,
          detail: `expected expires from 1 to 21600 seconds, got ${JSON.stringify(expires)}`,
        })
      }
    },
  )
})

describe('problem details', () => {
  test.each(['POST', 'PUT', 'DELETE', 'HEAD'])('refuse the method %s', async (method) => {
    const refusal = await answer(worker, { method, path: '/runs', parameters: {} })
    expect(refusal.statusCode).toBe(405)
    expect(refusal.headers).toMatchObject({
      'content-type': 'application/problem+json',
      allow: 'GET',
    })
    expect(JSON.parse(refusal.body)).toEqual({
      type: 'about:blank',
      title: 'Method Not Allowed',
      status: 405,
      detail: `expected GET, got ${method}`,
    })
  })

  test.each([
    [
      '/nothing',
      {},
      404,
      'no question "/nothing"; there are /runs, /run, /best, /last, /resume, /published',
    ],
    ['/run', {}, 400, 'name a run, such as ?run=experiments/resnet; "." is the root'],
    ['/last', { run: '' }, 400, 'name a run, such as ?run=experiments/resnet; "." is the root'],
    ['/run', { run: 'none' }, 404, 'the hub knows no run "none"'],
    ['/best', { run: 'none' }, 404, 'the hub knows no run "none"'],
    ['/last', { run: 'a/c' }, 404, 'the hub knows no run "a/c"'],
    ['/published', { run: 'A' }, 404, 'the hub knows no run "A"'],
    [
      '/best',
      { run: 'a' },
      400,
      'the run "a" tracks several metrics; name one of "acc", "val/loss"',
    ],
    [
      '/best',
      { run: 'a', metric: 'toString' },
      404,
      'the run "a" has no best "toString"; it has "acc", "val/loss"',
    ],
  ])('of %s %j are %i: %s', async (path, parameters, status, detail) => {
    expect(await refused(path, parameters)).toEqual({ status, detail })
  })

  test('say what a run does not have yet', async () => {
    const run = 'young' as Run
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 1 } } }, run)
    expect(await refused('/best', { run })).toEqual({
      status: 404,
      detail: 'the run "young" has no best checkpoint yet',
    })
    expect(await refused('/best', { run, metric: 'acc' })).toEqual({
      status: 404,
      detail: 'the run "young" has no best "acc"; it has none yet',
    })
    expect(await refused('/last', { run })).toEqual({
      status: 404,
      detail: 'the run "young" has no complete checkpoint yet',
    })
    expect(await asked('/published', { run })).toEqual({ run, published: [] })
  })

  test('are none where the fault is not that of who asks', async () => {
    const failing = { ...worker, hub: { ...worker.hub, dynamodb: store.newDynamodb() } }
    aroundCalls(failing.hub.dynamodb, async () => {
      throw new Unavailable()
    })
    const question = { method: 'GET', path: '/runs', parameters: {} }
    await expect(answer(failing, question)).rejects.toThrow(Unavailable)
  })
})

describe('the metrics of a step', () => {
  test('are those of its event, though the log says others later', async () => {
    const run = 'logged' as Run
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 0.91, loss: 1 } } }, run)
    const line = '{"acc": 0.9, "lr_like": 7, "step": 1}\n'
    await upload(worker, { '20260101_000000/vis_data/scalars.json': line }, run)
    const { ledger } = await loadRun(worker.hub, run)
    expect(ledger.history.steps.size).toBe(2)
    const { steps } = await asked('/run', { run })
    expect((steps as Json[])[0]).toMatchObject({
      series: 'epoch',
      metrics: { acc: '0.91', loss: '1', lr_like: '7' },
    })
  })
})

function ask(path: string, parameters: Record<string, string | undefined> = {}): Promise<Answer> {
  return answer(worker, { method: 'GET', path, parameters })
}

/** The body of an answer that is one. */
async function asked(path: string, parameters: Record<string, string> = {}): Promise<Json> {
  const { statusCode, body } = await ask(path, parameters)
  expect(statusCode, body).toBe(200)
  return JSON.parse(body)
}

/** Status and detail of a refusal. */
async function refused(
  path: string,
  parameters: Record<string, string>,
): Promise<{ status: number; detail: string }> {
  const { statusCode, headers, body } = await ask(path, parameters)
  const { type, title, status, detail } = JSON.parse(body)
  expect(headers['content-type']).toBe('application/problem+json')
  expect(status).toBe(statusCode)
  expect({ type, title }).toEqual({
    type: 'about:blank',
    title: status === 404 ? 'Not Found' : 'Bad Request',
  })
  return { status, detail }
}

/** What a browser saves the download as. */
function dispositionIn(url: unknown): string | null {
  return new URL(String(url)).searchParams.get('response-content-disposition')
}

function key(run: string): Json {
  return { run, entry: 'run', listed: 'runs', last_upload: '2026-01-01T00:00:00.000Z' }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
