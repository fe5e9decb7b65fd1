/** Starts an emulator on a free port of 127.0.0.1, and waits until it answers. */

import { readFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { plainEnvironment } from './environment.ts'
import { endGroup, spawnGroup } from './process-group.ts'
import { type PythonEnvironment, pythonOf } from './python.ts'

const LAUNCHER = fileURLToPath(new URL('./python/until_stdin_closes.py', import.meta.url))
export const HOST = '127.0.0.1'
/** Four seconds on an idle machine; the rest is for a busy one. */
const START_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 1_000
/** Another process can take the free port before the emulator does. */
const START_ATTEMPTS = 3
const LOG_TAIL_CHARACTERS = 1024 * 1024
const LOG_FILE = 'emulator.log'

/** Which emulator to start, and how. */
export interface EmulatorKind {
  /** As messages call it. */
  readonly name: string
  readonly python: PythonEnvironment
  /** The module that the launcher runs. */
  readonly module: string
  readonly arguments: (port: number) => readonly string[]
  /** Variables beside the plain ones; `folder` is the emulator's own. */
  readonly environment: (port: number, folder: string) => Readonly<Record<string, string>>
  /** Answers with success once it is up. */
  readonly healthPath: string
}

export interface Emulator {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  /** Of the process group that the emulator and its functions are in. */
  readonly group: number
  /** A private folder for what belongs to this emulator; removed when it stops. */
  readonly folder: string
  /** What it has logged, function output included; gone with the folder. */
  readonly logFile: string
  /** The end of that. */
  log(): string
  /** Ends it and everything it started. Calling it again does nothing more. */
  stop(): Promise<void>
}

/** The emulator ended, or did not answer in time; the message holds the end of its log. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError'
}

/** @throws {LocalCloudError} where it does not come up within a minute */
export async function startEmulator(kind: EmulatorKind): Promise<Emulator> {
  const python = await pythonOf(kind.python)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(kind, python, await freePort())
    } catch (error) {
      if (attempt === START_ATTEMPTS || !String(error).includes('already in use')) throw error
    }
  }
}

async function start(kind: EmulatorKind, python: string, port: number): Promise<Emulator> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-'))
  const logFile = join(folder, LOG_FILE)
  // A file, so that a process that is busy elsewhere does not hold the emulator up with a full pipe.
  const logged = await open(logFile, 'a')
  const child = spawnGroup(python, ['-u', LAUNCHER, kind.module, ...kind.arguments(port)], {
    cwd: folder,
    stdio: ['pipe', logged.fd, logged.fd],
    env: {
      ...plainEnvironment(),
      TMPDIR: folder,
      ...kind.environment(port, folder),
    },
  })
  await logged.close()
  const log = () => endOfLog(logFile)
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
  while (!(await answers(`${endpoint}${kind.healthPath}`))) {
    if (ended === undefined && Date.now() < deadline) {
      await sleep(50)
      continue
    }
    const end = log()
    await stop()
    const reason = ended ?? `no answer within ${START_TIMEOUT_MS / 1000} s`
    throw new LocalCloudError(`${kind.name} did not start: ${reason}. The end of its log:\n${end}`)
  }
  return { endpoint, group: child.pid ?? 0, folder, logFile, log, stop }
}

/** The end of what an emulator logged into a file; empty where the file is gone with it. */
export function endOfLog(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-LOG_TAIL_CHARACTERS)
  } catch {
    return ''
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const health = await fetch(url, { signal: AbortSignal.timeout(2_000) })
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
