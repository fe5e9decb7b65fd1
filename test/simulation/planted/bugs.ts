/**
 * Bugs put in on purpose, each in one line of `lib`: what the simulation has to find. A line that is no longer there
 * is an error, so that each stays what it says.
 */

export interface Bug {
  readonly name: string
  /** Below `lib`. */
  readonly file: string
  /** Stands there exactly once. */
  readonly line: string
  readonly instead: string
  /** A schedule of seed 1 that found it. */
  readonly foundBy: number
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the lines are code
export const BUGS: readonly Bug[] = [
  {
    name: 'deletes before the commit',
    file: 'run/settle.ts',
    line: 'return commitRun(worker.hub, loaded, decision)',
    instead: `for (const effect of decision.ledger.effects) {
      if (effect.action.kind === 'evict') await carryOut(worker, loaded.ledger.run, effect)
    }
    return commitRun(worker.hub, loaded, decision)`,
    foundBy: 1,
  },
  {
    name: 'deletes whatever is there',
    file: 'bucket/delete.ts',
    line: 'IfMatch: `"${etag}"`',
    instead: '',
    foundBy: 0,
  },
  {
    name: 'keeps one effect of a decision and loses the others',
    file: 'message-hub/entries.ts',
    line: 'for (const effect of ledger.effects) {',
    instead: 'for (const effect of ledger.effects.slice(0, 1)) {',
    foundBy: 1,
  },
  {
    name: "takes a stale worker's delete for a person's",
    file: 'hook/record.ts',
    line: 'const decided = [state.evicted?.versionId, ...late.map(({ versionId }) => versionId)]',
    instead: 'const decided = [state.evicted?.versionId]',
    foundBy: 1747,
  },
  {
    name: 'sees only the newest version of a key',
    file: 'bucket/versions.ts',
    line: '    .toReversed()\n  const [top]',
    instead: '    .toReversed()\n    .slice(-1)\n  const [top]',
    foundBy: 0,
  },
  {
    name: 'forgets what was retired',
    file: 'hook/record.ts',
    line: 'if (isLateDelete(ledger, artifact.object.etag, seen.seconds)) {',
    instead: 'if (ledger.retired.length < 0) {',
    foundBy: 116,
  },
  {
    name: 'has uploads in the order of their events',
    file: 'hook/record.ts',
    line: '...ofKey.toSorted((a, b) => place(a) - place(b))]',
    instead: '...ofKey]',
    foundBy: 127,
  },
  {
    name: 'has an upload at the time of its last repetition',
    file: 'hook/history.ts',
    line: 'seconds: fact.first.seconds,',
    instead: 'seconds: fact.live.seconds,',
    foundBy: 6,
  },
  {
    name: 'takes a torn upload for a whole one',
    file: 'run/inspect-upload.ts',
    line: '      fault,\n',
    instead: '      fault: undefined,\n',
    foundBy: 1447,
  },
  {
    name: 'acts on a torn directory',
    file: 'run/observe-directory.ts',
    line: 'const fault = faultOf(reading, content, histories, isCurrent)',
    instead: 'const fault = undefined as ReturnType<typeof faultOf>',
    foundBy: 24,
  },
  {
    name: 'ticks off what failed',
    file: 'run/settle.ts',
    line: 'failures.push(error)',
    instead: `failures.push(error)
      const result = { kind: 'done' } as const
      uncommitted.push({ kind: 'result', effect: effect.number, action: effect.action, result })`,
    foundBy: 48,
  },
  {
    name: 'takes an unknown outcome for a refusal',
    file: 'run/make-artifact.ts',
    line: 'if (error instanceof CheckpointFormatError) {',
    instead:
      'if (error instanceof Error && !(error instanceof BucketError) && error.name !== "OutOfTime") {',
    foundBy: 13,
  },
  {
    name: 'looks at no key twice within ten minutes',
    file: 'run/settle.ts',
    line: '  for (const key of onePerPlace(loaded.ledger, keys)) {\n',
    instead: `  const all = globalThis as unknown as { lookedAt?: Map<string, number> }
  all.lookedAt ??= new Map()
  for (const key of onePerPlace(loaded.ledger, keys)) {
    const before = all.lookedAt.get(key) ?? Number.NEGATIVE_INFINITY
    const now = worker.nowSeconds()
    all.lookedAt.set(key, now)
    if (now >= before && now - before < 600) continue
`,
    foundBy: 25,
  },
  {
    name: 'retires a best copy before its successor is committed',
    file: 'hook/plan-artifacts.ts',
    line: 'if (!isWanted && !isAwaited) draft.retire(key, artifact)',
    instead: 'if (!isWanted) draft.retire(key, artifact)',
    foundBy: 0,
  },
  {
    name: 'evicts a source before the copy of it is committed',
    file: 'hook/plan.ts',
    line: 'else if (!isNeeded(draft, outcome, fact)) evict(draft, id, fact, state)',
    instead: 'else evict(draft, id, fact, state)',
    foundBy: 2,
  },
  {
    name: 'commits whatever the version',
    file: 'message-hub/message-hub.ts',
    line: 'Item, ...onVersion(version) } }',
    instead: 'Item } }',
    foundBy: 1,
  },
  {
    name: 'takes the pages of a query for one moment',
    file: 'message-hub/message-hub.ts',
    line: 'if (version === known) return',
    instead: 'if (version >= 0) return',
    foundBy: 2320,
  },
  {
    name: "takes another job's copy for a stranger's",
    file: 'run/make-artifact.ts',
    line: "if (written.kind === 'own' && identity.kind === 'best') {",
    instead: "if (written.kind === 'own' && identity.kind !== 'best') {",
    foundBy: 6,
  },
  {
    name: 'records what was made and is retired since',
    file: 'run/late-results.ts',
    line: 'else if (await isCurrent(bucket, each.result)) kept.push(each)',
    instead: 'else if (each.result.key !== "") kept.push(each)',
    foundBy: 9611,
  },
  {
    name: 'writes over what is there',
    file: 'bucket/write.ts',
    line: 'condition: mayReplace ? { IfMatch: `"${before.etag}"` } : { IfNoneMatch: \'*\' },',
    instead: 'condition: undefined,',
    foundBy: 0,
  },
  {
    name: 'restores over whatever is there',
    file: 'bucket/restore.ts',
    line: '      ...condition,\n',
    instead: '',
    foundBy: 46,
  },
  {
    name: 'reads only the newest version of a metric file',
    file: 'run/observe-metrics.ts',
    line: 'uploads.slice(newestRead + 1)',
    instead: 'uploads.slice(-1)',
    foundBy: 0,
  },
  {
    name: 'evicts the newest',
    file: 'hook/retention.ts',
    line: 'if (shield.newest.has(standing) || shield.newestLeft.has(standing)) {',
    instead: 'if (standing.life === undefined) {',
    foundBy: 41,
  },
  {
    name: 'restores no checkpoint whose metrics come late',
    file: 'hook/plan.ts',
    line: 'if (isEvicted(state, fact)) restore(draft, id, fact, state)',
    instead: 'if (isEvicted(state, fact)) continue',
    foundBy: 61,
  },
]
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: the lines are code
