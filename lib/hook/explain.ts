/**
 * Explaining: for each checkpoint the rule that kept or evicted it, against whom, and what is made from it.
 *
 * Decides nothing: it says what `retention.ts` and `best.ts` decided, and what the ledger says was done.
 */
import { type Rival, rivalOf } from './evictions.ts'
import {
  bytesOf,
  type CheckpointFact,
  compareTexts,
  idOf,
  type StepFacts,
  type Upload,
} from './history.ts'
import { type Artifact, type CheckpointState, isEvicted, type Ledger, UNTOUCHED } from './ledger.ts'
import type { Decision } from './plan.ts'
import { type Ranked, rankingOf } from './ranking.ts'
import type { Fate, KeepRule } from './retention.ts'
import type { Rule } from './rule.ts'

/** Where a checkpoint stands by one tracked metric. */
export interface BestStanding {
  metric: string
  rule: Rule
  score: number
  /** From 1, among all whole checkpoints that have a score. */
  rank: number
  of: number
  isBest: boolean
  /** Of the best the runner-up, of any other the best; nothing where it is alone. */
  rival: (Rival & { score: number }) | undefined
}

/** A file made from a checkpoint, or one that could not be. */
export interface Made {
  kind: 'best' | 'published'
  key: string
  /** Whose best it is; nothing for a published last. */
  metric: string | undefined
  state: Artifact['state'] | 'being made'
  /** Why it was refused. */
  reason: string | undefined
}

/** What became of an eviction. */
export type Deletion =
  | { state: 'none' }
  /** Decided and carried out, or soon to be. */
  | {
      state: 'done' | 'under way'
      key: string
      /** Of a directory, the name of its marker, whose version this is. */
      marker: string | undefined
      versionId: string
      isGone: boolean
    }
  /** Due, and put off: until what is made from it is there, or for good where nothing can be. */
  | { state: 'waits for a copy' | 'waits for versioning' }
  /** It comes back. */
  | { state: 'being restored' }

/** Why one checkpoint is or is not there. */
export interface Explanation {
  id: string
  series: StepFacts['series']
  step: number
  key: string
  fate: Fate['kind']
  rule: RuleName
  /** The rule in words, as the table of the hub has it. */
  reason: string
  rivals: readonly Rival[]
  /** When its bytes were first uploaded, in seconds since 1970. */
  uploadedSeconds: number
  sizeBytes: number
  /** From 0; nothing where no whole upload of it stands. */
  life: number | undefined
  best: BestStanding[]
  made: Made[]
  deletion: Deletion
  /** Why it is no whole checkpoint. */
  fault: string | undefined
  /** When it was removed, by no doing of the hub. */
  removedSeconds: number | undefined
}

/** The rule that decided. */
export type RuleName =
  | KeepRule
  | Extract<Fate, { kind: 'evicted' | 'held' }>['rule']
  | 'removed'
  | 'torn'
  | 'other series'

/** Explains every step that has an upload, in the order of steps. */
export function explain({ ledger, outcome, heldDeletions }: Decision): Explanation[] {
  const standingOf = bestStandings({ ledger, outcome })
  return [...outcome.fates]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, fate]) => {
      const facts = ledger.history.steps.get(id)
      const standing = outcome.standings.get(id)
      const live = standing?.fact.live ?? facts?.uploads.at(-1)
      if (facts === undefined || live === undefined) return []
      const state = ledger.checkpoints.get(id) ?? UNTOUCHED
      const made = standing === undefined ? [] : madeFrom(ledger, standing.fact)
      const isAwaited = made.some(isAwaitedBy)
      const waitsFor = heldDeletions.size > 0 && !isAwaited ? 'versioning' : 'a copy'
      return [
        {
          id,
          series: facts.series,
          step: facts.step,
          key: live.key,
          fate: fate.kind,
          rule: 'rule' in fate ? fate.rule : fate.kind,
          reason: fate.reason,
          rivals: 'rivals' in fate ? fate.rivals : [],
          uploadedSeconds: (standing?.fact.first ?? live).seconds,
          sizeBytes: live.sizeBytes,
          life: standing?.life.ordinal,
          best: standing === undefined ? [] : standingOf(standing.fact),
          made,
          deletion: deletionOf(ledger, fate, state, standing?.fact, waitsFor),
          fault: faultOf(fate, facts, live),
          removedSeconds: fate.kind === 'removed' ? facts.removal?.seconds : undefined,
        },
      ]
    })
}

