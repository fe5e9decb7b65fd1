import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stream, terminalOn } from '../../cli/output/terminal.ts'
import { connectStack, type Stack } from '../../cli/stack/stack.ts'
import { watchRun } from '../../cli/watch/watch-run.ts'
import type { Run } from '../../lib/hook/names.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { checkpoint, drain, upload } from '../lib/run/worker.ts'
import { ckpt, startCkpt } from './run-ckpt.ts'
import { newStack, type StackOfTests } from './stack/a-stack.ts'

const store = storeOfFile()
const before = { ...process.env }
let of: StackOfTests
let stack: Stack

beforeAll(async () => {
  of = await newStack(store)
  // Credentials are looked for when they are needed.
  Object.assign(process.env, of.env)
  stack = await connectStack({})
})
afterAll(() => {
  stack?.close()
  process.env = before
})

const options = { save_best: 'acc', max_keep_ckpts: 1, published_keys: ['state_dict'] }

async function train(run: Run, epoch: number): Promise<void> {
  const files = {
    ...(epoch === 1 && { 'checkpoint_hook.json': options }),
    [`epoch_${epoch}.pth`]: checkpoint(`of ${epoch}`),
    [`metrics/${epoch}.json`]: { epoch, metrics: { acc: epoch / 10 } },
  }
  await upload(of.worker, files, run)
  await drain(of.worker)
}

async function end(run: Run): Promise<void> {
  // S3 tells whole seconds: an end of the second of the last upload is one after it.
  await upload(of.worker, { 'after_train.json': {} }, run)
  await drain(of.worker)
}

/** The command as a process, its lines one by one. */
function watching(args: readonly string[]) {
  const child = startCkpt(['watch', '--interval', '1', ...args], { env: of.env })
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return {
    closed,
    interrupt: () => child.kill('SIGINT'),
    err: () => err,
    lines: () => out.split('\n').slice(0, -1),
    json: () =>
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
  }
}

describe('ckpt watch', () => {
  test('waits for a run, tells each change as JSON on a line of its own, and ends with its training', async () => {
    const run = 'exp/json' as Run
    const watch = watching([run, '--json', '--until-done'])
    await expect.poll(watch.err).toContain('waiting for its first upload')
    await train(run, 1)
    await expect.poll(() => watch.json().length).toBeGreaterThan(0)
    await train(run, 2)
    await end(run)
    expect(await watch.closed).toBe(0)
    const changes = watch.json()
    expect(changes[0]).toMatchObject({ run, change: 'state', time: expect.stringMatching(/Z$/) })
    expect(changes).toContainEqual(
      expect.objectContaining({ change: 'checkpoint', step: 2, fate: 'kept' }),
    )
    expect(changes).toContainEqual(
      expect.objectContaining({ change: 'fate', step: 1, was: 'kept', fate: 'evicted' }),
    )
    expect(changes).toContainEqual(
      expect.objectContaining({ change: 'metrics', step: 2, metrics: { acc: 0.2 } }),
    )
    expect(changes).toContainEqual(
      expect.objectContaining({ change: 'file', kind: 'published', state: 'current' }),
    )
    expect(changes.at(-1)).toMatchObject({ change: 'ended' })
  })

  test('of a run whose training has ended tells so at once, on a pipe in plain lines', async () => {
    const run = 'exp/over' as Run
    await train(run, 1)
    await end(run)
    const { code, out, err } = await ckpt(['watch', run, '--until-done'], { env: of.env })
    expect([code, err]).toEqual([0, ''])
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t').slice(1))
    expect(rows).toEqual([
      ['state', 'last epoch_1.pth; best acc 0.1 at 1; 1 kept, 0 evicted'],
      ['ended', 'training ended, and all that it asked for is done'],
    ])
  })

  test.each([
    [[], 0],
    [['--until-done'], 130],
  ])('with %j ends by Ctrl-C with %i', async (more, code) => {
    const run = 'exp/on' as Run
    await train(run, 1)
    const watch = watching([run, ...more])
    await expect.poll(() => watch.lines().length).toBe(1)
    watch.interrupt()
    expect(await watch.closed).toBe(code)
  })

  test('does not take a training for ended that goes on after its end', async () => {
    const run = 'exp/goes-on' as Run
    await train(run, 1)
    await end(run)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await train(run, 2)
    const watch = watching([run, '--until-done'])
    await expect.poll(() => watch.lines().length).toBe(1)
    expect(watch.lines()[0]).toContain('\tstate\t')
    watch.interrupt()
    await watch.closed
  })

  test('shows names printable', async () => {
    const run = 'exp/\u001b[31m\u202e' as Run
    await train(run, 1)
    await end(run)
    const { out } = await ckpt(['watch', run, '--until-done'], { env: of.env })
    expect(out).not.toMatch(/\p{Cc}(?<![\n\t])/u)
  })

  test.each(['0', '0.5', '3601', 'x', '-1'])('has no interval of %s', async (interval) => {
    const { code, err } = await ckpt(['watch', 'a', `--interval=${interval}`], { env: of.env })
    expect([code, err]).toEqual([2, expect.stringContaining('from 1 to 3600')])
  })

  test('fails where the very first look does', async () => {
    const env = { ...of.env, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9' }
    const { code } = await ckpt(['watch', 'a'], { env })
    expect(code).toBe(1)
  })
})

describe('on a terminal', () => {
  function screen() {
    const through = new PassThrough()
    let text = ''
    through.on('data', (chunk) => {
      text += chunk
    })
    const tty = Object.assign(through, { isTTY: true, columns: 100, rows: 40 })
    const stream = tty as unknown as Stream
    return { terminal: terminalOn(stream, stream, { isJson: false }), text: () => text }
  }

  test('the view is drawn again, goes on after a failure, and stays at the end', async () => {
    const run = 'exp/tty' as Run
    await train(run, 1)
    const { terminal, text } = screen()
    const options = { intervalMs: 50, until: 'ended' } as const
    const watched = watchRun(stack, terminal, new AbortController().signal, run, options)
    await expect.poll(text).toContain('best acc')
    const { send } = stack.hub.dynamodb
    stack.hub.dynamodb.send = () => Promise.reject(new Error('the network is away'))
    await expect.poll(text).toContain('the network is away: trying again')
    stack.hub.dynamodb.send = send
    await train(run, 2)
    await expect.poll(text).toContain('epoch 1 was kept; evicted: max_keep_ckpts=1, newer 2')
    await end(run)
    await watched
    expect(text()).toContain('training ended')
    expect(text().lastIndexOf('training ended')).toBeGreaterThan(text().lastIndexOf('trying again'))
  })
})
