/**
 * The plan of the contents: which stored checkpoints are stripped of keys, and which become whole again.
 *
 * What is stripped is made from the version that stands, and takes its place only. The version before
 * lies under it, so that a checkpoint that trainers may resume from after all is whole again.
 */
import type { Draft } from './draft.ts'
import type { Outcome } from './fold.ts'
import { bytesOf, type CheckpointFact, droppedFrom, type Upload } from './history.ts'
import { type Action, type CheckpointState, isEvicted, UNTOUCHED } from './ledger.ts'
import { isDirectory } from './names.ts'
import { isNeeded } from './plan-artifacts.ts'
import { stays } from './retention.ts'

/** Plans the contents of every checkpoint that stays where it is. */
export function planContents(draft: Draft, outcome: Outcome): void {
  for (const [id, { fact }] of outcome.standings) {
    const state = draft.checkpoints.get(id) ?? UNTOUCHED
    // What the brake holds was stripped before, or is stripped now: it must not matter which came first.
    const isStaying = stays(outcome.fates.get(id)) && !isEvicted(state, fact)
    if (!isStaying || isDirectory(fact.key) || fact.live.gone || isComingBack(draft, id)) continue
    const dropped = outcome.droppedKeys.get(id) ?? []
    const action = nextAction(id, fact, dropped)
    if (withdrawOthers(draft, id, action) || action === undefined) continue
    if (action.kind === 'strip') strip(draft, outcome, fact, state, action)
    else if (draft.hasRoom()) draft.add(action)
  }
}

function isComingBack({ effects }: Draft, id: string): boolean {
  return effects.some(
    ({ action }) => action.kind === 'restore' && action.id === id && action.over === undefined,
  )
}

type Rewrite = Extract<Action, { kind: 'strip' | 'restore' }>

/** What brings a checkpoint from the keys that it has to those that it is to have. */
function nextAction(
  id: string,
  fact: CheckpointFact,
  dropped: readonly string[],
): Rewrite | undefined {
  const { live } = fact
  const isOwn = fact.versions.includes(live)
  const missing = droppedFrom(fact, live)
  if (isOwn && sameKeys(missing, dropped)) return undefined
  if (isOwn && missing.every((key) => dropped.includes(key))) {
    return { kind: 'strip', id, ...objectOf(live), droppedKeys: dropped }
  }
  // One that has too few comes back first, as one does over which a slow worker put another upload's bytes; where
  // that has expired, it stays as it is.
  const whole = fact.versions.findLast(
    (each) => !each.gone && droppedFrom(fact, each).every((key) => dropped.includes(key)),
  )
  return whole && { kind: 'restore', id, ...objectOf(whole), over: live.etag }
}

/** Withdraws what was decided otherwise. True where the action is under way already. */
function withdrawOthers(draft: Draft, id: string, action: Rewrite | undefined): boolean {
  let isUnderWay = false
  for (const effect of draft.effects) {
    if (!isRewriteOf(effect.action, id)) continue
    if (action !== undefined && sameRewrite(effect.action, action)) isUnderWay = true
    else draft.withdraw(effect.number)
  }
  return isUnderWay
}

function isRewriteOf(action: Action, id: string): action is Rewrite {
  if (action.kind === 'strip') return action.id === id
  return action.kind === 'restore' && action.id === id && action.over !== undefined
}

function sameRewrite(a: Rewrite, b: Rewrite): boolean {
  if (a.kind === 'strip' && b.kind === 'strip') {
    return a.versionId === b.versionId && sameKeys(a.droppedKeys, b.droppedKeys)
  }
  return a.kind === b.kind && a.versionId === b.versionId
}

function strip(
  draft: Draft,
  outcome: Outcome,
  fact: CheckpointFact,
  { unstripped, ...state }: CheckpointState,
  action: Extract<Action, { kind: 'strip' }>,
): void {
  const isOvertaken = unstripped?.refusal !== undefined && draft.isOvertaken(unstripped.refusal)
  const isSettled =
    !isOvertaken &&
    unstripped !== undefined &&
    unstripped.bytes === bytesOf(fact.live) &&
    sameKeys(unstripped.droppedKeys, action.droppedKeys)
  if (isSettled || isNeeded(draft, outcome, fact)) return
  if (!draft.mayDelete(action.key) || !draft.hasRoom()) return
  draft.add(action)
  if (isOvertaken) draft.checkpoints.set(action.id, state)
}

function objectOf({ key, versionId, etag, sizeBytes }: Upload) {
  return { key, versionId, etag, sizeBytes }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key) => b.includes(key))
}
