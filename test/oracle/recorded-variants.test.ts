/**
 * The recorded training under fourteen sets of arguments: what the pure core leaves in a bucket in
 * memory, against what MMEngine's own hook left on disk.
 */
import { describe, expect, test } from 'vitest'
import {
  type ExpectedVariant,
  type LeftByHook,
  type RecordedValidation,
  readRecording,
} from '../../examples/train/recording.ts'
import { parseArguments } from '../../lib/hook/hook-arguments.ts'
import { nameOf, type Series, stepIn } from '../../lib/hook/names.ts'
import { entriesOf } from '../../lib/message-hub/entries.ts'
import { AHub, hubOf } from '../lib/hook/a-hub.ts'
import { type ARun, aRun } from '../lib/hook/a-run.ts'
import { DEVIATIONS, expectedOfHub } from './deviations.ts'

const { order, expected, variants } = await readRecording()
const recorded: ExpectedVariant = {
  arguments: expected.arguments,
  uploads: order.map(({ key }) => key).filter((key) => key.endsWith('.pth')),
  left: expected.left,
}
const runs = Object.entries({ 'the recorded run': recorded, ...variants })

/** A trainer's uploads: the options, each checkpoint with what was validated then, the end. */
function toldBy({ arguments: named, uploads, left }: ExpectedVariant): ARun {
  const options = parseArguments(named)
  const series: Series = (options.by_epoch ?? true) ? 'epoch' : 'iter'
  const template = options.filename_tmpl ?? `${series}_{}.pth`
  const run = aRun().options(options)
  for (const name of uploads) {
    const step = stepIn(template, name)
    if (step === undefined) throw new Error(`${name} is no checkpoint by ${template}`)
    run.uploadLike({ series, template }, step)
    const validation = expected.validations.find((each) => stepOf(each, series) === step)
    if (validation !== undefined) run.metrics(step, validation.metrics, { series })
  }
  const isLastSaved = (options.save_last ?? true) && left.last_checkpoint !== null
  return run.end(isLastSaved ? (left.last_checkpoint ?? undefined) : undefined)
}

function stepOf(validation: RecordedValidation, series: Series): number {
  return series === 'epoch' ? validation.epoch : validation.iter
}

/** What the hub left, as the recording tells what the hook left. */
function leftBy(hub: AHub): LeftByHook {
  const setting = { bucket: 'bucket', version: 1, noncurrentDays: 7 }
  const entry = entriesOf(hub.decide(), setting).get('runtime_info') ?? {}
  const info: Record<string, string | number | readonly number[]> = {}
  for (const [key, value] of Object.entries(entry)) {
    if (key.startsWith('best_score')) info[key] = Number(value)
    else if (/^(best_ckpt|last_ckpt)/.test(key)) info[key] = nameOf(String(value))
    else if (key === 'keep_ckpt_ids' && Array.isArray(value)) info[key] = value
  }
  const written = hub.did('write last_checkpoint').at(-1)
  return {
    checkpoints: hub.checkpoints(),
    best: hub.bestCopies(),
    published: hub.published(),
    last_checkpoint: written === undefined ? null : nameOf(written),
    runtime_info: info,
  }
}

const sorted = (names: readonly string[]): string[] => names.toSorted()

describe.each(runs)('%s', (name, variant) => {
  const left = leftBy(hubOf(toldBy(variant)))
  const wanted = expectedOfHub(name, variant.left)

  test('leaves the checkpoints that the hook left', () => {
    expect(sorted(left.checkpoints)).toEqual(sorted(wanted.checkpoints))
  })

  test('leaves the best copies that the hook left', () => {
    expect(sorted(left.best)).toEqual(sorted(wanted.best))
  })

  test('publishes what the hook published', () => {
    expect(sorted(left.published)).toEqual(sorted(wanted.published))
  })

  test('names the last checkpoint that the hook named', () => {
    expect(left.last_checkpoint).toBe(wanted.last_checkpoint)
  })

  test("has the hook's own keys in the message hub, with its values", () => {
    expect(left.runtime_info).toEqual(wanted.runtime_info)
  })

  test('leaves the same when every event comes late and in reverse', () => {
    const run = toldBy(variant)
    const late = leftBy(new AHub(run).see(...run.late().toReversed()))
    expect({ ...late, best: sorted(late.best) }).toEqual({ ...left, best: sorted(left.best) })
  })
})

test('every deviation is of a variant that is recorded, and says why', () => {
  for (const [name, { reason }] of Object.entries(DEVIATIONS)) {
    expect(variants[name], name).toBeDefined()
    expect(reason.length).toBeGreaterThan(20)
  }
  expect(runs).toHaveLength(14)
})