function bestStandings({
  ledger: { history },
  outcome: { survey, best },
}: Pick<Decision, 'ledger' | 'outcome'>): (fact: CheckpointFact) => BestStanding[] {
  const rankings = survey.walk.tracked.map((tracked) => ({
    ...tracked,
    ranking: rankingOf(history, survey, tracked),
    winner: best.find(({ metric }) => metric === tracked.metric)?.checkpoint,
  }))
  return (fact) =>
    rankings.flatMap(({ metric, rule, ranking, winner }) => {
      const at = ranking.findIndex(({ checkpoint }) => checkpoint.first === fact.first)
      const own = ranking[at]
      if (own === undefined) return []
      const isBest = winner?.first === fact.first
      const others = ranking.filter((each) => each !== own)
      const rival = isBest
        ? others[0]
        : others.find(({ checkpoint }) => checkpoint.first === winner?.first)
      const { score } = own
      const of = ranking.length
      return [{ metric, rule, score, rank: at + 1, of, isBest, rival: rival && scored(rival) }]
    })
}

function scored({ checkpoint, score }: Ranked): Rival & { score: number } {
  return { ...rivalOf(checkpoint), score }
}

function madeFrom({ artifacts, effects }: Ledger, { first }: CheckpointFact): Made[] {
  const bytes = bytesOf(first)
  const made = [...artifacts].flatMap(([key, artifact]): Made[] => {
    if (!('identity' in artifact) || artifact.identity.source.bytes !== bytes) return []
    const { kind, metric } = artifact.identity
    const reason = 'reason' in artifact ? artifact.reason : undefined
    return [{ kind, key, metric, state: artifact.state, reason }]
  })
  const making = effects.flatMap(({ action }): Made[] => {
    if (action.kind !== 'make' || action.identity.source.bytes !== bytes) return []
    const { kind, metric } = action.identity
    return [{ kind, key: action.key, metric, state: 'being made', reason: undefined }]
  })
  return [...made, ...making].toSorted(
    (a, b) => compareTexts(a.kind, b.kind) || compareTexts(a.metric ?? '', b.metric ?? ''),
  )
}

/** A source stays until what is made from it is there; that of a refused best copy for good. */
function isAwaitedBy({ kind, state }: Made): boolean {
  return state === 'being made' || (kind === 'best' && state === 'refused')
}

function deletionOf(
  { effects }: Ledger,
  { kind }: Fate,
  state: CheckpointState,
  fact: CheckpointFact | undefined,
  waitsFor: 'a copy' | 'versioning',
): Deletion {
  if (fact === undefined) return { state: 'none' }
  const pending = (what: 'evict' | 'restore') =>
    effects.some(({ action }) => action.kind === what && action.id === idOf(fact))
  if (pending('restore')) return { state: 'being restored' }
  if (kind !== 'evicted') return { state: 'none' }
  const { key, versionId, gone: isGone, directory } = fact.live
  if (isEvicted(state, fact) || isGone) {
    const marker = directory?.marker
    return { state: pending('evict') ? 'under way' : 'done', key, marker, versionId, isGone }
  }
  return { state: `waits for ${waitsFor}` }
}

function faultOf({ kind }: Fate, { uploads }: StepFacts, live: Upload): string | undefined {
  if (kind !== 'torn') return undefined
  return uploads.findLast(({ key }) => key === live.key)?.fault
}
