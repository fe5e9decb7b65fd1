/** What a campaign says in the end: its figures, or what is wrong with which run. */
import type { Mismatch, Verdict } from '../oracle/verdict.ts'
import type { Setting } from './settings.ts'
import type { Tally } from './tally.ts'

/** The figures of a campaign that ended right, in a few lines. */
export function reportOf(setting: Setting, { seed, done }: Tally): string {
  const sum = (of: (each: Tally['done'][number]) => number) =>
    done.reduce((total, each) => total + of(each), 0)
  const names = [...new Set(done.flatMap(({ kills }) => Object.keys(kills)))].toSorted()
  const byName = names.map((name) => `${sum(({ kills }) => kills[name] ?? 0)} of ${name}`)
  const killed = sum(({ kills }) => Object.values(kills).reduce((a, b) => a + b, 0))
  const { runs, processes, uploads } = setting
  const by = processes > 0 ? `${processes} processes of our own` : 'the emulator'
  return [
    `seed ${seed}: all ${sum((each) => each.runs)} runs ended right, ${runs} at once, with functions run by ${by}`,
    `  ${uploads} checkpoints, ${sum(({ objects }) => objects)} uploads in all`,
    `  ${[`${killed} kills`, ...byName].join(', ')}`,
    `  ${sum(({ redriven }) => redriven)} messages re-driven from dead-letter queues`,
    `  ${sum(({ seconds }) => seconds)} s from the first upload until nothing was left to do`,
  ].join('\n')
}

/** What is wrong with a run; of lists only what one side has and the other has not. */
export function wrongText({ schedule, mismatches }: Verdict): string {
  const { seed, number, lives } = schedule
  return [
    `run ${number} of seed ${seed} ended wrong; its arguments are ${JSON.stringify(lives[0]?.arguments)}`,
    ...mismatches.flatMap((each) => [`  ${each.what}`, ...linesOf(each)]),
  ].join('\n')
}

function linesOf({ expected, found }: Mismatch): string[] {
  if (Array.isArray(expected) && Array.isArray(found)) {
    const [wanted, there] = [expected, found].map((each: unknown[]) => each.map(text))
    const missing = wanted?.filter((each) => !there?.includes(each)) ?? []
    const strange = there?.filter((each) => !wanted?.includes(each)) ?? []
    if (missing.length + strange.length > 0) {
      return [
        ...missing.map((each) => `    missing  ${each}`),
        ...strange.map((each) => `    strange  ${each}`),
      ]
    }
  }
  return [`    expected ${text(expected)}`, `    found    ${text(found)}`]
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
}
