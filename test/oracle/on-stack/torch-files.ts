/** Checkpoints of a real torch, by a Python process each time. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pythonOf } from '../../../local/python.ts'

const SCRIPT = fileURLToPath(new URL('./torch_files.py', import.meta.url))

/**
 * Saves so many checkpoints, each with bytes of its own.
 *
 * @param weights numbers in the one weight that each has, of four bytes; its optimizer has as many
 */
export async function savedCheckpoints(count: number, weights = 6): Promise<Buffer[]> {
  return inFolder(async (folder) => {
    const names = Array.from({ length: count }, (_, at) => String(at))
    await run(['save', folder, String(weights)], names)
    return Promise.all(names.map((name) => readFile(join(folder, name))))
  })
}

/** The top-level keys of files, as `torch.load` with `weights_only` finds them. */
export async function keysOf(files: readonly Uint8Array[]): Promise<string[][]> {
  return inFolder(async (folder) => {
    const names = files.map((_, at) => String(at))
    await Promise.all(files.map((file, at) => writeFile(join(folder, String(at)), file)))
    const found = JSON.parse(await run(['keys', folder], names)) as Record<string, string[]>
    return names.map((name) => found[name] ?? [])
  })
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function run(given: string[], names: string[]): Promise<string> {
  const python = await pythonOf('torch')
  const child = promisify(execFile)(python, [SCRIPT, ...given])
  child.child.stdin?.end(names.join('\n'))
  return (await child).stdout
}
