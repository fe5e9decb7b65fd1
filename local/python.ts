/**
 * Private Python environments, pinned by `local/python/<name>.txt`.
 *
 * They live outside the tree, so that every clone of the repository shares them, and are built once:
 * a folder is complete when its marker is there, and a changed requirements file makes another folder.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * `local-cloud` runs MiniStack, `moto` moto's server, `torch` torch and MMEngine, `bench` a peer to compare with;
 * `aws-cli` is the AWS CLI.
 */
export type PythonEnvironment = 'local-cloud' | 'moto' | 'torch' | 'bench' | 'aws-cli'

const REQUIREMENTS = new URL('./python/', import.meta.url)
/** pip may download torch on a slow line; a builder that died leaves a lock no older than this. */
const STALE_LOCK_MS = 30 * 60_000
const SUPPORTED_PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']

/**
 * The interpreter of a prepared environment; prepares it on first use and says so on standard error.
 *
 * @returns the absolute path of its `python`
 * @throws {PythonEnvironmentError} where no Python 3.10 or newer is found, or pip fails
 */
export async function pythonOf(name: PythonEnvironment): Promise<string> {
  const requirements = new URL(`${name}.txt`, REQUIREMENTS)
  const text = await readFile(requirements, 'utf8')
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
  const folder = join(cacheFolder(), `${name}-${digest}`)
  const python = join(folder, 'bin', 'python')
  const marker = join(folder, '.complete')
  if (existsSync(marker)) return python

  await mkdir(cacheFolder(), { recursive: true })
  const lock = `${folder}.lock`
  await acquire(lock, marker)
  try {
    if (existsSync(marker)) return python
    const started = Date.now()
    process.stderr.write(`Preparing the Python environment "${name}" (once) in ${folder}\n`)
    await rm(folder, { recursive: true, force: true })
    await run(await basePython(), ['-m', 'venv', folder], name)
    await run(
      python,
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '-r',
        requirements.pathname,
      ],
      name,
    )
    await writeFile(marker, text)
    process.stderr.write(`  ready after ${Math.round((Date.now() - started) / 1000)} s\n`)
    return python
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

/** A Python environment could not be prepared; the message says what to install. */
export class PythonEnvironmentError extends Error {
  override readonly name = 'PythonEnvironmentError'
}

function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(base, 'checkpoint-hub', 'python')
}

async function acquire(lock: string, marker: string): Promise<void> {
  for (;;) {
    try {
      await mkdir(lock)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (existsSync(marker)) return
    const age = Date.now() - (await stat(lock).then((s) => s.mtimeMs, Date.now))
    if (age > STALE_LOCK_MS) await rm(lock, { recursive: true, force: true })
    else await sleep(500)
  }
}

async function basePython(): Promise<string> {
  for (const candidate of SUPPORTED_PYTHONS) {
    const probe = 'import sys, venv; sys.exit(sys.version_info < (3, 10))'
    if ((await exitCode(candidate, ['-c', probe])) === 0) return candidate
  }
  throw new PythonEnvironmentError(
    'Python 3.10 or newer with its venv module is needed (Debian: apt-get install python3-venv).',
  )
}

function exitCode(command: string, args: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' })
    child.on('error', () => resolve(127))
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function run(command: string, args: string[], environment: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk) => {
      complaint = (complaint + chunk).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) return resolve()
      reject(
        new PythonEnvironmentError(
          `The Python environment "${environment}" could not be prepared: ${command} ${args.join(' ')} ended with ${code}.\n${complaint}`,
        ),
      )
    })
  })
}
