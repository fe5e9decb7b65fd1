/**
 * What a key of the bucket means: the protocol's table of names, read in both directions.
 *
 * Decides which run a key belongs to and what it is there. Never looks at the bucket: two keys with
 * the same text always mean the same. Called by whoever has a key, or needs one.
 */

/** A run: the key prefix of MMEngine's `work_dir`, without the slash at its end; `.` is the bucket's root. */
export type Run = string & { readonly __brand: 'Run' }
/**
 * Where the hub puts what it makes for a run: the run itself, or a folder that `out_dir` leads to, which is
 * `s3://<bucket>/<prefix>` in another bucket.
 */
export type Folder = Run | (string & { readonly __brand: 'Folder' })
/** Which of the hook's two counters a step number counts. */
export type Series = 'epoch' | 'iter'

/** What the bucket's root is called where a run needs a name. */
const ROOT = '.'
/** What the hub writes before keys of other buckets. */
const OTHER_BUCKET = 's3://'
const HUB_FOLDER = '.checkpoint-hub'
/** What people say of a run: pins and consents. */
const FACTS_FOLDER = `${HUB_FOLDER}/facts/`
const CONTROL_FILES = {
  'checkpoint_hook.json': 'options',
  'before_train.json': 'begin',
  'after_train.json': 'end',
  last_checkpoint: 'last_checkpoint',
} as const
const FACT_FILES = [
  { pattern: /^pin-.+\.json$/s, kind: 'pin' },
  { pattern: /^apply-.+\.json$/s, kind: 'consent' },
] as const
/** MMEngine names a log's folder `time.strftime('%Y%m%d_%H%M%S')`. */
const LOG_FOLDER = /^\d{8}_\d{6}$/
/** Sixteen digits are what a step's sort key holds, and all of them are exact as a double. */
const STEP = '(0|[1-9]\\d{0,14})'
const HAS_STEP = new RegExp(`(^|\\D)${STEP}($|\\D)`)

/** What a key is in the protocol. `other` may still be a checkpoint by a run's own `filename_tmpl`. */
export type KeyMeaning =
  | { kind: 'checkpoint'; run: Run; series: Series; step: number }
  | { kind: 'directory'; run: Run; series: Series; step: number; directory: string }
  | { kind: 'options' | 'begin' | 'end' | 'last_checkpoint'; run: Run }
  | { kind: 'metrics' | 'log'; run: Run }
  | { kind: 'pin' | 'consent'; run: Run }
  | { kind: 'other'; run: Run; name: string }
  | { kind: 'outside' }

/**
 * Reads a key. The run is everything before the last part that the protocol knows, so
 * `exp/epoch_50/iter_10.pth` is step 10 of the run `exp/epoch_50`.
 *
 * @param key an object's key, decoded
 * @returns its meaning; `outside` for folders, the hub's own folder apart from facts, and keys that no run
 *   can hold: a key that begins with `s3://` would be taken for one of another bucket
 */
export function meaningOf(key: string): KeyMeaning {
  const parts = key.split('/')
  const name = parts.at(-1) ?? ''
  if (key.startsWith(FACTS_FOLDER)) return meaningOfFact(key.slice(FACTS_FOLDER.length))
  if (parts[0] === HUB_FOLDER || name === '' || isElsewhere(key)) return { kind: 'outside' }
  for (let at = parts.length - 1; at >= 0; at--) {
    const meaning = meaningOfPart(parts, at)
    if (meaning !== undefined) return meaning
  }
  const run = runOf(parts, parts.length - 1)
  return run === undefined ? { kind: 'outside' } : { kind: 'other', run, name }
}

/** Below the folder of facts lies the run, as it lies in the bucket. */
function meaningOfFact(rest: string): KeyMeaning {
  const parts = rest.split('/')
  const run = runOf(parts, parts.length - 1)
  if (run === undefined || parts[0] === HUB_FOLDER || isElsewhere(rest)) return { kind: 'outside' }
  const file = FACT_FILES.find(({ pattern }) => pattern.test(parts.at(-1) ?? ''))
  return file === undefined ? { kind: 'outside' } : { kind: file.kind, run }
}

function meaningOfPart(parts: string[], at: number): KeyMeaning | undefined {
  const part = parts[at] ?? ''
  const isName = at === parts.length - 1
  const run = runOf(parts, at)
  if (run === undefined) return undefined
  if (isName && Object.hasOwn(CONTROL_FILES, part)) {
    return { kind: CONTROL_FILES[part as keyof typeof CONTROL_FILES], run }
  }
  if (!isName && part === 'metrics' && parts.at(-1)?.endsWith('.json')) {
    return { kind: 'metrics', run }
  }
  if (LOG_FOLDER.test(part) && parts.slice(at + 1).join('/') === 'vis_data/scalars.json') {
    return { kind: 'log', run }
  }
  for (const series of ['epoch', 'iter'] as const) {
    const template = defaultTemplate(series)
    const step = stepIn(template, part) ?? (isName ? undefined : stepIn(stemOf(template), part))
    if (step === undefined) continue
    if (isName) return { kind: 'checkpoint', run, series, step }
    return { kind: 'directory', run, series, step, directory: parts.slice(0, at + 1).join('/') }
  }
  return undefined
}

