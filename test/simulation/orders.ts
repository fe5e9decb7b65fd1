/** All orders of eight facts: each becomes visible with its event, and every order has to end the same. */
import { bytesOf, type Content } from './contents.ts'
import { differences, type EndState, endStateOf } from './end-state.ts'
import { settleInGroups } from './reference.ts'
import { md5Of, type Version } from './s3/versions.ts'
import { BEGIN_MS, type Schedule } from './schedule.ts'

const RUN = 'run'
const EIGHT: readonly [string, Content][] = [
  ['checkpoint_hook.json', text({ max_keep_ckpts: 1, save_best: 'acc', published_keys: ['meta'] })],
  ['epoch_1.pth', { kind: 'checkpoint', words: 'one', shape: 'whole' }],
  ['metrics/1.json', text({ epoch: 1, metrics: { acc: 0.3 } })],
  ['epoch_2.pth', { kind: 'checkpoint', words: 'two', shape: 'whole' }],
  ['metrics/2.json', text({ epoch: 2, metrics: { acc: 0.5 } })],
  ['epoch_3.pth', { kind: 'checkpoint', words: 'three', shape: 'whole' }],
  ['metrics/3.json', text({ epoch: 3, metrics: { acc: 0.4 } })],
  ['after_train.json', { kind: 'text', text: '' }],
]

function text(value: object): Content {
  return { kind: 'text', text: JSON.stringify(value) }
}

const SCHEDULE: Schedule = {
  seed: 0,
  number: 0,
  run: RUN,
  stackArguments: { interval: 1 },
  brake: 10,
  acts: [],
  services: {
    pageRows: 1000,
    pageItems: 1000,
    indexLagMs: 0,
    inParts: false,
    computesHashes: true,
  },
  rates: { call: 0, stall: 0, message: 0 },
}

const FACTS = EIGHT.map(([name, content], at): Version => {
  const bytes = bytesOf(content)
  const object = {
    bytes,
    etag: md5Of(bytes),
    metadata: {},
    contentType: undefined,
    sha256: undefined,
  }
  const createdMs = BEGIN_MS + at * 10_000
  return { key: `${RUN}/${name}`, versionId: `fact-${at}`, createdMs, by: 'trainer', object }
})

/**
 * Settles the facts in orders of them.
 *
 * @param from the first order, counted as a mixed-radix number from 0
 * @param count how many; there are 40,320
 * @returns what was wrong with which order
 */
export async function settleOrders(from: number, count: number): Promise<string[]> {
  const expected = await endOf(FACTS)
  const wrong: string[] = []
  for (let at = from; at < from + count; at++) {
    const order = orderOf(at)
    const found = differences(await endOf(order), expected)
    const names = order.map(({ versionId }) => versionId).join(' ')
    wrong.push(...found.map((difference) => `${names}: ${difference}`))
  }
  return wrong
}

export const ALL_ORDERS = 40_320

async function endOf(order: readonly Version[]): Promise<EndState> {
  const services = await settleInGroups(
    SCHEDULE,
    order.map((fact) => [fact]),
    BEGIN_MS + 1_000_000,
  )
  if (services === undefined) return { objects: { endless: 'jobs' }, hub: {} }
  return endStateOf(services, RUN)
}

/** The order of a number: each digit says which of those that are left comes next. */
function orderOf(number: number): Version[] {
  const left = [...FACTS]
  let rest = number
  return FACTS.map(() => {
    const at = rest % left.length
    rest = Math.floor(rest / left.length)
    const [fact] = left.splice(at, 1)
    if (fact === undefined) throw new RangeError('no fact is left')
    return fact
  })
}
