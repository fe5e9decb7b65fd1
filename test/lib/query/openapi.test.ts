/** The query API is what its description says, whatever it is asked. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { keyIn, type Run } from '../../../lib/hook/names.ts'
import { ConflictError } from '../../../lib/message-hub/message-hub-error.ts'
import { PROBLEM_CODES } from '../../../lib/query/problem-details.ts'
import { QUESTIONS } from '../../../lib/query/questions.ts'
import { type Answer, answer } from '../../../lib/query/route.ts'
import { AWKWARD_KEYS, put } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls } from '../bucket/wire.ts'
import { directory } from '../run/directories.ts'
import { checkpoint, drain, newWorker, type TestWorker, upload } from '../run/worker.ts'
import { describedParameters, describedStatuses, description, faultsOf } from './described.ts'

/** How many times 500 generated requests. */
const TIMES = Number(process.env['FUZZ_TIMES'] ?? 1)
const REQUESTS_AT_ONCE = 20
const METRICS = ['acc', 'val/loss', '<i>"m\'\n', 'größe 🙂', 'constructor']
const AWKWARD = AWKWARD_KEYS.map((key) => key.slice(0, key.lastIndexOf('/')))
const RUNS = ['.', 'plain', '"><script>alert(1)</script>', 'tab\tline\nend\u0001', ...AWKWARD]
const store = storeOfFile()
let worker: TestWorker
/** What pages gave, to be asked for with. */
const tokens: string[] = []

beforeAll(async () => {
  worker = await newWorker(store)
  for (const [at, run] of RUNS.entries()) {
    const metrics = Object.fromEntries(METRICS.map((metric) => [metric, at / 10]))
    const files = {
      'checkpoint_hook.json': {
        save_best: METRICS.slice(0, 1 + (at % METRICS.length)),
        rule: 'greater',
        max_keep_ckpts: 2,
        published_keys: ['state_dict'],
      },
      'epoch_1.pth': checkpoint(`${at} one`),
      'metrics/1.json': { epoch: 1, metrics },
      'epoch_2.pth': checkpoint(`${at} two`),
      'epoch_3.pth': checkpoint(`${at} three`),
      'epoch_4.pth': 'torn',
      'metrics/4.json': '{"epoch": 4, "metrics": {"acc": NaN, "x": null}}',
      'after_train.json': '',
    }
    await upload(worker, files, run as Run)
    await drain(worker)
  }
  await upload(worker, directory('epoch_7', { 'rank_0.bin': 'zero' }), 'directories' as Run)
  await upload(worker, { 'metrics/1.json': { epoch: 1, metrics: { acc: 1 } } }, 'young' as Run)
  await upload(worker, { 'epoch_1.pth': checkpoint('one') }, 'damaged' as Run)
  await put(worker.bucket, keyIn('damaged' as Run, 'epoch_1.pth'), 'other bytes')
  for (const [path, parameters] of [
    ['/runs', { limit: '3' }],
    ['/run', { run: 'plain', limit: '1' }],
    ['/leaderboard', { metric: 'acc', limit: '2' }],
  ] as const) {
    tokens.push(JSON.parse((await ask(path, parameters)).body).next)
  }
})

describe('the description', () => {
  test('has every question with its parameters, and no others', () => {
    const described = Object.fromEntries(
      Object.keys(description.paths).map((path) => [path, describedParameters(path).toSorted()]),
    )
    const known = Object.entries(QUESTIONS).map(([path, { parameters }]) => [
      path,
      parameters.toSorted(),
    ])
    expect(described).toEqual({ '/': [], ...Object.fromEntries(known) })
  })

  test('has every problem, and no others', () => {
    const { enum: types } = description.components.schemas.Problem.properties.type
    expect(types.toSorted()).toEqual(
      PROBLEM_CODES.map((code) => `urn:checkpoint-hub:problem:${code}`).toSorted(),
    )
  })

  test('finds fault with an answer that is another', async () => {
    const { headers, body } = await ask('/last', { run: 'plain' })
    const other = { ...JSON.parse(body), more: 1 }
    const answered = { status: 200, headers, body: JSON.stringify(other) }
    expect(faultsOf('/last', answered)).toHaveLength(1)
    expect(faultsOf('/last', { ...answered, body, headers: {} })).toHaveLength(2)
    expect(faultsOf('/last', { ...answered, status: 500 })).toHaveLength(1)
  })
})

