import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../../lib/hook/names.ts'
import { claimFolder } from '../../../lib/message-hub/claims.ts'
import { forgetRun } from '../../../lib/message-hub/forget-run.ts'
import { KnownRuns } from '../../../lib/message-hub/known-runs.ts'
import { commitRun, loadRun, type MessageHub } from '../../../lib/message-hub/message-hub.ts'
import { ConflictError } from '../../../lib/message-hub/message-hub-error.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, callsOf, Unavailable } from '../bucket/wire.ts'
import { newHub } from './hub-table.ts'
import { checkpointAt, decisionOn, metricsAt, RUN, settledOn } from './observations.ts'

const store = storeOfFile()
let hub: MessageHub
/** Another process on the same table, which remembers nothing. */
let other: MessageHub

beforeEach(async () => {
  other = await newHub(store.newDynamodb())
  hub = { ...other, dynamodb: store.newDynamodb(), known: new KnownRuns() }
})

/** Commits a step's checkpoint and metric, as one worker. */
async function addStep(by: MessageHub, step: number): Promise<void> {
  const { ledger, ...rest } = await loadRun(by, RUN)
  const decision = settledOn(ledger, checkpointAt(step, step), metricsAt(step, step, { acc: step }))
  await commitRun(by, { ledger, ...rest }, decision)
}

describe('a run that the process knows', () => {
  test('is asked for once where nobody else changed it, however long it is', async () => {
    for (const step of [1, 2, 3]) await addStep(hub, step)
    const calls = callsOf(hub.dynamodb)
    const loaded = await loadRun(hub, RUN)
    expect(calls).toEqual(['TransactGetItems'])
    expect(loaded).toEqual(await loadRun(other, RUN))
  })

  test('is caught up with where others changed it, by what they changed', async () => {
    await addStep(hub, 1)
    for (const step of [2, 3]) await addStep(other, step)
    const calls = callsOf(hub.dynamodb)
    const loaded = await loadRun(hub, RUN)
    expect(calls).toEqual(['TransactGetItems', 'TransactGetItems'])
    const all = await loadRun(other, RUN)
    expect(loaded).toEqual(all)
    expect([...loaded.entries.keys()]).toEqual([...all.entries.keys()])
  })

  test('is read whole where more happened than is told', async () => {
    await addStep(hub, 1)
    const many = Array.from({ length: 120 }, (_, at) => checkpointAt(at + 2, at + 2))
    const loaded = await loadRun(other, RUN)
    await commitRun(other, loaded, settledOn(loaded.ledger, ...many))
    const calls = callsOf(hub.dynamodb)
    expect(await loadRun(hub, RUN)).toEqual(await loadRun(other, RUN))
    expect(calls).toContain('Query')
  })

  test('takes no commit on what it was before', async () => {
    await addStep(hub, 1)
    const stale = await loadRun(hub, RUN)
    await addStep(other, 2)
    const decision = decisionOn(stale.ledger, checkpointAt(3, 3))
    await expect(commitRun(hub, stale, decision)).rejects.toThrow(ConflictError)
    expect(await loadRun(hub, RUN)).toEqual(await loadRun(other, RUN))
  })

  test('is as it is after a commit whose answer was lost', async () => {
    await addStep(hub, 1)
    const loaded = await loadRun(hub, RUN)
    aroundCalls(hub.dynamodb, async ({ name, go }) => {
      await go()
      if (name === 'TransactWriteItems') throw new Unavailable()
    })
    const decision = settledOn(loaded.ledger, checkpointAt(2, 2))
    await expect(commitRun(hub, loaded, decision)).rejects.toThrow()
    const known = await loadRun(hub, RUN)
    expect(known.version).toBe(loaded.version + 1)
    expect(known).toEqual(await loadRun(other, RUN))
  })

  test('that was forgotten, or half forgotten, and begun anew is not taken for the old one', async () => {
    await addStep(hub, 1)
    await addStep(hub, 2)
    const half = { ...other, dynamodb: store.newDynamodb() }
    aroundCalls(half.dynamodb, async ({ name, go }) => {
      if (name === 'DeleteItem') throw new Unavailable()
      await go()
    })
    await expect(forgetRun(half, await loadRun(half, RUN))).rejects.toThrow()
    expect(await loadRun(hub, RUN)).toEqual(await loadRun(other, RUN))
    await forgetRun(other, await loadRun(other, RUN))
    expect((await loadRun(hub, RUN)).version).toBe(0)
    await addStep(other, 1)
    await addStep(other, 3)
    expect(await loadRun(hub, RUN)).toEqual(await loadRun(other, RUN))
  })

  test('shows that another run claimed its prefix, which is no commit of it', async () => {
    await addStep(hub, 1)
    const item = { run: { S: RUN }, entry: { S: 'claim' }, by: { S: 'another' } }
    const Put = { TableName: hub.tableName, Item: item }
    await other.dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] }))
    expect((await loadRun(hub, RUN)).ledger.claimedBy).toBe('another')
    expect(await claimFolder(other, 'third' as Run, RUN as never)).toMatchObject({
      state: 'refused',
    })
  })
})

describe('what a process remembers', () => {
  test('is bounded: the run that was not used for longest goes first', async () => {
    const known = new KnownRuns(5)
    const sized = (run: string, size: number) => ({
      ledger: { run } as never,
      entries: new Map(Array.from({ length: size }, (_, at) => [String(at), {}])),
      version: 1,
    })
    known.keep(sized('a', 2))
    known.keep(sized('b', 2))
    known.keep(sized('a', 2))
    known.keep(sized('c', 3))
    expect(['a', 'b', 'c'].map((run) => known.get(run as Run)?.entries.size)).toEqual([
      2,
      undefined,
      3,
    ])
    known.keep(sized('d', 6))
    expect(['a', 'c', 'd'].map((run) => known.get(run as Run))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})
