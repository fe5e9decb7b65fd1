/** What a campaign is to be: its command line, and what follows from it. */
import { parseArgs } from 'node:util'

/** Numbers that say what a campaign does. */
export interface Setting {
  /** Trainings at once. */
  runs: number
  /** Checkpoints that they upload in all. */
  uploads: number
  /** Processes of functions that are killed. */
  kills: number
  /** Between two kills, on average, in milliseconds. */
  killPauseMs: number
  /** Processes that take the queues' messages instead of the emulator; 0: the emulator does. */
  processes: number
  /** One after the other, each with an emulator of its own: what is done is not done again. */
  rounds: number
  /** Between two uploads of a training, on average, in milliseconds. */
  paceMs: number
  /** Where chance begins. */
  seed: number
}

/** What one round of a campaign does. */
export interface Round extends Setting {
  /** The number of its first training within the campaign. */
  first: number
}

/** The command line cannot be understood. */
export class CampaignSettingError extends Error {
  override readonly name = 'CampaignSettingError'
}

const DEFAULTS = { runs: 1, uploads: 200, kills: 0, processes: 0, rounds: 1, pace: 0, every: 1000 }

/**
 * Reads the command line.
 *
 * @param otherwise the seed where none is given
 * @throws {CampaignSettingError} that names the option
 */
export function settingFrom(
  args: readonly string[],
  otherwise: number,
): Setting & { fresh: boolean; help: boolean; isSeedGiven: boolean } {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: text,
      uploads: text,
      kills: text,
      processes: text,
      rounds: text,
      pace: text,
      every: text,
      seed: text,
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: keyof typeof DEFAULTS | 'seed', least: number, fallback: number) =>
    wholeNumber(name, values[name], least, fallback)
  const setting: Setting = {
    runs: number('runs', 1, DEFAULTS.runs),
    uploads: number('uploads', 1, DEFAULTS.uploads),
    kills: number('kills', 0, DEFAULTS.kills),
    processes: number('processes', 0, DEFAULTS.processes),
    rounds: number('rounds', 1, DEFAULTS.rounds),
    paceMs: number('pace', 0, DEFAULTS.pace),
    killPauseMs: number('every', 0, DEFAULTS.every),
    seed: number('seed', 0, otherwise),
  }
  const parts = setting.runs * setting.rounds
  if (setting.uploads % parts !== 0) {
    throw new CampaignSettingError(
      `--uploads: expected a multiple of runs times rounds, ${parts}, got ${setting.uploads}`,
    )
  }
  return {
    ...setting,
    fresh: values.fresh,
    help: values.help,
    isSeedGiven: values.seed !== undefined,
  }
}

function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  fallback: number,
): number {
  if (text === undefined) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least) return value
  throw new CampaignSettingError(`--${name}: expected a whole number from ${least} on, got ${text}`)
}

/** The rounds of a campaign: its uploads and kills in equal parts, the rest of the kills in the first. */
export function roundsOf(setting: Setting): Round[] {
  const each = Math.floor(setting.kills / setting.rounds)
  return Array.from({ length: setting.rounds }, (_, at) => ({
    ...setting,
    first: at * setting.runs,
    uploads: setting.uploads / setting.rounds,
    kills: each + (at === 0 ? setting.kills % setting.rounds : 0),
  }))
}
