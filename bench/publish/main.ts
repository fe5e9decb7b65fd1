/**
 * `npm run bench:publish`: what publishing costs, by the hub's engine, by MMEngine's own way and by a plain
 * download, filter, upload, side by side on the same checkpoints in the local cloud's S3.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMiniStack } from '../../local/ministack.ts'
import { pythonOf } from '../../local/python.ts'
import { ENGINES, runEngine } from './engines.ts'
import { drawing } from './plot.ts'
import { markdownTable, type Row, terminalTable } from './report.ts'
import { type Case, makeSource, newBucket, removeAll, SHAPES, sizeOf } from './sources.ts'
import { replaceInFile } from './write-docs.ts'

const USAGE = `npm run bench:publish -- [--sizes 256MiB,1GiB,4GiB] [--shapes ${SHAPES.join(',')}]
    [--orders newer,older] [--engines ${Object.keys(ENGINES).join(',')}] [--write]

Needs memory for three times the largest size, and disk for twice as much. With --write the table in
README.md and the plot in docs/ are those of this run.`

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '256MiB,1GiB,4GiB' },
    shapes: { type: 'string', default: SHAPES.join(',') },
    orders: { type: 'string', default: 'newer,older' },
    engines: { type: 'string', default: Object.keys(ENGINES).join(',') },
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
  const [python, cloud] = [await pythonOf('bench'), await startMiniStack()]
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-bench-'))
  const rows: Row[] = []
  try {
    for (const each of cases) {
      const bucket = await newBucket(cloud.endpoint)
      const { key, sizeBytes } = await makeSource(python, bucket, folder, each)
      for (const engine of (values.engines ?? '').split(',')) {
        const outKey = `published/${engine}.pth`
        const place = { endpoint: cloud.endpoint, bucket: bucket.name, key, outKey, folder }
        const figures = await runEngine(python, engine, place)
        rows.push({
          ...each,
          sizeBytes,
          engine,
          figures,
          publishedBytes: await bucket.size(outKey),
        })
        console.error(`  ${engine}: ${figures.seconds.toFixed(1)} s`)
      }
      await removeAll(bucket)
    }
  } finally {
    await cloud.stop()
    await rm(folder, { recursive: true, force: true })
  }
  console.log(terminalTable(rows))
  if (!values.write) return
  await replaceInFile('README.md', 'bench:publish', markdownTable(rows))
  await drawing(rows)
}
