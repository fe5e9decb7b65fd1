/** A checkpoint on this machine, a file or a directory, as what is to be uploaded, in its order. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { MARKERS } from '../../lib/checkpoint/directory-marker.ts'
import { Failure } from '../failure.ts'

/** What our clients write last, where torch itself wrote no marker. */
const OWN_MARKER = '.complete.json'

/** One object to be. */
export interface LocalFile {
  /** Within the run: `epoch_3.pth`, `iter_500/__0_0.distcp`. */
  readonly name: string
  readonly sizeBytes: number
  /** A path of this machine, or the content itself. */
  readonly content: { readonly path: string } | { readonly text: string }
}

export interface LocalCheckpoint {
  /** As the run has it. */
  readonly name: string
  readonly isDirectory: boolean
  /** Of a directory, the marker apart. */
  readonly files: readonly LocalFile[]
  /** Uploaded after all files: from then on the directory counts as whole. */
  readonly marker: LocalFile | undefined
}

/**
 * Looks what there is to upload.
 *
 * @param path of a file or a directory
 * @param as another name than that of the path
 * @throws {Failure} `refused` where a directory holds no file, or something that is neither file nor directory
 * @throws the error of the file system
 */
export async function localCheckpoint(
  path: string,
  as: string | undefined,
): Promise<LocalCheckpoint> {
  const name = as ?? basename(path)
  const found = await stat(path)
  if (!found.isDirectory()) {
    const file = { name, sizeBytes: found.size, content: { path } }
    return { name, isDirectory: false, files: [file], marker: undefined }
  }
  const all = (await filesBelow(path, path)).map((file) => ({
    ...file,
    name: `${name}/${file.name}`,
  }))
  if (all.length === 0) throw new Failure('refused', `${path}: holds no file`)
  const markers = MARKERS.map((each) => `${name}/${each}`)
  const marker = markers.map((each) => all.find((file) => file.name === each)).find(isThere)
  const files = all.filter((file) => file !== marker)
  return { name, isDirectory: true, files, marker: marker ?? ownMarker(name, files) }
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined
}

/** Links are followed, as what they lead to is what training saved. */
async function filesBelow(root: string, folder: string): Promise<LocalFile[]> {
  const found: LocalFile[] = []
  for (const entry of (await readdir(folder)).toSorted()) {
    const path = join(folder, entry)
    const { isDirectory, isFile, size } = await lookAt(path)
    if (isDirectory) found.push(...(await filesBelow(root, path)))
    else if (isFile) {
      const name = relative(root, path).split(sep).join('/')
      found.push({ name, sizeBytes: size, content: { path } })
    } else throw new Failure('refused', `${path}: is neither a file nor a directory`)
  }
  return found
}

async function lookAt(path: string) {
  const found = await stat(path)
  return { isDirectory: found.isDirectory(), isFile: found.isFile(), size: found.size }
}

function ownMarker(directory: string, files: readonly LocalFile[]): LocalFile {
  const listed = files.map(({ name, sizeBytes }) => ({
    name: name.slice(directory.length + 1),
    size: sizeBytes,
  }))
  const text = JSON.stringify({ files: listed })
  return {
    name: `${directory}/${OWN_MARKER}`,
    sizeBytes: Buffer.byteLength(text),
    content: { text },
  }
}
