/**
 * Writing a file whose name depends on its content: under its name only when all of it is on the disk,
 * and never over another.
 */
import { createHash, randomUUID } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openFile } from './file-reader.ts'

/** What is under the name afterwards. */
export interface FileWritten {
  readonly path: string
  readonly sizeBytes: number
  /** In hexadecimal. */
  readonly sha256: string
  /** `same`: a file with the same bytes had the name already, and was left. */
  readonly kind: 'written' | 'same'
}

/** The name holds a file with other bytes, which was left as it is. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError'
  readonly path: string
  constructor(path: string) {
    super(`${path}: is there already, with other bytes; move it away, or name another --output`)
    this.path = path
  }
}

const COMPARE_BYTES = 8 * 1024 * 1024

/**
 * Writes a file in one pass. It lies under a temporary name in its folder until its bytes are on the disk;
 * whatever goes wrong before, only that temporary file was there, and is removed.
 *
 * @param folder where it goes, and the temporary file before it
 * @param chunks its bytes from the start
 * @param pathOf its path, asked once all bytes are written; in `folder`
 * @throws {NameTakenError} where other bytes have the name
 */
export async function writeNewFile(
  folder: string,
  chunks: AsyncIterable<Uint8Array>,
  pathOf: (sha256: string) => string,
): Promise<FileWritten> {
  const temporary = join(folder, `.ckpt-${randomUUID()}.part`)
  try {
    const { sizeBytes, sha256 } = await writeThrough(temporary, chunks)
    const path = pathOf(sha256)
    const isNew = await moveIfFree(temporary, path)
    if (!isNew && !(await holds(path, sizeBytes, sha256))) throw new NameTakenError(path)
    if (isNew) await syncFolder(dirname(path))
    return { path, sizeBytes, sha256, kind: isNew ? 'written' : 'same' }
  } finally {
    await rm(temporary, { force: true })
  }
}

async function writeThrough(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const file = await open(path, 'wx')
  try {
    for await (const chunk of chunks) {
      hash.update(chunk)
      await file.writeFile(chunk)
      sizeBytes += chunk.byteLength
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

/**
 * Gives a file another name, if that is free.
 *
 * `link` takes no name that is taken, which `rename` would; some file systems know no links. The former name may
 * be left, and is the caller's to remove.
 *
 * @returns whether the name was free
 */
export async function moveIfFree(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code ?? '')) throw error
  }
  try {
    // Reserves the name, so that the file that `rename` replaces is this empty one.
    await (await open(path, 'wx')).close()
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  await rename(temporary, path)
  return true
}

async function holds(path: string, sizeBytes: number, sha256: string): Promise<boolean> {
  const file = await openFile(path)
  try {
    if (file.sizeBytes !== sizeBytes) return false
    const hash = createHash('sha256')
    for (let at = 0; at < sizeBytes; at += COMPARE_BYTES) {
      hash.update(await file.read(at, Math.min(COMPARE_BYTES, sizeBytes - at)))
    }
    return hash.digest('hex') === sha256
  } finally {
    await file.close()
  }
}

/** Has the names in a folder on the disk: a file's own is there only when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
