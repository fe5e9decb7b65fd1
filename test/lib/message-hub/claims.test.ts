import { beforeEach, describe, expect, test } from 'vitest'
import type { Folder, Run } from '../../../lib/hook/names.ts'
import { claimFolder } from '../../../lib/message-hub/claims.ts'
import { commitRun, loadRun, type MessageHub } from '../../../lib/message-hub/message-hub.ts'
import { MessageHubError } from '../../../lib/message-hub/message-hub-error.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, loseFirstAnswer, Unavailable } from '../bucket/wire.ts'
import { itemsOf, newHub, putByHand } from './hub-table.ts'
import { checkpointAt, settledOn } from './observations.ts'

const RUN = 'work/run1' as Run
const OTHER = 'older/run1' as Run
const FOLDER = 'exports/run1' as Folder
const GRANTED = { state: 'granted' }
const store = storeOfFile()
let hub: MessageHub

beforeEach(async () => {
  hub = await newHub(store.newDynamodb())
})

/** Makes a prefix a run. */
async function begin(run: string): Promise<void> {
  const loaded = await loadRun(hub, run as Run)
  const seen = checkpointAt(1, 1, { run: run as Run })
  await commitRun(hub, loaded, settledOn(loaded.ledger, seen))
}

describe('a folder', () => {
  test('belongs to the run that claims it, however often it does', async () => {
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual(GRANTED)
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual(GRANTED)
    expect((await itemsOf(hub, FOLDER as Run)).get('claim')).toEqual({
      run: FOLDER,
      entry: 'claim',
      by: RUN,
    })
  })

  test('that another run claimed is refused, and stays with that', async () => {
    await claimFolder(hub, OTHER, FOLDER)
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual({
      state: 'refused',
      reason: 'leads to "exports/run1", which is claimed by the run "older/run1"; choose another',
    })
    expect((await loadRun(hub, FOLDER as Run)).ledger.claimedBy).toBe(OTHER)
  })

  test('goes to one of two runs that ask at once', async () => {
    const asking = [RUN, OTHER].map((run) => claimFolder(hub, run, FOLDER).catch(() => undefined))
    await Promise.all(asking)
    const again = await Promise.all([RUN, OTHER].map((run) => claimFolder(hub, run, FOLDER)))
    expect(again.map(({ state }) => state).toSorted()).toEqual(['granted', 'refused'])
  })

  test.each([
    ['is a run', 'exports/run1', 'which is a run;'],
    ['lies in a run', 'exports', 'which lies in the run "exports"'],
    ['holds a run', 'exports/run1/deeper/run', 'which holds the run "exports/run1/deeper/run"'],
  ])('that %s is refused', async (_, run, reason) => {
    await begin(run)
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual({
      state: 'refused',
      reason: expect.stringContaining(reason),
    })
    expect((await loadRun(hub, FOLDER as Run)).ledger.claimedBy).toBeUndefined()
  })

  test.each(['exports/run10', 'exports/run', 'export', '.'])(
    'has nothing to do with the run %s',
    async (run) => {
      await begin(run)
      expect(await claimFolder(hub, RUN, FOLDER)).toEqual(GRANTED)
    },
  )

  test('within another’s is refused, and one within its own run is not', async () => {
    await claimFolder(hub, OTHER, FOLDER)
    expect(await claimFolder(hub, RUN, 'exports/run1/more/run1' as Folder)).toEqual({
      state: 'refused',
      reason: expect.stringContaining('lies in "exports/run1", which another run claims'),
    })
    await begin(RUN)
    expect(await claimFolder(hub, RUN, `${RUN}/exports/run1` as Folder)).toEqual(GRANTED)
  })

  test('stays claimed where a run begins in it later', async () => {
    await claimFolder(hub, RUN, FOLDER)
    await begin(FOLDER)
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual(GRANTED)
    const { ledger, version } = await loadRun(hub, FOLDER as Run)
    expect([ledger.claimedBy, version]).toEqual([RUN, 1])
  })

  test('of another bucket is claimed among those that this hub knows', async () => {
    const folder = 's3://other/exports/run1' as Folder
    expect(await claimFolder(hub, OTHER, folder)).toEqual(GRANTED)
    expect((await claimFolder(hub, RUN, folder)).state).toBe('refused')
    expect((await claimFolder(hub, RUN, `${folder}/run1` as Folder)).state).toBe('refused')
    await begin('exports/run1')
    expect(await claimFolder(hub, RUN, 's3://third/exports/run1' as Folder)).toEqual(GRANTED)
  })
})

describe('where the answer is lost', () => {
  test('the claim meets its own success', async () => {
    loseFirstAnswer(hub.dynamodb, 'TransactWriteItems')
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual(GRANTED)
  })

  test('the outcome is not known, and asking again tells', async () => {
    let failing = true
    aroundCalls(hub.dynamodb, async ({ name, go }) => {
      await go()
      if (failing && name === 'TransactWriteItems') throw new Unavailable()
    })
    await expect(claimFolder(hub, RUN, FOLDER)).rejects.toThrow(Unavailable)
    failing = false
    expect(await claimFolder(hub, RUN, FOLDER)).toEqual(GRANTED)
  })
})

test('a claim that names no run is an error that names the entry', async () => {
  await putByHand(hub, { run: FOLDER, entry: 'claim', by: 5 })
  await expect(claimFolder(hub, RUN, FOLDER)).rejects.toThrow(MessageHubError)
  await expect(loadRun(hub, FOLDER as Run)).rejects.toThrow(/claim, field by/)
})