describe('each answer that is described', () => {
  const examples: [path: string, status: number, parameters: Record<string, string>][] = [
    ['/', 200, {}],
    ['/', 400, { run: 'plain' }],
    ['/runs', 200, {}],
    ['/runs', 200, { prefix: 'a', limit: '2' }],
    ['/runs', 400, { limit: 'many' }],
    ...RUNS.map((run): [string, number, Record<string, string>] => ['/run', 200, { run }]),
    ['/run', 200, { run: 'directories' }],
    ['/run', 200, { run: 'plain', limit: '1' }],
    ['/run', 400, {}],
    ['/run', 404, { run: 'none' }],
    ['/best', 200, { run: 'plain', metric: 'acc' }],
    ['/best', 302, { run: 'plain', metric: 'acc', redirect: '1' }],
    ['/best', 400, { run: 'plain' }],
    ['/best', 404, { run: 'young' }],
    ['/last', 200, { run: 'plain', expires: '60', filename: 'a "b" 🙂.pth' }],
    ['/last', 200, { run: 'directories' }],
    ['/last', 302, { run: 'plain', redirect: '1' }],
    ['/last', 400, { run: 'plain', metric: 'acc' }],
    ['/last', 404, { run: 'young' }],
    ['/resume', 200, { run: 'plain' }],
    ['/resume', 200, { run: 'directories' }],
    ['/resume', 302, { run: '.', redirect: '1' }],
    ['/resume', 400, { run: 'plain', expires: '0' }],
    ['/resume', 404, { run: 'damaged' }],
    ['/leaderboard', 200, { metric: 'acc' }],
    ['/leaderboard', 200, { metric: 'acc', rule: 'less', prefix: 'a', limit: '3' }],
    ['/leaderboard', 400, {}],
    ['/leaderboard', 404, { metric: 'none' }],
    ['/published', 200, { run: 'plain' }],
    ['/published', 200, { run: 'young' }],
    ['/published', 400, { run: 'plain', redirect: '1' }],
    ['/published', 404, { run: 'none' }],
  ]

  test.each(examples)('%s with %i, of %j', async (path, status, parameters) => {
    const answered = await ask(path, parameters)
    expect(answered.statusCode).toBe(status)
    expect(faults(path, answered)).toEqual([])
  })

  test.each(['/run', '/resume'])('%s with 503, while the hub is at work', async (path) => {
    const busy = { ...worker, hub: { ...worker.hub, dynamodb: store.newDynamodb() } }
    aroundCalls(busy.hub.dynamodb, async () => {
      throw new ConflictError('plain' as Run)
    })
    const answered = await answer(busy, { method: 'GET', path, parameters: { run: 'plain' } })
    expect(answered.statusCode).toBe(503)
    expect(faults(path, answered)).toEqual([])
  })

  test('is among these', () => {
    const shown = new Set(examples.map(([path, status]) => `${path} ${status}`))
    for (const path of ['/run', '/resume']) shown.add(`${path} 503`)
    const described = Object.keys(description.paths).flatMap((path) =>
      describedStatuses(path).map((status) => `${path} ${status}`),
    )
    expect([...shown].toSorted()).toEqual(described.toSorted())
  })
})

describe('whatever is asked', () => {
  test(`is answered as it is described, by no 5xx: ${500 * TIMES} generated requests`, async () => {
    const statuses = new Map<number, number>()
    const requests = fc.array(request(), {
      minLength: REQUESTS_AT_ONCE,
      maxLength: REQUESTS_AT_ONCE,
    })
    const property = fc.asyncProperty(requests, async (asked) => {
      const answers = await Promise.all(asked.map((each) => answer(worker, each)))
      for (const [at, answered] of answers.entries()) {
        const { method = '', path = '' } = asked[at] ?? {}
        statuses.set(answered.statusCode, 1 + (statuses.get(answered.statusCode) ?? 0))
        expect(answered.statusCode).toBeLessThan(500)
        if (method === 'HEAD') expect(answered.body).toBe('')
        else expect(faults(path.replace(/\/+$/, '') || '/', answered)).toEqual([])
      }
    })
    await fc.assert(property, { numRuns: (500 / REQUESTS_AT_ONCE) * TIMES })
    for (const status of [200, 302, 400, 404, 405]) expect(statuses.get(status)).toBeGreaterThan(0)
  }, 600_000)
})

