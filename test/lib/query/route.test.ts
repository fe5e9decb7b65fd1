import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { lastOf } from '../../../lib/query/last.ts'
import { type Answer, answer } from '../../../lib/query/route.ts'
import { bytesAt, put } from '../bucket/objects.ts'
import { type StartedStore, startStore } from '../bucket/store.ts'
import { aroundCalls, callsOf, Unavailable } from '../bucket/wire.ts'
import { itemsOf, putByHand } from '../message-hub/hub-table.ts'
import { checkpoint, drain, newWorker, type TestWorker, upload } from '../run/worker.ts'

type Json = Record<string, unknown>

/** Runs whose names are each other's beginnings, or special somewhere. */
const RUNS = ['a', 'a/b', 'a#b', 'a b+c%20=&?', 'größe/🙂', '.'] as Run[]
/** Questions whose answers have signed URLs. */
const LINKED = ['/last', '/best', '/resume', '/published']
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
    expect(questions).toMatchObject({ '/last': { parameters: expect.arrayContaining(['run']) } })
    expect(Object.keys(questions as object)).toEqual([
      '/runs',
      '/run',
      '/best',
      '/last',
      '/resume',
      '/leaderboard',
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
    expect((runs as Json[])[0]).toMatchObject({
      checkpoints: 2,
      last_step: 2,
      best: [
        { metric: 'acc', score: expect.stringMatching(/^0\.5\d?$/), step: 1 },
        { metric: 'val/loss', score: '2', step: 1 },
      ],
      problems: 0,
    })
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
    const many = await withListed(120, (at) => `run-${at}`)
    const pages = await allPages(many, {})
    expect(pages.map(({ length }) => length)).toEqual([50, 50, 20])
    expect(pages.flat()).toEqual(Array.from({ length: 120 }, (_, at) => `run-${119 - at}`))
  })

  test('fills a page whatever its prefix leaves out, and ends without an empty one', async () => {
    const many = await withListed(120, (at) => `${at % 12 === 0 ? 'rare' : 'common'}/${at}`)
    const pages = await allPages(many, { prefix: 'rare/', limit: '5' })
    expect(pages).toEqual([
      ['rare/108', 'rare/96', 'rare/84', 'rare/72', 'rare/60'],
      ['rare/48', 'rare/36', 'rare/24', 'rare/12', 'rare/0'],
    ])
    expect(await allPages(many, { prefix: 'none' })).toEqual([[]])
  })

  test('leaves none of those out that came in the same second', async () => {
    const many = await withListed(30, (at) => `run-${at}`, 0)
    const pages = await allPages(many, { limit: '7' })
    expect(pages.map(({ length }) => length)).toEqual([7, 7, 7, 7, 2])
    expect(new Set(pages.flat()).size).toBe(30)
  })

  test('goes on where a page of the index had nothing for it', async () => {
    const many = await withListed(40, (at) => `${at < 3 ? 'rare' : 'common'}/${at}`)
    // DynamoDB ends a page after a megabyte, before the filter.
    many.hub.dynamodb.middlewareStack.add(
      (next) => async (args) => next({ ...args, input: { ...args.input, Limit: 4 } as object }),
      { step: 'initialize', name: 'small pages' },
    )
    expect(await allPages(many, { prefix: 'rare/' })).toEqual([['rare/2', 'rare/1', 'rare/0']])
    const calls = callsOf(many.hub.dynamodb)
    const stretched = await withListed(400, () => `common/${Math.random()}`, 1, many)
    expect((await allPages(stretched, { prefix: 'rare/' })).flat()).toHaveLength(3)
    expect(calls.length).toBeGreaterThan(100)
  })

  test.each([
    ['a text', 'hello'],
    ['nothing', ''],
    ['null', encoded(null)],
    ['a number', encoded(7)],
    ['an object of something else', encoded({ a: 1 })],
    ['a key that lacks its index', encoded({ run: 'a', entry: 'run' })],
    ['a key with more in it', encoded({ ...key('a'), more: 1 })],
    ['a key that is empty', encoded(key(''))],
    ['a key that is too long', encoded(key('a'.repeat(2049)))],
    ['a key that is no text', encoded(key('\ud800'))],
    ['a key of another partition', encoded({ ...key('a'), listed: 'other' })],
  ])('with %s for the next page is a bad request', async (_, next) => {
    expect(await refused('/runs', { next })).toEqual({
      status: 400,
      code: 'invalid-parameter',
      detail: 'next: expected what the page before gave',
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
        { step: 1, fate: 'kept' },
        { step: 2, fate: 'kept' },
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

describe('the last checkpoint', () => {
  test('is found among the highest steps, however long the run is and what it logged', async () => {
    const run = 'long' as Run
    await upload(worker, { 'epoch_500.pth': checkpoint('the last') }, run)
    for (let step = 1; step <= 60; step++) {
      for (const series of ['epoch', 'iter']) {
        const entry = `step#${series}#${String(step).padStart(16, '0')}`
        await putByHand(worker.hub, { run, entry, series, step, uploads: [], metrics: [] })
      }
    }
    const short = { ...worker, hub: { ...worker.hub, dynamodb: store.newDynamodb() } }
    // DynamoDB ends a page after a megabyte.
    short.hub.dynamodb.middlewareStack.add(
      (next) => async (args) => next({ ...args, input: { ...args.input, Limit: 5 } as object }),
      { step: 'initialize', name: 'small pages' },
    )
    const calls = callsOf(short.hub.dynamodb)
    expect(await lastOf(short, { run })).toMatchObject({ step: 500 })
    expect(calls).toEqual(['GetItem', 'Query'])
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

  test('names the file as somebody asks', async () => {
    const { url } = await asked('/last', { run: 'a', filename: `the "best" 🙂 it's.pth` })
    const name = 'the%20%22best%22%20%F0%9F%99%82%20it%27s.pth'
    expect(dispositionIn(url)).toBe(`attachment; filename*=UTF-8''${name}`)
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
    for (const path of LINKED) {
      const { body } = await ask(path, { ...ofRunA(path), expires })
      expect(body).toContain(`X-Amz-Expires=${seconds}&`)
    }
  })

  test.each(['0', '-1', '1.5', '21601', 'soon', '', 'NaN', 'Infinity'])(
    'for %j seconds is a bad request',
    async (expires) => {
      for (const path of LINKED) {
        expect(await refused(path, { ...ofRunA(path), expires })).toEqual({
          status: 400,
          code: 'invalid-parameter',
          detail: `expires: expected a whole number from 1 to 21600, got ${JSON.stringify(expires)}`,
        })
      }
    },
  )
})

describe('a parameter', () => {
  const LONG = 'ä'.repeat(513)
  test.each([
    [
      '/run',
      {},
      'run: expected the name of a run, such as experiments/resnet, or "." for the root of the bucket',
    ],
    [
      '/last',
      { run: '' },
      'run: expected the name of a run, such as experiments/resnet, or "." for the root of the bucket, got ""',
    ],
    ['/run', { run: '\ud800' }, /^run: expected the name of a run/],
    ['/run', { run: LONG }, /^run: expected the name of a run.*ä…"$/],
    ['/runs', { prefix: LONG }, /^prefix: expected the beginning of a run's name/],
    ['/best', { run: 'a', metric: '' }, 'metric: expected the name of a metric, got ""'],
    ['/best', { run: 'a', metric: LONG }, /^metric: expected the name of a metric/],
    ['/runs', { limit: '0' }, 'limit: expected a whole number from 1 to 100, got "0"'],
    ['/runs', { limit: '101' }, 'limit: expected a whole number from 1 to 100, got "101"'],
    ['/runs', { limit: '1e1' }, 'limit: expected a whole number from 1 to 100, got "1e1"'],
    ['/last', { run: 'a', redirect: 'yes' }, 'redirect: expected 0 or 1, got "yes"'],
    ['/last', { run: 'a', filename: '' }, /^filename: expected a file name/],
    ['/last', { run: 'a', filename: '..' }, /^filename: expected a file name/],
    ['/last', { run: 'a', filename: 'a/b' }, /^filename: expected a file name/],
    ['/last', { run: 'a', filename: 'a\\b' }, /^filename: expected a file name/],
    ['/last', { run: 'a', filename: 'a\r\nb' }, /^filename: expected a file name/],
    ['/last', { run: 'a', filename: 'ä'.repeat(128) }, /^filename: expected a file name/],
    ['/last', { run: '', expires: 'x' }, /^run: expected .*; expires: expected a whole number/],
  ])('of %s as in %j is refused', async (path, parameters, detail) => {
    expect(await refused(path, parameters)).toEqual({
      status: 400,
      code: 'invalid-parameter',
      detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
    })
  })

  test.each([
    ['/runs', 'run', 'prefix, limit, next'],
    ['/run', 'metric', 'run, limit, next'],
    ['/published', 'redirect', 'run, expires'],
    ['/last', '__proto__', 'run, expires, filename, redirect'],
    ['/last', 'toString', 'run, expires, filename, redirect'],
  ])('that %s does not have, %s, is refused with those that it has', async (path, name, known) => {
    const parameters = JSON.parse(`{"run": "a", "${name}": "a"}`)
    if (path === '/runs') delete parameters.run
    if (name === 'run') parameters.run = 'a'
    expect(await refused(path, parameters)).toEqual({
      status: 400,
      code: 'unknown-parameter',
      detail: `${path} has no parameter "${name}"; it takes ${known}`,
    })
  })

  test('that is wrong is named for programs too', async () => {
    const { body } = await ask('/last', { run: '', expires: '0' })
    expect(JSON.parse(body)).toMatchObject({
      invalid: [{ parameter: 'run' }, { parameter: 'expires' }],
    })
  })
})

describe('HEAD', () => {
  test.each([
    ['/last', { run: 'a' }, 200],
    ['/last', { run: 'a', redirect: '1' }, 302],
    ['/last', { run: 'none' }, 404],
  ])('of %s %j is answered as GET, without a body', async (path, parameters, status) => {
    const { headers, ...rest } = await answer(worker, { method: 'HEAD', path, parameters })
    expect(rest).toEqual({ statusCode: status, body: '' })
    const { location: _, ...others } = (await ask(path, parameters)).headers
    expect(headers).toMatchObject(others)
  })
})

describe('problem details', () => {
  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'get'])('refuse the method %s', async (method) => {
    const refusal = await answer(worker, { method, path: '/runs', parameters: {} })
    expect(refusal.statusCode).toBe(405)
    expect(refusal.headers).toMatchObject({
      'content-type': 'application/problem+json',
      allow: 'GET, HEAD',
    })
    expect(JSON.parse(refusal.body)).toEqual({
      type: 'urn:checkpoint-hub:problem:method-not-allowed',
      title: 'The method is not allowed',
      status: 405,
      detail: `expected GET or HEAD, got "${method}"`,
    })
  })

  test.each([
    ['/nothing', 'unknown-question', 404, /^there is no question "\/nothing"; there are \/runs, /],
    ['/toString', 'unknown-question', 404, /^there is no question "\/toString"/],
  ])('of %s are %s, %i', async (path, code, status, detail) => {
    expect(await refused(path, {})).toEqual({
      status,
      code,
      detail: expect.stringMatching(detail),
    })
  })

  test.each([
    ['/run', { run: 'none' }, 'unknown-run', 404, 'the hub knows no run "none"'],
    ['/best', { run: 'none' }, 'unknown-run', 404, 'the hub knows no run "none"'],
    ['/last', { run: 'a/c' }, 'unknown-run', 404, 'the hub knows no run "a/c"'],
    ['/resume', { run: 'a/' }, undefined, 200, ''],
    ['/resume', { run: 'a//' }, 'unknown-run', 404, 'the hub knows no run "a/"'],
    ['/published', { run: 'A' }, 'unknown-run', 404, 'the hub knows no run "A"'],
    [
      '/best',
      { run: 'a' },
      'several-metrics',
      400,
      'the run "a" tracks several metrics; name one of "acc", "val/loss"',
    ],
    [
      '/best',
      { run: 'a', metric: 'toString' },
      'unknown-metric',
      404,
      'the run "a" has no best "toString"; it has "acc", "val/loss"',
    ],
  ])('of %s %j are %s, %i: %s', async (path, parameters, code, status, detail) => {
    if (code === undefined) expect((await ask(path, parameters)).statusCode).toBe(status)
    else expect(await refused(path, parameters)).toEqual({ status, code, detail })
  })

  test('say what a run does not have yet', async () => {
    const run = 'young' as Run
    await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 1 } } }, run)
    expect(await refused('/best', { run })).toEqual({
      status: 404,
      code: 'no-checkpoint',
      detail: 'the run "young" has no best checkpoint yet',
    })
    expect(await refused('/best', { run, metric: 'acc' })).toEqual({
      status: 404,
      code: 'unknown-metric',
      detail: 'the run "young" has no best "acc"; it has none yet',
    })
    expect(await refused('/last', { run })).toEqual({
      status: 404,
      code: 'no-checkpoint',
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

describe('an object of another run', () => {
  test.each([
    ['/best', { metric: 'acc' }],
    ['/last', {}],
    ['/published', {}],
  ])('is never signed, whatever the table says: %s', async (path, parameters) => {
    const run = `of-others${path}` as Run
    const files = {
      'checkpoint_hook.json': { save_best: 'acc', published_keys: ['state_dict'] },
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
      'after_train.json': '',
    }
    await upload(worker, files, run)
    await drain(worker)
    expect((await ask(path, { run, ...parameters })).statusCode).toBe(200)
    for (const [entry, item] of await itemsOf(worker.hub, run)) {
      if (!/^(runtime_info|step#|artifact#)/.test(entry)) continue
      const text = JSON.stringify(item).replaceAll(`${run}/`, 'a/')
      await putByHand(worker.hub, { ...JSON.parse(text), run, entry })
    }
    expect(await refused(path, { run, ...parameters })).toMatchObject({
      status: 404,
      code: 'foreign-object',
    })
  })

  test('is not signed either where another run claimed its folder', async () => {
    const run = 'claims' as Run
    const options = { save_best: 'acc', out_dir: 'exports' }
    const files = {
      'checkpoint_hook.json': options,
      'epoch_1.pth': checkpoint('one'),
      'metrics/1.json': { epoch: 1, metrics: { acc: 1 } },
    }
    await upload(worker, files, run)
    await drain(worker)
    expect(await asked('/best', { run })).toMatchObject({
      object: { key: 'exports/claims/best_acc_epoch_1.pth' },
    })
    await putByHand(worker.hub, { run: 'exports/claims', entry: 'claim', by: 'a' })
    expect(await refused('/best', { run })).toMatchObject({ code: 'foreign-object' })
  })
})

function ask(path: string, parameters: Record<string, string | undefined> = {}): Promise<Answer> {
  return answer(worker, { method: 'GET', path, parameters })
}

/** A stack whose index lists runs, the last one the newest. */
async function withListed(
  count: number,
  name: (at: number) => string,
  secondsApart = 1,
  on?: TestWorker,
): Promise<TestWorker> {
  const many = on ?? (await newWorker(store))
  for (let at = 0; at < count; at++) {
    const seconds = 1_790_000_000 + secondsApart * at
    const last_upload = new Date(1000 * seconds).toISOString()
    await putByHand(many.hub, { run: name(at), entry: 'run', listed: 'runs', last_upload })
  }
  return many
}

/** The names on each page. */
async function allPages(of: TestWorker, parameters: Record<string, string>): Promise<unknown[][]> {
  const pages: unknown[][] = []
  let next: string | undefined
  do {
    expect(pages.length).toBeLessThan(20)
    const asks = { ...parameters, ...(next !== undefined && { next }) }
    const { body } = await answer(of, { method: 'GET', path: '/runs', parameters: asks })
    const page = JSON.parse(body)
    pages.push(page.runs.map(({ run }: Json) => run))
    next = page.next
  } while (next !== undefined)
  return pages
}

/** The body of an answer that is one. */
async function asked(path: string, parameters: Record<string, string> = {}): Promise<Json> {
  const { statusCode, body } = await ask(path, parameters)
  expect(statusCode, body).toBe(200)
  return JSON.parse(body)
}

/** Status, code and detail of a refusal. */
async function refused(
  path: string,
  parameters: Record<string, string>,
): Promise<{ status: number; code: string; detail: string }> {
  const { statusCode, headers, body } = await ask(path, parameters)
  const { type, title, status, detail } = JSON.parse(body)
  expect(headers).toEqual({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  expect(status).toBe(statusCode)
  expect(title).toMatch(/^[A-Z]/)
  const [, code = ''] = /^urn:checkpoint-hub:problem:([a-z-]+)$/.exec(type) ?? []
  return { status, code, detail }
}

/** What asks for the run `a` alone. */
function ofRunA(path: string): Record<string, string> {
  return { run: 'a', ...(path === '/best' && { metric: 'acc' }) }
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
