import { beforeEach, describe, expect, test } from 'vitest'
import { emptyLedger } from '../../../lib/hook/ledger.ts'
import { commitRun, loadRun, type MessageHub } from '../../../lib/message-hub/message-hub.ts'
import { ConflictError, MessageHubError } from '../../../lib/message-hub/message-hub-error.ts'
import { storeOfFile } from '../bucket/store.ts'
import { aroundCalls, callsOf, loseFirstAnswer, Unavailable } from '../bucket/wire.ts'
import { itemsOf, newHub, putByHand } from './hub-table.ts'
import {
  checkpointAt,
  decisionOn,
  endAt,
  metricsAt,
  optionsAt,
  RUN,
  settledOn,
} from './observations.ts'

const store = storeOfFile()
let hub: MessageHub

beforeEach(async () => {
  hub = await newHub(store.newDynamodb())
})

describe('a run that the hub does not know', () => {
  test("is empty, of version 0, and has the stack's arguments", async () => {
    const loaded = await loadRun(hub, RUN)
    expect(loaded).toEqual({
      ledger: emptyLedger(RUN, { interval: 1 }),
      entries: new Map(),
      version: 0,
    })
  })

  test("keeps the stack's arguments of its first day, whatever a later deploy says", async () => {
    const loaded = await loadRun(hub, RUN)
    await commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(1, 1)))
    const later = { ...hub, stackArguments: { interval: 5 } }
    expect((await loadRun(later, RUN)).ledger.history.stackArguments).toEqual({ interval: 1 })
  })
})

describe('a commit', () => {
  test('writes nothing where nothing changed', async () => {
    const loaded = await loadRun(hub, RUN)
    await commitRun(hub, loaded, settledOn(loaded.ledger, checkpointAt(1, 1)))
    const again = await loadRun(hub, RUN)
    const calls = callsOf(hub.dynamodb)
    const committed = await commitRun(hub, again, decisionOn(again.ledger, checkpointAt(1, 1)))
    expect(calls).toEqual([])
    expect(committed.version).toBe(1)
  })

  test('takes a metric whose name every object has', async () => {
    const loaded = await loadRun(hub, RUN)
    const decision = decisionOn(
      loaded.ledger,
      checkpointAt(1, 1),
      metricsAt(1, 1, { constructor: 0.5, toString: 1 }),
      optionsAt(0, { save_best: ['constructor', 'toString'], rule: 'greater' }),
    )
    const answers = new Map([['constructor', { score: 0.5, key: 'best.pth' }]])
    const answered = { ...decision, ledger: { ...decision.ledger, answers } }
    const committed = await commitRun(hub, loaded, answered)
    const again = await loadRun(hub, RUN)
    expect(again.ledger.answers).toEqual(answers)
    expect(again.entries).toEqual(committed.entries)
  })

  test('returns the run as a load then finds it', async () => {
    const loaded = await loadRun(hub, RUN)
    const decision = decisionOn(
      loaded.ledger,
      checkpointAt(1, 1),
      metricsAt(2, 1, { acc: 0.5 }),
      optionsAt(0, { save_best: 'acc', max_keep_ckpts: 3 }),
    )
    const committed = await commitRun(hub, loaded, decision)
    const again = await loadRun(hub, RUN)
    expect(again.entries).toEqual(committed.entries)
    expect(again.version).toBe(committed.version)
  })

  test('raises the version by one, and is one transaction of what changed', async () => {
    const first = await loadRun(hub, RUN)
    const second = await commitRun(hub, first, settledOn(first.ledger, checkpointAt(1, 1)))
    const sizes = transactionsOf(hub)
    await commitRun(hub, second, decisionOn(second.ledger, metricsAt(2, 1, { acc: 0.5 })))
    expect((await loadRun(hub, RUN)).version).toBe(2)
    // The version and the step.
    expect(sizes).toEqual([2])
  })

  test('removes the entries of what is over', async () => {
    const loaded = await loadRun(hub, RUN)
    const pending = await commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(1, 1)))
    expect([...(await itemsOf(hub, RUN)).keys()]).toContain('effect#0000000000000001')
    await commitRun(hub, pending, settledOn(pending.ledger))
    expect([...(await itemsOf(hub, RUN)).keys()]).not.toContain('effect#0000000000000001')
  })

  test("leaves other runs' entries alone", async () => {
    const other = `${RUN}/inner` as typeof RUN
    const theirs = await loadRun(hub, other)
    const seen = checkpointAt(1, 7, { run: other })
    await commitRun(hub, theirs, decisionOn(theirs.ledger, seen))
    const before = await itemsOf(hub, other)
    const ours = await loadRun(hub, RUN)
    expect(ours.version).toBe(0)
    await commitRun(hub, ours, decisionOn(ours.ledger, checkpointAt(1, 1)))
    expect(await itemsOf(hub, other)).toEqual(before)
  })
})

