/** Starts MiniStack on a free port of 127.0.0.1, and waits until it answers. */

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { plainEnvironment, REGION } from './environment.ts'
import { endGroup, spawnGroup } from './process-group.ts'
import { pythonOf } from './python.ts'

const LAUNCHER = fileURLToPath(new URL('./python/until_stdin_closes.py', import.meta.url))
const HOST = '127.0.0.1'
/** Four seconds on an idle machine; the rest is for a busy one. */
const START_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 1_000
/** Another process can take the free port before MiniStack does. */
const START_ATTEMPTS = 3
const LOG_TAIL_CHARACTERS = 64 * 1024

export interface MiniStack {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  /** Of the process group that the emulator and its functions are in. */
  readonly group: number
  /** A private folder for what belongs to this emulator; removed when it stops. */
  readonly folder: string
  /** The end of what it has logged, function output included. */
  log(): string
  /** Ends it and everything it started. Calling it again does nothing more. */
  stop(): Promise<void>
}

/** The emulator ended, or did not answer in time; the message holds the end of its log. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError'
}

/** @throws {LocalCloudError} where it does not come up within a minute */
export async function startMiniStack(): Promise<MiniStack> {
  const python = await pythonOf('local-cloud')
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(python, await freePort())
    } catch (error) {
      if (attempt === START_ATTEMPTS || !String(error).includes('already in use')) throw error
    }
  }
}

async function start(python: string, port: number): Promise<MiniStack> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-'))
  const child = spawnGroup(python, ['-u', LAUNCHER], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...plainEnvironment(),
      TMPDIR: folder,
      GATEWAY_PORT: String(port),
      // By default it would listen on every interface, and name itself `localhost`.
      BIND_HOST: HOST,
      MINISTACK_HOST: HOST,
      MINISTACK_REGION: REGION,
      // Listeners for services that the hub does not use.
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      // It would remove containers of its own on start: there is no Docker for it.
      DOCKER_HOST: `unix://${join(folder, 'no-docker.sock')}`,
      PERSIST_STATE: '0',
      STATE_DIR: join(folder, 'state'),
      S3_DATA_DIR: join(folder, 's3'),
    },
  })
  let log = ''
  const collect = (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-LOG_TAIL_CHARACTERS)
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  // The pipe breaks when the emulator ends first: that is seen by its exit.
  child.stdin?.on('error', () => {})

  const stop = async () => {
    await endGroup(child, STOP_GRACE_MS)
    await rm(folder, { recursive: true, force: true })
  }
  const endpoint = `http://${HOST}:${port}`
  let ended: string | undefined
  child.on('error', (error) => {
    ended = error.message
  })
  child.on('exit', (code, signal) => {
    ended = `it ended with ${code ?? signal}`
  })
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await answers(endpoint))) {
    if (ended === undefined && Date.now() < deadline) {
      await sleep(50)
      continue
    }
    await stop()
    const reason = ended ?? `no answer within ${START_TIMEOUT_MS / 1000} s`
    throw new LocalCloudError(`MiniStack did not start: ${reason}. The end of its log:\n${log}`)
  }
  return { endpoint, group: child.pid ?? 0, folder, log: () => log, stop }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const health = await fetch(`${endpoint}/_localstack/health`, {
      signal: AbortSignal.timeout(2_000),
    })
    await health.body?.cancel()
    return health.ok
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, HOST, () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })
}
