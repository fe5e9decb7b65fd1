import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectStack, type Stack } from '../../cli/stack/stack.ts'
import { type Dashboard, serveDashboard } from '../../cli/ui/serve.ts'
import type { Run } from '../../lib/hook/names.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { directory } from '../lib/run/directories.ts'
import { checkpoint, drain, upload } from '../lib/run/worker.ts'
import { ckpt, startCkpt } from './run-ckpt.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

const RUN = 'exp/a b&c' as Run
const store = storeOfFile()
let of: StackOfTests
let stack: Stack
let dashboard: Dashboard
let cookie: string
const before = { ...process.env }

beforeAll(async () => {
  of = await newStack(store)
  const options = { save_best: 'acc', max_keep_ckpts: 1, published_keys: ['state_dict'] }
  await upload(of.worker, { 'checkpoint_hook.json': options }, RUN)
  for (const epoch of [1, 2]) {
    await upload(
      of.worker,
      {
        [`epoch_${epoch}.pth`]: checkpoint(`of ${epoch}`),
        [`metrics/${epoch}.json`]: { epoch, metrics: { acc: epoch } },
      },
      RUN,
    )
    await drain(of.worker)
  }
  // Credentials are looked for when they are needed.
  Object.assign(process.env, of.env)
  stack = await connectStack({})
  dashboard = await serveDashboard(stack, 0)
  cookie = (await get('/', { search: new URL(dashboard.address).search })).cookie
})
afterAll(async () => {
  await dashboard?.close()
  stack?.close()
  process.env = before
})

interface Got {
  status: number
  headers: Record<string, string | string[] | undefined>
  cookie: string
  body: string
}

/** Unlike `fetch`, says what host it likes. */
function get(
  path: string,
  {
    headers = {},
    method = 'GET',
    search = '',
  }: { headers?: Record<string, string>; method?: string; search?: string } = {},
): Promise<Got> {
  const { hostname, port } = new URL(dashboard.address)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path: path + search, method, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => {
        const [set = ''] = answer.headers['set-cookie'] ?? []
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          cookie: set.split(';')[0] ?? '',
          body: Buffer.concat(chunks).toString(),
        })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

const withKey = (more: Record<string, string> = {}) => ({ headers: { cookie, ...more } })
const ofRun = new URLSearchParams({ run: RUN })

describe('the dashboard’s server', () => {
  test('listens on 127.0.0.1 alone', () => {
    expect(dashboard.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?key=[\w-]{22}$/)
  })

  test.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/main.js', 'text/javascript; charset=utf-8', 'api/runs'],
    ['/style.css', 'text/css; charset=utf-8', ':root'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('serves %s, which nothing of elsewhere may be in', async (path, type, words) => {
    const { status, headers, body } = await get(path)
    expect([status, headers['content-type']]).toEqual([200, type])
    expect(body).toContain(words)
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self';/),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('has no inline script or style, and names no other host', async () => {
    const { body } = await get('/')
    expect(body).not.toMatch(/<script(?![^>]*src=)|style=|<style|https?:|\son\w+=/)
  })

  test('answers as the query function does', async () => {
    const { status, headers, body } = await get(`/api/run?${ofRun}`, withKey())
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(body)).toMatchObject({ run: RUN, best: [{ metric: 'acc', score: '2' }] })
    const refused = await get('/api/run?run=absent', withKey())
    expect([refused.status, JSON.parse(refused.body).type]).toEqual([
      404,
      'urn:checkpoint-hub:problem:unknown-run',
    ])
  })

  test('says which stack it asks', async () => {
    const { body } = await get('/session', withKey())
    expect(JSON.parse(body)).toEqual({
      stack: of.name,
      region: stack.region,
      bucket: stack.bucket.name,
    })
  })

  test('reads an unchanged run no second time, and a changed one again', async () => {
    const path = `/api/run?${ofRun}`
    const { headers } = await get(path, withKey())
    const tag = String(headers['etag'])
    const again = await get(path, withKey({ 'if-none-match': tag }))
    expect([again.status, again.body]).toEqual([304, ''])
    const other = await get(`${path}&limit=1`, withKey({ 'if-none-match': tag }))
    expect(other.status).toBe(200)
    await upload(of.worker, { 'metrics/9.json': { epoch: 9, metrics: { acc: 0 } } }, RUN)
    const changed = await get(path, withKey({ 'if-none-match': tag }))
    expect(changed.status).toBe(200)
    expect(changed.headers['etag']).not.toBe(tag)
  })

  test('has a tag for what else it answers', async () => {
    const { headers } = await get('/api/runs', withKey())
    const tag = String(headers['etag'])
    expect((await get('/api/runs', withKey({ 'if-none-match': tag }))).status).toBe(304)
  })

  test.each([
    ['a checkpoint', `${RUN}/epoch_2.pth`],
    ['a best copy', `${RUN}/best_acc_epoch_2.pth`],
  ])('leads to the bytes of %s', async (_, key) => {
    const asked = new URLSearchParams({ run: RUN, key })
    const { status, headers } = await get(`/download?${asked}`, withKey())
    expect(status).toBe(302)
    const got = await fetch(String(headers['location']))
    expect(got.status).toBe(200)
    expect(
      Buffer.from(await got.arrayBuffer())
        .subarray(0, 2)
        .toString(),
    ).toBe('PK')
  })

  test('says of a directory that no one file is the checkpoint', async () => {
    const files = directory('iter_1', { 'model.pt': 'weights', 'optimizer.pt': 'moments' })
    const run = 'exp/sharded' as Run
    await upload(of.worker, files, run)
    const asked = new URLSearchParams({ run, key: `${run}/iter_1` })
    const { status, body } = await get(`/download?${asked}`, withKey())
    expect([status, body]).toEqual([404, expect.stringContaining('a directory of 2 files')])
  })

  test('leads to nothing that is not of the run', async () => {
    const asked = new URLSearchParams({ run: RUN, key: 'exp/other/epoch_1.pth' })
    expect((await get(`/download?${asked}`, withKey())).status).toBe(404)
    expect((await get('/download?run=&key=', withKey())).status).toBe(400)
  })

  test('answers HEAD without a body', async () => {
    const { status, body } = await get('/api/runs', { ...withKey(), method: 'HEAD' })
    expect([status, body]).toEqual([200, ''])
  })
})

