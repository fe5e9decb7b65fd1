/**
 * `npm run bench:functions`: what the functions weigh, how long they take to begin, and how many calls to AWS an
 * event costs them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { replaceInFile } from '../write-docs.ts'
import { bundleEmpty, bundleFunction, FUNCTIONS } from './bundles.ts'
import { callsAtSteps } from './calls.ts'
import { initMilliseconds } from './init-time.ts'
import {
  callsTable,
  type Measured,
  markdownOf,
  measuredTable,
  packagesTable,
  textOf,
} from './report.ts'

const USAGE = `npm run bench:functions -- [--rounds 21] [--steps 20,10000] [--write]

Bundles the functions as the stack does, loads each file and that of an empty handler with the same clients in
processes of their own, --rounds times, and counts the calls of the events of a run's last steps, against an
emulator. A run of 10,000 steps takes a minute or two to make. With --write the tables in docs/functions.md are
those of this run.`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '21' },
    steps: { type: 'string', default: '20,10000' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(USAGE)
else await report()

async function report(): Promise<void> {
  const measured = await measure(wholeNumber('rounds', values.rounds))
  const calls = await callsAtSteps(
    values.steps.split(',').map((each) => wholeNumber('steps', each)),
  )
  const tables = [measuredTable(measured), packagesTable(measured), callsTable(calls)]
  for (const table of tables) console.log(textOf(table))
  if (values.write) {
    await replaceInFile('docs/functions.md', 'bench:functions', tables.map(markdownOf).join('\n\n'))
  }
}

async function measure(rounds: number): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-functions-'))
  try {
    const bundles = await Promise.all(
      FUNCTIONS.map(async (name) => ({
        name,
        bundle: await bundleFunction(name, folder),
        empty: await bundleEmpty(name, folder),
      })),
    )
    const paths = bundles.flatMap(({ bundle, empty }) => [bundle.path, empty.path])
    const times = await initMilliseconds(paths, rounds)
    return bundles.map((each, at) => ({
      ...each,
      milliseconds: times[2 * at] ?? Number.NaN,
      emptyMilliseconds: times[2 * at + 1] ?? Number.NaN,
    }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new TypeError(`--${name}: expected a whole number, got ${text}`)
}