describe('a load', () => {
  test.each([1, 2, 3])(
    'has nothing from before a commit that came during its call %i',
    async (page) => {
      const first = await loadRun(hub, RUN)
      const before = await commitRun(hub, first, settledOn(first.ledger, checkpointAt(1, 1)))
      const other = { ...hub, dynamodb: store.newDynamodb() }
      let pages = 0
      aroundCalls(hub.dynamodb, async ({ input, go }) => {
        // As if each entry were a megabyte.
        Object.assign(input, { Limit: 1 })
        if (pages++ === page) {
          // The effect is of the first page, the version of a later one.
          await commitRun(other, before, decisionOn(before.ledger, checkpointAt(2, 2)))
        }
        await go()
      })
      const loaded = await loadRun(hub, RUN)
      expect([...loaded.entries.keys()]).toContain('effect#0000000000000002')
      expect(loaded.entries).toEqual((await loadRun(other, RUN)).entries)
    },
  )

  test('is given up where others commit during every reading', async () => {
    const other = { ...hub, dynamodb: store.newDynamodb() }
    let step = 0
    aroundCalls(hub.dynamodb, async ({ go }) => {
      step += 1
      const loaded = await loadRun(other, RUN)
      await commitRun(other, loaded, settledOn(loaded.ledger, checkpointAt(step, step)))
      await go()
    })
    await expect(loadRun(hub, RUN)).rejects.toThrow(ConflictError)
  })
})

describe('of two workers on one version', () => {
  test.each(['that met the run for the first time', 'on a run that the hub knows'])(
    '%s one is told of the conflict, and the other has committed',
    async (case_) => {
      if (case_ === 'on a run that the hub knows') {
        const loaded = await loadRun(hub, RUN)
        await commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(1, 1)))
      }
      const loaded = await loadRun(hub, RUN)
      const outcomes = await Promise.allSettled([
        commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(2, 2))),
        commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(3, 3))),
      ])
      const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
      expect(failures).toEqual([new ConflictError(RUN)])
      expect(failures[0]?.message).toBe(
        `run "${RUN}" was changed by another worker; read it again and retry`,
      )
      const { ledger, version } = await loadRun(hub, RUN)
      expect(version).toBe(loaded.version + 1)
      expect(ledger.history.steps.size).toBe(loaded.ledger.history.steps.size + 1)
    },
  )
})

describe('a commit larger than a transaction', () => {
  const steps = Array.from({ length: 250 }, (_, at) => metricsAt(at, at + 1, { acc: at / 250 }))

  test('goes in parts of at most 100 actions and ends complete', async () => {
    const sizes = transactionsOf(hub)
    const loaded = await loadRun(hub, RUN)
    const decision = decisionOn(loaded.ledger, ...steps)
    const committed = await commitRun(hub, loaded, decision)
    expect(sizes.length).toBeGreaterThan(2)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100)
    expect(committed.version).toBe(sizes.length)
    const again = await loadRun(hub, RUN)
    expect(again.ledger.history.steps).toEqual(decision.ledger.history.steps)
    expect(again.entries).toEqual(committed.entries)
  })

  test.each([1, 2])('that breaks off after part %i is completed by the next', async (parts) => {
    let done = 0
    aroundCalls(hub.dynamodb, async ({ name, go }) => {
      if (name === 'TransactWriteItems') {
        if (done === parts) throw new Unavailable()
        done += 1
      }
      await go()
    })
    const loaded = await loadRun(hub, RUN)
    const decision = decisionOn(loaded.ledger, ...steps)
    await expect(commitRun(hub, loaded, decision)).rejects.toThrow(Unavailable)
    const healthy = { ...hub, dynamodb: store.newDynamodb() }
    const half = await loadRun(healthy, RUN)
    expect(half.version).toBe(parts)
    await commitRun(healthy, half, decisionOn(half.ledger, ...steps))
    const again = await loadRun(healthy, RUN)
    expect(again.ledger.history.steps).toEqual(decision.ledger.history.steps)
  })
})

