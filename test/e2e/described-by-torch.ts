/** What a real torch finds in checkpoints. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RecordedCheckpoint } from '../../examples/train/recording.ts'

/** One checkpoint as torch loaded it. */
export type Described = Omit<RecordedCheckpoint, 'iter'>

const SCRIPT = fileURLToPath(new URL('./describe_checkpoints.py', import.meta.url))

/** Loads files of a folder with an interpreter's torch. */
export async function describeCheckpoints(
  python: string,
  folder: string,
  names: string[],
): Promise<Record<string, Described>> {
  const { stdout } = await promisify(execFile)(python, [SCRIPT, folder, ...names], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return JSON.parse(stdout) as Record<string, Described>
}
