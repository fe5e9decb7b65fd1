/**
 * Recording what a look at a directory checkpoint showed. Unlike a file, a directory changes under the same
 * version of its marker: files come, and go. So what is seen takes the place of what was.
 */
import { checkpointFacts, type StepFacts, type Upload } from './history.ts'
import { isDirectory } from './names.ts'

/** The version id of a directory that has no marker, which is what versions are told by. */
export const UNMARKED = 'unmarked'

/** What was seen of a directory's key. */
interface SeenDirectory {
  key: string
  uploads: readonly Upload[]
  listed: readonly string[]
  marker: unknown
}

/** The uploads that are still to be recorded, and those known ones that they leave standing. */
export function overruled(
  known: readonly Upload[],
  seen: SeenDirectory,
): { known: Upload[]; uploads: Upload[] } {
  const ofKey = new Map(
    known.filter(({ key }) => key === seen.key).map((upload) => [upload.versionId, upload]),
  )
  const uploads = seen.uploads.filter((upload) => {
    const before = ofKey.get(upload.versionId)
    return before === undefined || tellsMore(before, upload, seen)
  })
  const isOverruled = (upload: Upload) =>
    upload.versionId === UNMARKED ||
    uploads.some(({ versionId }) => versionId === upload.versionId) ||
    seen.uploads.some(({ directory }) => directory?.marker !== upload.directory?.marker)
  return { known: known.filter((each) => each.key !== seen.key || !isOverruled(each)), uploads }
}

/**
 * Of a directory that is no longer the current one files may have expired, which were there all the same. What was gone
 * stays so, unless other files are there now: those of a save whose marker came first.
 */
function tellsMore(before: Upload, now: Upload, seen: SeenDirectory): boolean {
  const isCurrent = seen.marker === undefined && seen.listed.at(-1) === now.versionId
  const isWhole = now.fault === undefined
  if (before.gone && !(isWhole && now.fingerprint !== before.fingerprint)) return false
  return isCurrent || isWhole || before.fault !== undefined
}

/**
 * A directory that another save lies over cannot come back. That it was tried, and that its files were gone, is forgotten:
 * it depends on whether that save had its marker by then.
 */
export function withoutOverlaidLosses(facts: StepFacts): StepFacts {
  if (!facts.uploads.some(({ key, gone }) => gone && isDirectory(key))) return facts
  const uploads = facts.uploads.map((upload) => {
    if (!upload.gone || !isDirectory(upload.key)) return upload
    const newest = checkpointFacts(facts, upload.key).at(-1)
    return newest?.versions.includes(upload) ? upload : { ...upload, gone: false }
  })
  return { ...facts, uploads }
}
