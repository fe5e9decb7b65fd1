/**
 * `npm run bench:publish`: what publishing costs, by the hub's engine, by MMEngine's own way and by a plain
 * download, filter, upload, side by side on the same checkpoints in the local cloud's S3.
 */
import { mkdtemp, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMiniStack } from '../../local/ministack.ts'
import { pythonOf } from '../../local/python.ts'
import { replaceInFile } from '../write-docs.ts'
import { ENGINES, runEngine } from './engines.ts'
import { drawing } from './plot.ts'
import { markdownOf, type Row, terminalTable, timeSpent } from './report.ts'
import { earlierRows, forgetRows, keepRows, rowOf } from './results.ts'
import {
  type Case,
  COMPARED,
  makeSource,
  newBucket,
  SHAPES,
  sizeOf,
  uploadSource,
} from './sources.ts'

const USAGE = `npm run bench:publish -- [--sizes 256MiB,1GiB,4GiB] [--shapes ${COMPARED.join(',')}]
    [--orders newer,older] [--engines ${Object.keys(ENGINES).join(',')}] [--fresh] [--write]

Shapes: ${SHAPES.join(', ')}.
Needs memory for three times the largest size, and disk for twice as much. What an earlier run measured is
not measured again, except with --fresh. With --write the table in
README.md and the plot in docs/ are those of this run.`

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '256MiB,1GiB,4GiB' },
    shapes: { type: 'string', default: COMPARED.join(',') },
    orders: { type: 'string', default: 'newer,older' },
    engines: { type: 'string', default: Object.keys(ENGINES).join(',') },
    fresh: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(USAGE)
else await compare(casesOf(values))

function casesOf({ sizes = '', shapes = '', orders = '' }): Case[] {
  return shapes
    .split(',')
    .flatMap((shape) =>
      orders
        .split(',')
        .flatMap((order) => sizes.split(',').map((size) => ({ shape, order, size: sizeOf(size) }))),
    )
}

async function compare(cases: Case[]): Promise<void> {
  if (values.fresh) await forgetRows()
  const python = await pythonOf('bench')
  const engines = (values.engines ?? '').split(',')
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-bench-'))
  let rows = await earlierRows()
  try {
    for (const each of cases) {
      const missing = engines.filter((engine) => rowOf(rows, each, engine) === undefined)
      if (missing.length === 0) continue
      const source = await makeSource(python, folder, each)
      for (const engine of missing) {
        rows = [...rows, await measure(python, folder, each, engine, source)]
        await keepRows(rows)
      }
      await unlink(source)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const shown = cases.flatMap((each) => engines.flatMap((name) => rowOf(rows, each, name) ?? []))
  console.log(terminalTable(shown))
  console.log(`Where the time went:\n${timeSpent(shown)}`)
  if (!values.write) return
  await replaceInFile('README.md', 'bench:publish', markdownOf(shown))
  await drawing(shown)
}

/** One engine on one checkpoint, with an emulator of its own: it keeps all objects in its memory. */
async function measure(
  python: string,
  folder: string,
  each: Case,
  engine: string,
  source: string,
): Promise<Row> {
  const { endpoint, stop } = await startMiniStack()
  try {
    const bucket = await newBucket(endpoint)
    const { key, sizeBytes } = await uploadSource(bucket, source)
    const outKey = `published/${engine}.pth`
    const place = { endpoint, bucket: bucket.name, key, outKey, folder }
    const figures = await runEngine(python, engine, place)
    console.error(`  ${engine}: ${figures.seconds.toFixed(1)} s`)
    return { ...each, sizeBytes, engine, figures, publishedBytes: await bucket.size(outKey) }
  } finally {
    await stop()
  }
}
