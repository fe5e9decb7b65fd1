/** `npm run screenshots`: pictures of the dashboard for `docs/`, of the recorded run and of trainings beside it. */
import { mkdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { serveDashboard } from '../../cli/ui/serve.ts'
import { hashOf, type Route } from '../../dashboard/route.ts'
import type { Run } from '../../lib/hook/names.ts'
import { startStore } from '../lib/bucket/store.ts'
import { START } from '../lib/message-hub/observations.ts'
import { DIGITS, LONG, seedDigits, seedLong, seedTraining } from './seeds.ts'
import { lookAt, newStage } from './stage.ts'

const FOLDER = fileURLToPath(new URL('../../docs/dashboard/', import.meta.url))
/** What a reader would call a stack. */
const NAMES = { name: 'CheckpointHub', region: 'eu-central-1' }

const trainings = [
  { run: 'work_dirs/resnet50/lr-0.1' as Run, height: 76, daysAgo: 0.08 },
  { run: 'work_dirs/resnet50/lr-0.03' as Run, height: 74, daysAgo: 1.2 },
  { run: 'work_dirs/resnet50/lr-0.01' as Run, height: 70, daysAgo: 3.5 },
]
const compared = trainings.map(({ run }) => run)

interface Picture {
  readonly name: string
  readonly route: Route
  readonly theme: 'light' | 'dark'
  readonly width: number
  readonly height: number
}

const PICTURES: readonly Picture[] = [
  { name: 'runs', route: { page: 'runs', prefix: '' }, theme: 'light', width: 1120, height: 420 },
  {
    name: 'run',
    route: { page: 'run', run: DIGITS, metrics: [] },
    theme: 'light',
    width: 1120,
    height: 1240,
  },
  {
    name: 'run-dark',
    route: { page: 'run', run: LONG, metrics: [] },
    theme: 'dark',
    width: 1120,
    height: 1180,
  },
  {
    name: 'compare',
    route: { page: 'compare', metric: 'accuracy', runs: compared },
    theme: 'dark',
    width: 1120,
    height: 760,
  },
  {
    name: 'phone',
    route: { page: 'run', run: DIGITS, metrics: [] },
    theme: 'light',
    width: 360,
    height: 1240,
  },
]

const store = await startStore()
const stage = await newStage(store)
const dashboard = await serveDashboard({ ...stage.stack, ...NAMES }, 0)
try {
  await seed()
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
  for (const picture of PICTURES) await take(picture)
} finally {
  await dashboard.close()
  await stage.close()
  await store.stop()
}

async function seed(): Promise<void> {
  const { worker } = stage.of
  const now = Math.floor(Date.now() / 1000)
  const secondsAgo = (days: number) => now - START - Math.floor(86_400 * days)
  for (const [nth, { run, height, daysAgo }] of trainings.entries()) {
    const at = secondsAgo(daysAgo) - 60 * 60
    await seedTraining(worker, run, { epochs: 60, height, at, seed: nth + 1 })
  }
  await seedLong(worker, secondsAgo(0.25))
  await seedDigits(worker)
}

async function take({ name, route, theme, width, height }: Picture): Promise<void> {
  const { page, context } = await lookAt({ ...stage, dashboard }, hashOf(route), {
    viewport: { width, height },
    colorScheme: theme,
  })
  await page.getByRole('row').nth(1).waitFor()
  if (route.page === 'run') {
    await page.getByRole('slider').focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)')
  }
  // Charts are drawn in the next frame.
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))',
  )
  await page.screenshot({ path: `${FOLDER}${name}.png` })
  await context.close()
  console.log(`docs/dashboard/${name}.png`)
}
