/** `npm run campaign`: long trainings through the deployed stack, with its functions' processes killed. */

import { reportOf, wrongText } from './report.ts'
import { playRound } from './round.ts'
import { CampaignSettingError, roundsOf, type Setting, settingFrom } from './settings.ts'
import { forget, keep, type Tally, unfinished } from './tally.ts'

const HELP = `npm run campaign -- [options]

Uploads trainings to the stack on the local cloud, kills processes of its functions at random moments, waits
until nothing is left to do, and compares what is left with MMEngine's own hook, with the hub's core, and with
the version history of the bucket. Ends with 1 where something differs.

  --runs N       trainings at once (1)
  --uploads N    checkpoints of 64 KiB that they upload in all (200)
  --kills N      processes of functions that are killed (0)
  --every MS     between two kills, on average (1000)
  --processes N  so many processes of our own run the bundled functions, instead of the emulator (0)
  --pace MS      between two uploads of a training, on average (0)
  --rounds N     in so many parts, each with an emulator of its own; what ended right is not done again (1)
  --seed S       where chance begins (the time, or the seed of a campaign that was stopped)
  --fresh        begins anew, although such a campaign was stopped
  --help         this text
`

try {
  const { fresh, help, isSeedGiven, ...setting } = settingFrom(
    process.argv.slice(2),
    Date.now() % 1_000_000_000,
  )
  if (help) process.stdout.write(HELP)
  else await campaign(setting, await tallyOf(setting, fresh, isSeedGiven))
} catch (error) {
  if (!(error instanceof CampaignSettingError)) throw error
  process.stderr.write(`${error.message}\n\n${HELP}`)
  process.exitCode = 2
}

async function tallyOf(setting: Setting, fresh: boolean, isSeedGiven: boolean): Promise<Tally> {
  const before = fresh ? undefined : await unfinished(setting)
  const isMeant = before !== undefined && (!isSeedGiven || before.seed === setting.seed)
  return isMeant ? before : { seed: setting.seed, done: [] }
}

async function campaign(given: Setting, tally: Tally): Promise<void> {
  const setting = { ...given, seed: tally.seed }
  say(`seed ${setting.seed}: ${tally.done.length} of ${setting.rounds} rounds are done`)
  for (const [at, round] of roundsOf(setting).entries()) {
    if (at < tally.done.length) continue
    const result = await playRound(round, say)
    const wrong = result.verdicts.filter(({ mismatches }) => mismatches.length > 0)
    for (const verdict of wrong) process.stdout.write(`\n${wrongText(verdict)}\n`)
    if (result.kills.length < round.kills) {
      say(`only ${result.kills.length} of ${round.kills} kills were made: give it more to do`)
    }
    if (wrong.length > 0 || result.kills.length < round.kills) {
      process.stdout.write(`seed ${setting.seed}, round ${at}: ${wrong.length} runs ended wrong\n`)
      process.exitCode = 1
      return
    }
    const kills: Record<string, number> = {}
    for (const { name } of result.kills) kills[name] = (kills[name] ?? 0) + 1
    const { objects, redriven, seconds } = result
    tally.done.push({ runs: result.verdicts.length, objects, kills, redriven, seconds })
    await keep(setting, tally)
  }
  process.stdout.write(`${reportOf(setting, tally)}\n`)
  await forget(setting)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
