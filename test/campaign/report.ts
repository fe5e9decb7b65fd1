/** The figures of a campaign that ended right. */
import type { Setting } from './settings.ts'
import type { Tally } from './tally.ts'

/** A few lines for people. */
export function reportOf(setting: Setting, { seed, done }: Tally): string {
  const sum = (of: (each: Tally['done'][number]) => number) =>
    done.reduce((total, each) => total + of(each), 0)
  const names = [...new Set(done.flatMap(({ kills }) => Object.keys(kills)))].toSorted()
  const kills = names.map((name) => `${sum((each) => each.kills[name] ?? 0)} of ${name}`)
  const by = setting.processes > 0 ? `${setting.processes} processes of our own` : 'the emulator'
  return [
    `seed ${seed}: all ${sum(({ runs }) => runs)} runs ended right, ${setting.runs} at once, run by ${by}`,
    `  ${setting.uploads} checkpoints, ${sum(({ objects }) => objects)} uploads in all`,
    `  ${sum(({ kills }) => Object.values(kills).reduce((a, b) => a + b, 0))} kills${kills.length > 0 ? `: ${kills.join(', ')}` : ''}`,
    `  ${sum(({ redriven }) => redriven)} messages re-driven from dead-letter queues`,
    `  ${sum(({ seconds }) => seconds)} s from the first upload until nothing was left to do`,
  ].join('\n')
}
