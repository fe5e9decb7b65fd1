/** A small campaign of the oracle with every run of the tests; `npm run oracle` runs the large ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Campaign, campaignOf } from './campaign.ts'
import { compare } from './compare.ts'
import { REASONS } from './deviations.ts'
import { scheduleOf } from './generator.ts'
import { HookProcess } from './hook-process.ts'
import { verdictText } from './report.ts'
import type { LifeTold, Schedule } from './schedule.ts'
import { shrunk } from './shrink.ts'

const SCHEDULES = 300
const FIXED_SEED = 20_260_101
const FRESH_SEED = Date.now() % 1_000_000_000

let hook: HookProcess

beforeAll(async () => {
  hook = await HookProcess.start()
})

afterAll(async () => {
  await hook.stop()
})

/** The smallest schedules that differ, in words. */
async function differences({ mismatched }: Campaign): Promise<string[]> {
  const smallest: string[] = []
  for (const verdict of mismatched.slice(0, 2)) {
    smallest.push(verdictText(await shrunk(hook, verdict)))
  }
  return smallest
}

describe("MMEngine's own hook and the hub", () => {
  test.each([
    ['a fixed', FIXED_SEED],
    ['a fresh', FRESH_SEED],
  ])('leave the same of schedules with %s seed, %i', async (_, seed) => {
    const campaign = await campaignOf(hook, { schedules: SCHEDULES, seed, limit: 1 })
    expect(await differences(campaign)).toEqual([])
    expect(campaign.plain).toBeGreaterThan(SCHEDULES / 5)
  })
})

describe('the oracle itself', () => {
  test('draws the same schedule again from its seed and number', () => {
    expect(scheduleOf(7, 12)).toEqual(scheduleOf(7, 12))
    expect(scheduleOf(7, 12)).not.toEqual(scheduleOf(8, 12))
  })

  test('gives a reason for every deviation', () => {
    for (const reason of Object.values(REASONS)) expect(reason.length).toBeGreaterThan(40)
  })
})

const PLAIN = {
  layout: 'files',
  metrics: 'events',
  savesAgain: false,
  announced: true,
  ranks: 1,
} as const

function scheduleWith(...lives: (Partial<LifeTold> & Pick<LifeTold, 'arguments'>)[]): Schedule {
  const told = lives.map(
    (life, at): LifeTold => ({
      loop: 'epoch',
      epochLength: 1,
      more: 1,
      validations: [],
      stop: null,
      killed: false,
      resume: at === 0 ? null : 'last',
      ...life,
    }),
  )
  return { seed: 0, number: 0, ...PLAIN, lives: told }
}

/** What the oracle found in the hub, and what was mended for it. */
describe('schedules that once differed', () => {
  test.each([
    {
      name: 'a rule that changes while save_best is auto starts the metric afresh',
      schedule: scheduleWith(
        { arguments: { save_best: 'auto', rule: 'greater' }, validations: [[1, [['acc', 0.6]]]] },
        { arguments: { save_best: 'auto', rule: 'less' } },
      ),
    },
    {
      name: 'a limit that was lifted brings nothing back when a step of before is uploaded again',
      schedule: scheduleWith(
        { arguments: { interval: 1, max_keep_ckpts: 2 }, more: 3 },
        { arguments: {}, resume: { back: 1 } },
      ),
    },
    {
      name: 'a limit that came evicts at once, whatever of it is uploaded again',
      schedule: scheduleWith(
        { arguments: { interval: 2 }, more: 5 },
        {
          arguments: { max_keep_ckpts: 2, save_last: false },
          more: 2,
          validations: [[2, [['acc', 1]]]],
          resume: { back: 2 },
        },
      ),
    },
    {
      name: 'a step of the deque that is uploaded again outside of it makes no room for an older one',
      schedule: scheduleWith(
        { arguments: { interval: 4, save_begin: 5 }, more: 8 },
        {
          arguments: { interval: 2, save_begin: 5, max_keep_ckpts: 2 },
          more: 6,
          validations: [[3, []]],
          stop: 3,
          killed: true,
          resume: { back: 1 },
        },
      ),
    },
    {
      name: 'a life that nobody announced begins at the first upload of a step that is saved twice',
      schedule: {
        ...scheduleWith(
          {
            arguments: { save_best: ['FID', 'recall'], rule: 'greater', interval: 1 },
            more: 2,
            validations: [[2, [['FID', 0.5]]]],
          },
          {
            arguments: { save_best: ['FID', 'recall'], rule: 'greater', interval: 1 },
            more: 2,
            validations: [
              [
                1,
                [
                  ['FID', 0.5],
                  ['recall', 0.6],
                ],
              ],
            ],
            resume: 'fresh',
          },
        ),
        savesAgain: true,
        announced: false,
      },
    },
    {
      name: 'a best that is a directory leaves no copy of a lesser one that is a file',
      schedule: {
        ...scheduleWith({
          arguments: { interval: 1, save_best: 'acc' },
          more: 2,
          validations: [
            [1, [['acc', 0.1]]],
            [2, [['acc', 0.5]]],
          ],
        }),
        layout: 'even steps' as const,
      },
    },
  ])('$name', async ({ schedule }) => {
    const [verdict] = await compare(hook, [schedule])
    expect(verdict && verdict.mismatches.length > 0 ? verdictText(verdict) : '').toBe('')
  })
})