describe('a transaction', () => {
  test('whose answer is lost on the wire counts once, and is no conflict', async () => {
    loseFirstAnswer(hub.dynamodb, 'TransactWriteItems')
    const loaded = await loadRun(hub, RUN)
    await commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(1, 1)))
    expect((await loadRun(hub, RUN)).version).toBe(1)
  })

  test('whose outcome is not known is an error that is no conflict', async () => {
    aroundCalls(hub.dynamodb, async ({ name, go }) => {
      await go()
      if (name === 'TransactWriteItems') throw new Unavailable()
    })
    const loaded = await loadRun(hub, RUN)
    const commit = commitRun(hub, loaded, decisionOn(loaded.ledger, checkpointAt(1, 1)))
    await expect(commit).rejects.toThrow(Unavailable)
  })
})

describe('an entry that somebody changed by hand', () => {
  const step = 'step#epoch#0000000000000001'
  const artifact = `artifact#${RUN}/best_acc_epoch_1.pth`

  beforeEach(async () => {
    const loaded = await loadRun(hub, RUN)
    const decision = settledOn(
      loaded.ledger,
      checkpointAt(1, 1),
      metricsAt(2, 1, { acc: 0.5 }),
      optionsAt(0, { save_best: 'acc', published_keys: ['state_dict'] }),
      endAt(3),
    )
    await commitRun(hub, loaded, decision)
  })

  test.each([
    ['runtime_info', { version: 'seven' }, 'version'],
    ['runtime_info', { stack_arguments: '{' }, 'stack_arguments'],
    ['runtime_info', { answers: { acc: { score: 0.5, key: 'k' } } }, 'answers.acc.score'],
    [step, { series: 'day' }, 'series'],
    [step, { uploads: 'none' }, 'uploads'],
    [step, { metrics: [{ metric: 'acc' }] }, 'metrics.0.seconds'],
    [artifact, { state: 'lost' }, 'state'],
    [artifact, { sha256: 7 }, 'sha256'],
    [artifact, { kind: 'worst' }, 'kind'],
  ])('%s, %j, is named with its run and field', async (entry, change, field) => {
    const item = (await itemsOf(hub, RUN)).get(entry)
    expect(item).toBeDefined()
    await putByHand(hub, { ...item, ...change })
    const error = await loadRun(hub, RUN).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(MessageHubError)
    expect(error).toMatchObject({ code: 'message-hub', run: RUN, entry, field })
    expect(String(error)).toContain(`run "${RUN}", entry ${entry}, field ${field}: `)
    expect(String(error)).toContain("Restore the entry from the table's backup.")
  })

  test.each([
    ['kind', 'kind'],
    ['version_id', 'version_id'],
  ])('so that an artifact lacks its %s is named too', async (missing, field) => {
    const { [missing]: _, ...item } = (await itemsOf(hub, RUN)).get(artifact) ?? {}
    await putByHand(hub, item)
    await expect(loadRun(hub, RUN)).rejects.toMatchObject({ entry: artifact, field })
  })
})

/** The sizes of the transactions that a hub makes from now on. */
function transactionsOf({ dynamodb }: MessageHub): number[] {
  const sizes: number[] = []
  aroundCalls(dynamodb, async ({ input, name, go }) => {
    if (name === 'TransactWriteItems' && 'TransactItems' in input) {
      sizes.push((input.TransactItems as unknown[]).length)
    }
    await go()
  })
  return sizes
}
