/** What a campaign says. */
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../oracle/verdict.ts'
import { reportOf, wrongText } from './report.ts'
import { trainingOf } from './schedules.ts'
import { settingFrom } from './settings.ts'

describe('the report of a campaign', () => {
  it('adds up its rounds', () => {
    const setting = settingFrom(['--runs', '2', '--uploads', '40', '--rounds', '2'], 9)
    const round = { runs: 2, objects: 50, redriven: 1, seconds: 30 }
    const done = [
      { ...round, kills: { ingest: 3, publish: 1 } },
      { ...round, kills: { ingest: 2 } },
    ]
    expect(reportOf(setting, { seed: 9, done })).toBe(
      `seed 9: all 4 runs ended right, 2 at once, with functions run by the emulator
  40 checkpoints, 100 uploads in all
  6 kills, 5 of ingest, 1 of publish
  2 messages re-driven from dead-letter queues
  60 s from the first upload until nothing was left to do`,
    )
  })
})

describe('the text of a run that ended wrong', () => {
  const verdictWith = (...mismatches: Verdict['mismatches']): Verdict => ({
    schedule: trainingOf(1, 4, 10),
    mismatches,
    applied: new Set(),
    met: [],
  })

  it('shows of lists what is missing and what is too much', () => {
    const expected = ['exp/epoch_9.pth', 'exp/epoch_10.pth']
    const found = ['exp/epoch_8.pth', 'exp/epoch_10.pth']
    const text = wrongText(verdictWith({ what: 'checkpoints', expected, found }))
    expect(text.split('\n').slice(1)).toEqual([
      '  checkpoints',
      '    missing  exp/epoch_9.pth',
      '    strange  exp/epoch_8.pth',
    ])
  })

  it('shows anything else, and lists in another order, in full', () => {
    const text = wrongText(
      verdictWith(
        { what: 'last_checkpoint', expected: 'exp/epoch_10.pth', found: null },
        { what: 'runtime_info.keep_ckpt_ids', expected: [9, 10], found: [10, 9] },
      ),
    )
    expect(text.split('\n').slice(1)).toEqual([
      '  last_checkpoint',
      '    expected exp/epoch_10.pth',
      '    found    null',
      '  runtime_info.keep_ckpt_ids',
      '    expected [9,10]',
      '    found    [10,9]',
    ])
  })
})
