/** `ckpt push`: a checkpoint of this machine goes into a run, as a trainer would upload it. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Upload } from '@aws-sdk/lib-storage'
import { keyIn, meaningOf, type Run, uriOf } from '../../lib/hook/names.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../failure-of.ts'
import { printable } from '../output/printable.ts'
import type { Progress } from '../output/progress.ts'
import { readableSize } from '../output/sizes.ts'
import type { Terminal } from '../output/terminal.ts'
import { type LocalCheckpoint, type LocalFile, localCheckpoint } from './local-checkpoint.ts'
import type { RunPlace } from './named-place.ts'

/** Parts under way at once, of one file, and files of a directory. */
const PARTS_AT_ONCE = 4
const FILES_AT_ONCE = 4
/** S3 takes 10,000 parts, each of 5 MiB at least. */
const PART_BYTES = 16 * 1024 * 1024
const MOST_PARTS = 10_000

/** What S3 says of an object that was uploaded. */
interface Uploaded {
  readonly name: string
  readonly etag: string | undefined
  readonly versionId: string | undefined
}

/**
 * Uploads a file, or the files of a directory and its marker last.
 *
 * S3 verifies a checksum of every part. An upload that is interrupted leaves nothing.
 *
 * @param path of this machine
 * @param as another name in the run than that of the path
 * @throws {Failure} `not-found`, `refused`, `changed`, `interrupted`
 */
export async function push(
  place: RunPlace,
  terminal: Terminal,
  signal: AbortSignal,
  { path, as }: { path: string; as: string | undefined },
): Promise<void> {
  const checkpoint = await localCheckpoint(path.replace(/(?<=.)\/+$/, ''), as)
  warnOfName(place.run, checkpoint, terminal)
  const { files, marker } = checkpoint
  const sizeBytes = [...files, ...(marker ? [marker] : [])].reduce(
    (sum, file) => sum + file.sizeBytes,
    0,
  )
  const progress = terminal.progress('uploading', sizeBytes)
  let last: Uploaded | undefined
  try {
    const uploaded = await uploadAll(place, files, signal, progress)
    last = marker === undefined ? uploaded[0] : await upload(place, marker, signal, progress)
  } finally {
    progress.end()
  }
  const uri = uriOf(place.bucket.name, keyIn(place.run, checkpoint.name))
  const json = {
    run: place.run,
    checkpoint: uri,
    size_bytes: sizeBytes,
    files: files.length + (marker === undefined ? 0 : 1),
    ...(checkpoint.isDirectory
      ? { marker: last?.name }
      : { etag: last?.etag, version_id: last?.versionId }),
  }
  terminal.answer(json, () => {
    const size = terminal.isForPeople ? readableSize(sizeBytes) : `${sizeBytes}`
    const shown = printable(uri)
    return checkpoint.isDirectory ? `${shown}\t${size}\t${json.files} files` : `${shown}\t${size}`
  })
}

/** What is no checkpoint by its name is uploaded all the same: the run's options may have another template. */
function warnOfName(run: Run, { name, isDirectory }: LocalCheckpoint, terminal: Terminal): void {
  const { kind } = meaningOf(keyIn(run, isDirectory ? `${name}/.metadata` : name))
  if (kind === (isDirectory ? 'directory' : 'checkpoint')) return
  terminal.note(
    `${name}: is a checkpoint only where the run’s filename_tmpl says so; --as epoch_3.pth gives it another name`,
  )
}

async function uploadAll(
  place: RunPlace,
  files: readonly LocalFile[],
  signal: AbortSignal,
  progress: Progress,
): Promise<Uploaded[]> {
  const uploaded: Uploaded[] = []
  const left = files.values()
  const work = async () => {
    for (const file of left) uploaded.push(await upload(place, file, signal, progress))
  }
  await Promise.all(Array.from({ length: Math.min(FILES_AT_ONCE, files.length) }, work))
  return uploaded
}

async function upload(
  { bucket, run }: RunPlace,
  file: LocalFile,
  signal: AbortSignal,
  progress: Progress,
): Promise<Uploaded> {
  const { name, content, sizeBytes } = file
  const Key = keyIn(run, name)
  const uploading = new Upload({
    client: bucket.s3,
    params: {
      Bucket: bucket.name,
      Key,
      Body: 'path' in content ? createReadStream(content.path) : content.text,
    },
    queueSize: PARTS_AT_ONCE,
    partSize: Math.max(PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS)),
  })
  let shownBytes = 0
  uploading.on('httpUploadProgress', ({ loaded = 0 }) => {
    progress.advance(loaded - shownBytes)
    shownBytes = loaded
  })
  const abort = () => void uploading.abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    const { ETag, VersionId } = await uploading.done()
    await requireUnchanged(file, shownBytes)
    return { name, etag: ETag?.replaceAll('"', ''), versionId: VersionId }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw failureOf(error, uriOf(bucket.name, Key))
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** A file that grew or shrank while it was read is not what was to be uploaded. */
async function requireUnchanged({ content, sizeBytes }: LocalFile, sent: number): Promise<void> {
  if (!('path' in content)) return
  const { size } = await stat(content.path)
  if (size === sizeBytes && sent === sizeBytes) return
  throw new Failure('failed', `${content.path}: changed while it was uploaded`, {
    code: 'changed',
    advice: 'Push it again once it is written.',
  })
}
