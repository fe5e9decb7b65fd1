/**
 * What is wrong with a run's uploads, each with its key, field, reason and what to do. Derived from the
 * history like everything else, so a problem that a later upload mends is gone.
 */
import { createHash } from 'node:crypto'
import {
  type ControlFact,
  compareTexts,
  type History,
  idOf,
  momentOfCheckpoint,
  type StepFacts,
  type Upload,
} from './history.ts'
import type { Ledger } from './ledger.ts'
import { isDirectory, keyIn, type Run } from './names.ts'
import type { Destination } from './out-dir.ts'
import { optionsNow } from './policy.ts'
import type { Fate } from './retention.ts'
import { checkpointKey, type Survey } from './survey.ts'
import { voidStatements } from './void-statements.ts'

/** One problem; a warning changes nothing that the hub does. */
export interface Problem {
  /** Names the problem within its run; sorts by time. */
  id: string
  severity: 'error' | 'warning'
  /** Time of the upload that shows it, in seconds since 1970. */
  seconds: number
  key: string
  field: string
  reason: string
}

/** A fault of a metric file's version, kept where the file's reading is recorded. */
export interface SourceFault {
  key: string
  seconds: number
  field: string
  reason: string
}

/** The table of a run shows the newest of them. */
export const PROBLEMS_SHOWN = 100

/** All problems that the history shows; those of metric files are recorded apart. */
export function problemsOf(
  run: Run,
  history: History,
  survey: Survey,
  fates: Map<string, Fate>,
): Problem[] {
  const found: Problem[] = []
  const error = (key: string, seconds: number, field: string, reason: string) =>
    found.push(problem('error', key, seconds, field, reason))
  const warning = (key: string, seconds: number, field: string, reason: string) =>
    found.push(problem('warning', key, seconds, field, reason))

  for (const { fact, fault } of survey.policy.faults)
    error(fact.key, fact.seconds, fault.field, fault.reason)
  const { begins, ends, pins, consents } = history
  for (const fact of [...begins, ...ends, ...pins, ...consents] as ControlFact[]) {
    if (fact.fault !== undefined) error(fact.key, fact.seconds, fact.fault.field, fact.fault.reason)
  }
  for (const facts of history.steps.values()) {
    for (const upload of facts.uploads) {
      if (upload.fault !== undefined) error(upload.key, upload.seconds, 'checkpoint', upload.fault)
      if (upload.gone) {
        error(upload.key, upload.seconds, 'checkpoint', expiryOf(upload, facts))
      }
    }
    const fate = fates.get(idOf(facts))
    const top = facts.uploads.at(-1)
    if (fate?.kind === 'other series' && top !== undefined) {
      warning(top.key, top.seconds, 'filename_tmpl', fate.reason)
    }
  }
  for (const { key, seconds } of directoriesBeside(run, history, survey)) {
    warning(key, seconds, 'checkpoint', 'kept: its step has another checkpoint, which counts')
  }
  for (const { key, seconds, field, reason } of voidStatements(history, survey.policy)) {
    warning(key, seconds, field, reason)
  }
  for (const { checkpoint, fault } of survey.walk.faults) {
    error(checkpoint.key, momentOfCheckpoint(checkpoint).seconds, fault.field, fault.reason)
  }
  found.push(...optionWarnings(run, history, survey))
  return found
}

function expiryOf({ key, versionId }: Upload, { uploads }: StepFacts): string {
  // Its files may have given way to those of a save that broke off.
  if (isDirectory(key)) {
    return 'was evicted and is wanted again, but files of it have expired or were overwritten'
  }
  return uploads.some(({ strips }) => strips?.versionId === versionId)
    ? 'was stripped and is wanted whole again, but its noncurrent version has expired'
    : 'was evicted and is wanted again, but its noncurrent version has expired'
}

/** Of a file and directories of one step, one counts. */
function directoriesBeside(run: Run, history: History, { naming }: Survey): Upload[] {
  if (naming === undefined) return []
  return [...history.steps.values()]
    .filter(({ series }) => series === naming.series)
    .flatMap((facts) => {
      const counts = checkpointKey(run, naming, facts)
      return facts.uploads.filter(({ key, fault }) => key !== counts && fault === undefined)
    })
    .filter(({ key }) => isDirectory(key))
}

function optionWarnings(run: Run, history: History, survey: Survey): Problem[] {
  const options = optionsNow(survey.policy)
  const { key, seconds } = optionsInForce(run, history)
  const remarks = [...options.remarks]
  if (options.intervalNamed && options.interval <= 0 && survey.lives.length > 0) {
    const reason = `is ${options.interval}, which means never, and yet checkpoints come; none outside a record is evicted`
    remarks.push({ field: 'interval', reason })
  }
  return remarks.map(({ field, reason }) => problem('warning', key, seconds, field, reason))
}

/** Where the options in force are named, also where only the stack names them. */
function optionsInForce(run: Run, { options }: History): { key: string; seconds: number } {
  const newest = options.findLast(({ fault }) => fault === undefined)
  return newest ?? { key: keyIn(run, 'checkpoint_hook.json'), seconds: 0 }
}

/** An `out_dir` that the run may not use, or a run in a prefix that is another's. */
export function outDirProblems(
  { run, history, claimedBy }: Pick<Ledger, 'run' | 'history' | 'claimedBy'>,
  { fault }: Destination,
): Problem[] {
  const { key, seconds } = optionsInForce(run, history)
  const found: Problem[] = []
  if (fault !== undefined) {
    const reason = `${fault}. Files are made in the run itself`
    found.push(problem('error', key, seconds, 'out_dir', reason))
  }
  if (claimedBy !== undefined) {
    const reason = `of the run ${JSON.stringify(claimedBy)} leads here; upload into another prefix. What is here is kept by its options, and no file is made`
    found.push(problem('error', keyIn(run, ''), seconds, 'out_dir', reason))
  }
  return found
}

/** A problem of a metric file. */
export function problemOfSource({ key, seconds, field, reason }: SourceFault): Problem {
  return problem('error', key, seconds, field, reason)
}

/** The newest problems, each once. */
export function newestProblems(problems: Problem[]): Problem[] {
  const byId = new Map(problems.map((each) => [each.id, each]))
  return [...byId.values()].toSorted((a, b) => compareTexts(a.id, b.id)).slice(-PROBLEMS_SHOWN)
}

/** A problem with its id: the time, and a hash that tells apart what happened in the same second. */
export function problem(
  severity: Problem['severity'],
  key: string,
  seconds: number,
  field: string,
  reason: string,
): Problem {
  const digest = createHash('sha256').update(`${key}\n${field}\n${reason}`).digest('hex')
  const time = new Date(seconds * 1000).toISOString()
  return { id: `${time}#${digest.slice(0, 12)}`, severity, seconds, key, field, reason }
}