/**
 * The runs above a key one of whose folders has a step in its name: by a template of such a run's own the
 * folder may be a checkpoint, and the key a file of it.
 */
export function runsAbove(key: string): Run[] {
  const parts = key.split('/')
  return parts.slice(0, -1).flatMap((part, at) => {
    const run = HAS_STEP.test(part) && !LOG_FOLDER.test(part) ? runOf(parts, at) : undefined
    return run === undefined || parts[0] === HUB_FOLDER ? [] : [run]
  })
}

/** A prefix that is literally `.` would be read as the root, so no run has it. */
function runOf(parts: string[], length: number): Run | undefined {
  const prefix = parts.slice(0, length).join('/')
  if (prefix === ROOT) return undefined
  return (prefix === '' && length === 0 ? ROOT : prefix) as Run
}

/**
 * A run as somebody wrote it on a command line or in a URL.
 *
 * @param text the run's prefix, with or without a slash at its end; `.` is the bucket's root
 */
export function parseRun(text: string): Run {
  const prefix = text.endsWith('/') ? text.slice(0, -1) : text
  return (prefix === '' ? ROOT : prefix) as Run
}

/** The key of a file of a run, or of another folder of the hub's. */
export function keyIn(folder: Folder, name: string): string {
  return folder === ROOT ? name : `${folder}/${name}`
}

/**
 * The key of a fact that somebody states about a run; it lies beside all runs, so that nothing that trainers
 * do to theirs touches it.
 *
 * @param name begins with `pin-` or `apply-` and ends with `.json`
 */
export function factKey(run: Run, name: string): string {
  return `${FACTS_FOLDER}${keyIn(run, name)}`
}

/** The folder that a file of the hub's lies in. */
export function folderOf(key: string): Folder {
  const slash = key.lastIndexOf('/')
  return (slash < 0 ? ROOT : key.slice(0, slash)) as Folder
}

/** Whether a key is one of another bucket than the run's. */
export function isElsewhere(key: string): boolean {
  return key.startsWith(OTHER_BUCKET)
}

/** The bucket that a key of a file of the hub's names, nothing for the run's own, and the key there. */
export function bareKey(key: string): { bucket: string | undefined; key: string } {
  if (!isElsewhere(key)) return { bucket: undefined, key }
  const [bucket = '', ...rest] = key.slice(OTHER_BUCKET.length).split('/')
  return { bucket, key: rest.join('/') }
}

/** The hook's own `filename_tmpl` where none is named. */
export function defaultTemplate(series: Series): string {
  return `${series}_{}.pth`
}

/** The name of a checkpoint: Python's `filename_tmpl.format(step)`. */
export function checkpointName(template: string, step: number): string {
  return template.replace('{}', String(step))
}

/**
 * The step that a name carries under a template. Only a name that round-trips counts, so that
 * `epoch_03.pth` is none.
 */
export function stepIn(template: string, name: string): number | undefined {
  const [before = '', after = ''] = template.split('{}')
  const match = new RegExp(`^${RegExp.escape(before)}${STEP}${RegExp.escape(after)}$`, 'u').exec(
    name,
  )
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/** The best copy's name: `best_<metric>_<checkpoint name>`, each `/` replaced by `_`, as the hook does. */
export function bestName(metric: string, checkpoint: string): string {
  return `best_${metric}_${checkpoint}`.replaceAll('/', '_')
}

/**
 * The published file's name: the stem of what is published and the first 8 digits of its hash.
 *
 * @param sha256 the file's SHA-256 in hexadecimal
 */
export function publishedName(
  name: string,
  sha256: string,
  extension: '.pth' | '.safetensors' = '.pth',
): string {
  return `${stemOf(name)}-${sha256.slice(0, 8)}${extension}`
}

/** The name that the hub takes instead where a foreign object holds the one it would write. */
export function yieldedName(name: string): string {
  const stem = stemOf(name)
  return `${stem}.hub${name.slice(stem.length)}`
}

/** Python's `os.path.splitext(name)[0]`: the name without its last extension. */
export function stemOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot > 0 && !/^\.*$/.test(name.slice(0, dot)) ? name.slice(0, dot) : name
}

/** The last part of a key, a directory's too. */
export function nameOf(key: string): string {
  const path = pathOf(key)
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Whether a checkpoint's key is that of a directory: it ends with a slash, as no file's does. */
export function isDirectory(key: string): boolean {
  return key.endsWith('/')
}

/** A checkpoint's key as trainers name it: a directory's without the slash at its end. */
export function pathOf(key: string): string {
  return isDirectory(key) ? key.slice(0, -1) : key
}

/** A checkpoint as `last_checkpoint` names it, or a file of the hub's. */
export function uriOf(bucket: string, key: string): string {
  if (isElsewhere(key)) return key
  return `s3://${bucket}/${pathOf(key)}`
}
