/** Forgetting a run that is gone from the bucket. */
import { deleteIfMatch } from '../../lib/bucket/delete.ts'
import { objectsBelow, type PresentObject } from '../../lib/bucket/present.ts'
import { factKey, meaningOf, type Run } from '../../lib/hook/names.ts'
import { claimsOf, entriesToForget, forgetRun } from '../../lib/message-hub/forget-run.ts'
import { Failure } from '../failure.ts'
import { tableOf } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { loadNamedRun } from '../stack/run.ts'
import type { Stack } from '../stack/stack.ts'
import { standingObjects } from './what-stands.ts'

/** Of more objects than these the others are counted. */
const OBJECTS_SHOWN = 20

interface Forgetting {
  readonly run: Run
  /** Objects of the run that are still there: then it is not forgotten. */
  readonly standing: readonly string[]
  readonly entries: number
  /** Pins and consents of the run, which go too. */
  readonly facts: readonly PresentObject[]
  /** Folders of `out_dir` that others may claim afterwards. */
  readonly claims: readonly string[]
  readonly forgotten: boolean
}

/**
 * Says what forgetting a run would clear, and clears it if it is told to.
 *
 * @param text the run, as it was typed
 * @param yes without it nothing is changed
 * @throws {Failure} `no-run`; `still-there` where objects of the run stand and it was told to clear
 */
export async function forgetNamedRun(
  stack: Stack,
  terminal: Terminal,
  text: string,
  yes: boolean,
): Promise<void> {
  const loaded = await loadNamedRun(stack, text)
  const { run } = loaded.ledger
  const standing = await standingObjects(stack, loaded.ledger)
  if (yes && standing.length > 0) throw stillThere(standing)
  const facts = await factsOf(stack, run)
  const entries = entriesToForget(loaded).length
  if (yes) {
    // The facts first: a late event of one would else begin the run again.
    for (const { key, etag } of facts) await deleteIfMatch(stack.bucket, key, etag)
    await forgetRun(stack.hub, loaded)
  }
  const forgetting = { run, standing, entries, facts, claims: claimsOf(loaded), forgotten: yes }
  terminal.answer(jsonOf(forgetting), () => textOf(terminal, forgetting))
}

function stillThere(standing: readonly string[]): Failure {
  const [first = ''] = standing
  const others = standing.length > 1 ? `, and ${standing.length - 1} more` : ''
  return new Failure('failed', `objects of the run are still there: ${first}${others}`, {
    code: 'still-there',
    advice: 'Remove them first; without --yes they are listed.',
  })
}

/** Those of runs below lie in folders. */
async function factsOf({ bucket }: Stack, run: Run): Promise<PresentObject[]> {
  const found: PresentObject[] = []
  for await (const object of objectsBelow(bucket, factKey(run, ''), 'here')) {
    const meaning = meaningOf(object.key)
    if (meaning.kind === 'pin' || meaning.kind === 'consent') found.push(object)
  }
  return found
}

function jsonOf({ run, standing, entries, facts, claims, forgotten }: Forgetting): object {
  return { run, standing, entries, facts: facts.map(({ key }) => key), claims, forgotten }
}

function textOf(
  terminal: Terminal,
  { standing, entries, facts, claims, forgotten }: Forgetting,
): string {
  const what = [
    `${entries} entries of the table`,
    ...(facts.length > 0 ? [`${facts.length} pins and consents`] : []),
    ...(claims.length > 0 ? [`the claims on ${claims.join(', ')}`] : []),
  ].join(', ')
  if (forgotten) return `Forgotten: ${what}.`
  if (standing.length === 0) return `Nothing was done. With --yes these go: ${what}.`
  const shown = standing.slice(0, OBJECTS_SHOWN).map((uri) => [uri])
  const more = standing.length - shown.length
  return [
    tableOf(terminal, ['still there'], shown),
    ...(more > 0 ? [`and ${more} more`] : []),
    '',
    `Nothing was done. The run is not forgotten while ${standing.length} objects of it are there.`,
  ].join('\n')
}
