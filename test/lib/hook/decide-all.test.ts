import { expect, test } from 'vitest'
import { decideAll } from '../../../lib/hook/decide-all.ts'
import { EFFECTS_AT_ONCE } from '../../../lib/hook/draft.ts'
import { decide } from '../../../lib/hook/plan.ts'
import { aRun } from './a-run.ts'

test('all that is to be decided is decided at once, though it takes several transactions', () => {
  const steps = Array.from({ length: 3 * EFFECTS_AT_ONCE }, (_, at) => at + 1)
  const ledger = aRun({ max_keep_ckpts: 1 })
    .upload(...steps)
    .ledger()
  const circumstances = { bucket: 'bucket', brake: 0, unversioned: [], nowSeconds: 1_000_000 }
  const evicted = ({ effects }: typeof ledger) =>
    effects.filter(({ action }) => action.kind === 'evict').length

  const first = decide(ledger, circumstances)
  expect(first.more).toBe(true)
  expect(evicted(first.ledger)).toBeLessThan(EFFECTS_AT_ONCE)
  const all = decideAll(ledger, circumstances)
  expect(all.more).toBe(false)
  expect(evicted(all.ledger)).toBe(steps.length - 1)
})