describe('the dashboard’s server refuses', () => {
  test.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.',
    '10.0.0.1',
  ])('what was sent to the host %j', async (host) => {
    for (const path of ['/', '/api/runs']) {
      const { status, body } = await get(path, withKey({ host }))
      expect(status).toBe(421)
      expect(body).not.toContain('exp/')
    }
  })

  test.each(['localhost:1', '127.0.0.1', '[::1]:80'])('nothing for the host %j', async (host) => {
    expect((await get('/api/runs', withKey({ host }))).status).toBe(200)
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('the method %s', async (method) => {
    const { status, headers } = await get('/api/runs', { ...withKey(), method })
    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD'])
    expect(headers).not.toHaveProperty('access-control-allow-methods')
  })

  test.each(['cross-site', 'same-site'])('a request of another page, %s', async (site) => {
    const { status } = await get('/api/runs', withKey({ 'sec-fetch-site': site }))
    expect(status).toBe(403)
  })

  test.each([
    ['no cookie', {}],
    ['the cookie of another server', { cookie: 'ckpt_ui_1=abc' }],
    ['a wrong key', { cookie: 'ckpt_ui_PORT=abc' }],
  ])('whoever has %s', async (_, given) => {
    const { port } = new URL(dashboard.address)
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, text]) => [name, text.replace('PORT', port)]),
    )
    for (const path of ['/api/runs', '/session', '/download?run=a&key=b']) {
      const { status, body } = await get(path, { headers })
      expect([status, body]).toEqual([401, expect.stringContaining('ckpt ui')])
    }
  })

  test('a key for one use at the second', async () => {
    const { search } = new URL(dashboard.addressForOnce())
    const first = await get('/', { search })
    expect([first.status, first.headers['location']]).toEqual([303, '/'])
    expect((await get('/', { search })).status).toBe(200)
  })

  test('paths that are none', async () => {
    expect((await get('/../package.json', withKey())).status).toBe(404)
    expect((await get('/api/nothing', withKey())).status).toBe(404)
  })
})

describe('the command', () => {
  test('prints the address, and ends well by Ctrl-C', async () => {
    const child = startCkpt(['ui'], { env: of.env })
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [first] = await child.stdout.take(1).toArray()
    const address = String(first).trim()
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?key=/)
    expect((await fetch(address)).status).toBe(200)
    child.kill('SIGINT')
    expect(await ended).toBe(0)
  })

  test.runIf(process.platform === 'linux')(
    'with --open gives the browser an address of its own, which admits once',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ckpt-open-'))
      const opened = join(folder, 'address')
      await writeFile(join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > '${opened}'\n`, {
        mode: 0o755,
      })
      const path = `${folder}${delimiter}${process.env['PATH']}`
      const child = startCkpt(['ui', '--open'], { env: { ...of.env, PATH: path } })
      const ended = new Promise((resolve) => child.on('close', resolve))
      const [first] = await child.stdout.take(1).toArray()
      await expect.poll(() => readFile(opened, 'utf8').catch(() => '')).toContain('?key=')
      const address = await readFile(opened, 'utf8')
      expect(address).not.toBe(String(first).trim())
      const open = () => fetch(address, { redirect: 'manual' })
      expect((await open()).headers.get('set-cookie')).toContain('HttpOnly; SameSite=Lax')
      expect((await open()).headers.get('set-cookie')).toBeNull()
      child.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true })
    },
  )

  test('says that a port is taken', async () => {
    const { port } = new URL(dashboard.address)
    const { code, err } = await ckpt(['ui', '--port', port], { env: of.env })
    expect([code, err]).toEqual([1, expect.stringContaining(`the port ${port} is taken`)])
  })

  test.each(['0', '65536', 'x', '-1'])('has no port %s', async (port) => {
    const { code, err } = await ckpt(['ui', `--port=${port}`], { env: of.env })
    expect([code, err]).toEqual([2, expect.stringContaining('from 1 to 65535')])
  })
})