/** Mostly what somebody would ask, and anything. */
function request() {
  const name = fc.constantFrom(
    ...new Set(Object.values(QUESTIONS).flatMap(({ parameters }) => parameters)),
    'verbose',
    '__proto__',
    '',
  )
  const path = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...Object.keys(QUESTIONS)) },
    { weight: 1, arbitrary: fc.constantFrom('/', '', '/run/', '//', '/runs/more', '/constructor') },
    { weight: 1, arbitrary: anyText() },
  )
  return path.chain((at) => {
    const own = QUESTIONS[at]?.parameters ?? []
    const required = own.filter(
      (each) => each === 'run' || (at === '/leaderboard' && each === 'metric'),
    )
    const sensible = fc
      .subarray(own.filter((each) => !required.includes(each)))
      .map((some) => [...required, ...some])
    const names = fc.oneof(
      { weight: 6, arbitrary: sensible },
      { weight: 1, arbitrary: fc.uniqueArray(name, { maxLength: 4 }) },
    )
    return fc.record({
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant('GET') },
        { weight: 1, arbitrary: fc.constantFrom('HEAD', 'POST', 'DELETE', 'get', '') },
      ),
      path: fc.constant(at),
      parameters: names.chain((chosen) => parametersOf(chosen)),
    })
  })
}

function parametersOf(names: readonly string[]): fc.Arbitrary<Record<string, string>> {
  const values = names.map((name) => fc.tuple(fc.constant(name), valueFor(name)))
  return fc.tuple(...values).map((entries) => Object.fromEntries(entries))
}

function valueFor(name: string): fc.Arbitrary<string> {
  const right: Record<string, fc.Arbitrary<string>> = {
    run: fc.constantFrom(...RUNS, 'directories', 'young', 'damaged', 'none'),
    metric: fc.constantFrom(...METRICS, 'none'),
    prefix: fc.constantFrom('', 'a', 'größe', '"'),
    limit: fc.integer({ min: -1, max: 120 }).map(String),
    expires: fc.integer({ min: 0, max: 22_000 }).map(String),
    redirect: fc.constantFrom('0', '1'),
    filename: fc.string({ unit: 'grapheme', minLength: 1 }),
    rule: fc.constantFrom('greater', 'less'),
    next: fc.oneof(
      fc.constantFrom(0, 1, 2).map((at) => tokens[at] ?? ''),
      damagedToken(),
    ),
  }
  const own = Object.hasOwn(right, name) ? right[name] : undefined
  if (own === undefined) return anyText()
  return fc.oneof({ weight: 8, arbitrary: own }, { weight: 1, arbitrary: anyText() })
}

/** What a page gave, with something else in one place of it. */
function damagedToken(): fc.Arbitrary<string> {
  const place = fc.record({
    at: fc.constantFrom(0, 1, 2),
    other: fc.oneof(anyText(), fc.integer(), fc.constant(null)),
    path: fc.constantFrom(
      'run',
      'entry',
      'metric',
      'last_upload',
      'place',
      'before',
      'seconds',
      'id',
    ),
  })
  return place.map(({ at, other, path }) => {
    const token = JSON.parse(Buffer.from(tokens[at] ?? '', 'base64url').toString())
    if (Object.hasOwn(token, path)) token[path] = other
    else if (token.place !== undefined) token.place[path] = other
    return Buffer.from(JSON.stringify(token)).toString('base64url')
  })
}

/** Any text, also such as are none: half of a surrogate pair, and longer than any key. */
function anyText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
    fc.constantFrom('', '\ud800', '\0', '../..', 's3://other/run', '.checkpoint-hub'),
    fc.nat(3000).map((length) => 'x'.repeat(length)),
  )
}

function ask(path: string, parameters: Record<string, string>): Promise<Answer> {
  return answer(worker, { method: 'GET', path, parameters })
}

function faults(path: string, { statusCode, headers, body }: Answer): string[] {
  return faultsOf(path, { status: statusCode, headers, body })
}
