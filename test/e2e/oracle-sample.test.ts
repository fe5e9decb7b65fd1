/**
 * A few of the oracle's random schedules through the deployed stack, as checkpoints of a real torch: the
 * bucket and the message hub end as MMEngine's own hook left them. `npm run oracle -- --on-stack 30` takes more.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HookProcess } from '../oracle/hook-process.ts'
import { runOnStack } from '../oracle/on-stack/sample.ts'
import { verdictText } from '../oracle/report.ts'
import type { Verdict } from '../oracle/verdict.ts'
import { cloud, outputs } from './deployed.ts'

const SCHEDULES = 4
const FIXED_SEED = 20_260_101
const FRESH_SEED = Date.now() % 1_000_000_000

const samples = new Map<number, Verdict[]>()
let hook: HookProcess

beforeAll(async () => {
  hook = await HookProcess.start()
  const stack = { cloud, outputs }
  const run = async (seed: number) => {
    samples.set(seed, await runOnStack(stack, hook, { schedules: SCHEDULES, seed }))
  }
  // At once: each has its pauses while the other uploads.
  await Promise.all([run(FIXED_SEED), run(FRESH_SEED)])
})

afterAll(() => hook.stop())

describe("MMEngine's own hook and the deployed stack", () => {
  it.each([
    ['a fixed', FIXED_SEED],
    ['a fresh', FRESH_SEED],
  ])('leave the same of a sample with %s seed, %i', (_, seed) => {
    const verdicts = samples.get(seed) ?? []
    const differing = verdicts.filter(({ mismatches }) => mismatches.length > 0)
    expect(differing.map(verdictText)).toEqual([])
    expect(verdicts).toHaveLength(SCHEDULES)
  })
})
