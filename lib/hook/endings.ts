/**
 * Ends of training: what each one made the last, and what it publishes.
 *
 * An end sees the history up to it, and the upload that its `last` names. What comes later publishes
 * nothing until the next end; the hub then says that one is due.
 */
import {
  type CheckpointFact,
  checkpointFacts,
  compareMoments,
  type EndFact,
  type History,
  momentOf,
} from './history.ts'
import type { HookOptions, PublishFormat } from './hook-arguments.ts'
import type { Life } from './lives.ts'
import { bestName, keyIn, nameOf, pathOf, type Run } from './names.ts'
import { type OutDir, outDirText } from './out-dir.ts'
import { optionsNow } from './policy.ts'
import { BEST_DROPPED_KEYS, unsavedKeys } from './stripping.ts'
import { highestStep, historyBefore, type Survey, surveyOf } from './survey.ts'

/** A file that an end of training publishes. */
export interface Publication {
  /** `last`, or the metric whose best it is. */
  of: { last: true } | { metric: string }
  /** The trainer's upload that it is made from. */
  source: CheckpointFact
  /** Where it is to lie, by the options of that end. */
  outDir: OutDir | undefined
  /** The name whose stem the published file takes: that of the checkpoint or of its best copy. */
  name: string
  /** Top-level keys that stay. */
  publishedKeys: readonly string[]
  /** Top-level keys that go although `publishedKeys` may name them. */
  droppedKeys: readonly string[]
  format: PublishFormat
}

/** What one end of training publishes; nothing until the upload that it names is there. */
export interface Ending {
  end: EndFact
  publications: Publication[]
  /** The checkpoint name that it waits for. */
  waitsFor: string | undefined
}

/** An end of training, and what it saw. */
export interface ReadEnd {
  ending: Ending
  before: Survey
  /** Nothing while it waits. */
  last: CheckpointFact | undefined
}

/** Reads the ends of a history, in their order. */
export function readEnds(run: Run, history: History): ReadEnd[] {
  return history.ends
    .filter(({ fault }) => fault === undefined)
    .toSorted((a, b) => compareMoments(momentOf('end', a), momentOf('end', b)))
    .map((end) => readEnd(run, history, end))
}

function readEnd(run: Run, history: History, end: EndFact): ReadEnd {
  const { before, last } = lastOfEnd(run, history, end)
  const publications =
    last === undefined ? [] : publicationsOf(before, last, optionsNow(before.policy))
  const waitsFor = last === undefined ? end.last : undefined
  return { ending: { end, publications, waitsFor }, before, last }
}

/** The lasts that count in the deque. */
export function lastsOf(ends: ReadEnd[]): Set<CheckpointFact['first']> {
  return new Set(
    ends.flatMap(({ before, last }) =>
      last !== undefined && optionsNow(before.policy).saveLast ? [last.first] : [],
    ),
  )
}

/**
 * The last of an end: what it names, of the life that it ended, whenever that upload comes; other uploads
 * of the same name, that of a later life above all, change nothing.
 */
function lastOfEnd(run: Run, history: History, end: EndFact): Omit<ReadEnd, 'ending'> {
  const before = surveyOf(run, historyBefore(history, end))
  if (end.last === undefined) return { before, last: highestStep(before.lives) }
  const key = keyIn(run, end.last)
  const inTime = withKey(key, before.lives.slice(-1))
  if (inTime !== undefined) return { before, last: inTime }
  const awaited = [...history.steps.values()]
    .flatMap((facts) => [...checkpointFacts(facts, key), ...checkpointFacts(facts, `${key}/`)])
    .find(({ first }) => first.fault === undefined && first.seconds > end.seconds)
  const since = awaited ? surveyOf(run, historyBefore(history, end, awaited.first)) : before
  return { before: since, last: withKey(key, since.lives) }
}

/** The checkpoint of a key, of the newest of these lives that has it. */
function withKey(key: string, lives: Life[]): CheckpointFact | undefined {
  return lives
    .toReversed()
    .flatMap(({ steps }) => [...steps.values()])
    .find((fact) => pathOf(fact.key) === key)
}

function publicationsOf(survey: Survey, last: CheckpointFact, options: HookOptions): Publication[] {
  const { publishedKeys, publishFormat: format, outDir } = options
  if (publishedKeys === undefined) return []
  const common = { publishedKeys, droppedKeys: unsavedKeys(options), outDir, format }
  const ofLast: Publication[] = options.saveLast
    ? [{ of: { last: true }, source: last, name: nameOf(last.key), ...common }]
    : []
  const ofBest = survey.walk.best.map(
    ({ metric, checkpoint }): Publication => ({
      of: { metric },
      source: checkpoint,
      name: bestName(metric, nameOf(checkpoint.key)),
      publishedKeys,
      droppedKeys: BEST_DROPPED_KEYS,
      outDir,
      format,
    }),
  )
  return [...ofLast, ...ofBest]
}

/** Whether an end that came now would publish other files than the newest one did. */
export function isPublishDue(
  survey: Survey,
  options: HookOptions,
  newest: ReadEnd | undefined,
): boolean {
  const highest = highestStep(survey.lives)
  if (newest?.last === undefined || highest === undefined) return false
  const isUnmoved = highest.first === highestStep(newest.before.lives)?.first
  const last = isUnmoved ? newest.last : highest
  return filesOf(publicationsOf(survey, last, options)) !== filesOf(newest.ending.publications)
}

function filesOf(publications: Publication[]): string {
  return JSON.stringify(
    publications.map(({ outDir, name, source, publishedKeys, droppedKeys, format }) => [
      outDir && outDirText(outDir),
      name,
      source.first.versionId,
      publishedKeys,
      droppedKeys,
      format,
    ]),
  )
}
