/**
 * `npm run oracle`: random schedules through MMEngine's own, unmodified CheckpointHook and through the
 * hub's core, compared.
 */
import { parseArgs } from 'node:util'
import { startLocalCloud } from '../../local/cloud.ts'
import { type Campaign, campaignOf } from './campaign.ts'
import { HookProcess } from './hook-process.ts'
import { runOnStack } from './on-stack/sample.ts'
import { reportOf, sampleText, verdictText } from './report.ts'
import { shrunk } from './shrink.ts'

const HELP = `npm run oracle -- [options]

Runs random schedules through MMEngine's own CheckpointHook and through the hub's core, and compares what
each leaves. Ends with 1 where they differ, and shows the smallest schedule that does.

  --schedules N   how many (20000)
  --seed S        where chance begins (the time); the same seed gives the same schedules
  --on-stack N    so many through the stack, deployed on the local cloud, instead of the core
  --only N        only the schedule of this number, with its parts in full
  --mismatches N  ends after so many (5)
  --help          this text
`
const SHRUNK = 5

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    only: { type: 'string' },
    'on-stack': { type: 'string' },
    mismatches: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else if (values['on-stack'] !== undefined) await sampleOnStack(values['on-stack'])
else await main()

async function main(): Promise<void> {
  const seed = wholeNumber('seed', values.seed)
  const only = values.only === undefined ? undefined : wholeNumber('only', values.only)
  const hook = await HookProcess.start()
  try {
    const campaign = await campaignOf(hook, {
      first: only ?? 0,
      schedules: only === undefined ? wholeNumber('schedules', values.schedules) : 1,
      seed,
      traced: true,
      limit: wholeNumber('mismatches', values.mismatches),
      onProgress: (so) => showProgress(so, seed),
    })
    process.stderr.write('\n')
    process.stdout.write(`${reportOf(campaign, seed)}\n`)
    for (const verdict of campaign.mismatched.slice(0, SHRUNK)) {
      process.stdout.write(`\n${verdictText(await shrunk(hook, verdict))}\n`)
    }
    process.exitCode = campaign.mismatched.length === 0 ? 0 : 1
  } finally {
    await hook.stop()
  }
}

async function sampleOnStack(count: string): Promise<void> {
  const sample = {
    schedules: wholeNumber('on-stack', count),
    seed: wholeNumber('seed', values.seed),
  }
  const began = performance.now()
  const [hook, cloud] = await Promise.all([HookProcess.start(), startLocalCloud()])
  try {
    const verdicts = await runOnStack({ cloud, outputs: await cloud.deploy() }, hook, sample)
    process.stdout.write(`${sampleText(verdicts, sample.seed, performance.now() - began)}\n`)
    process.exitCode = verdicts.some(({ mismatches }) => mismatches.length > 0) ? 1 : 0
  } finally {
    await Promise.all([hook.stop(), cloud.stop()])
  }
}

function showProgress({ schedules, seconds, mismatched }: Campaign, seed: number): void {
  const rate = Math.round(schedules / seconds)
  const line = `seed ${seed}: ${schedules} schedules, ${rate}/s, ${mismatched.length} mismatches`
  process.stderr.write(
    process.stderr.isTTY ? `\r${line}` : schedules % 2000 === 0 ? `${line}\n` : '',
  )
}

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  process.stderr.write(`--${name}: expected a whole number of 0 or more, got ${text}\n`)
  process.exit(2)
}
