import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { serveDashboard } from '../../cli/ui/serve.ts'
import { hashOf } from '../../dashboard/route.ts'
import type { Run } from '../../lib/hook/names.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { checkpoint, drain, upload } from '../lib/run/worker.ts'
import { CHROMIUM, WITHOUT_CHROMIUM } from './chromium.ts'
import { DIGITS, ODD, ODD_METRIC, seedDigits, seedOdd, seedTraining } from './seeds.ts'
import { axeFaults, type Look, lookAt, newStage, overflowOf, type Stage } from './stage.ts'

const FAST = 'work_dirs/resnet50/lr-0.1' as Run
const SLOW = 'work_dirs/resnet50/lr-0.01' as Run

describe.skipIf(CHROMIUM === undefined)(`the dashboard${WITHOUT_CHROMIUM}`, () => {
  const store = storeOfFile()
  let stage: Stage
  let look: Look
  let page: Page

  beforeAll(async () => {
    stage = await newStage(store)
    const { worker } = stage.of
    await seedDigits(worker)
    await seedTraining(worker, FAST, { epochs: 60, height: 76, at: 100, seed: 1 })
    await seedTraining(worker, SLOW, { epochs: 60, height: 71, at: 900, seed: 2 })
    await seedOdd(worker)
  })
  afterAll(() => stage?.close())

  async function open(hash: string, options: Parameters<typeof lookAt>[2] = {}): Promise<void> {
    look = await lookAt(stage, hash, options)
    page = look.page
  }
  /** What holds for every page, whatever is looked at. */
  afterEach(async () => {
    if (look === undefined) return
    const { foreign, dialogs, complaints, context } = look
    await context.close()
    expect({ foreign, dialogs, complaints }).toEqual({ foreign: [], dialogs: [], complaints: [] })
  })

  const row = (text: string) => page.getByRole('row').filter({ hasText: text })
  const runHash = (run: string) => hashOf({ page: 'run', run, metrics: [] })
  const timeline = () => page.getByRole('slider', { name: /Checkpoints by/ })

  describe('lists the runs', () => {
    test('with best and last at a glance, the newest upload first', async () => {
      await open('#/runs')
      await row(DIGITS).waitFor()
      const names = await page.locator('tbody th').allTextContents()
      expect(names.slice(0, 3)).toEqual([DIGITS, SLOW, FAST])
      const cells = await row(DIGITS).getByRole('cell').allTextContents()
      expect(cells.slice(1, 6)).toEqual(['accuracy 96.8632val_loss 0.114464', '10', '10', '7', '0'])
    })

    test('that begin with what is typed, which is in the address', async () => {
      await open('#/runs')
      await row(DIGITS).waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('work_dirs/resnet')
      await row(DIGITS).waitFor({ state: 'detached' })
      expect(await page.locator('tbody tr').count()).toBe(2)
      expect(page.url()).toContain('#/runs?prefix=work_dirs%2Fresnet')
      await page.reload()
      await row(FAST).waitFor()
      expect(await page.getByRole('searchbox').inputValue()).toBe('work_dirs/resnet')
      await page.getByRole('searchbox').fill('nothing')
      await page.getByText('No run’s name begins with that').waitFor()
    })

    test('and says how to begin where there are none', async () => {
      const empty = await newStage(store)
      try {
        look = await lookAt(empty, '#/runs')
        page = look.page
        await page.getByRole('heading', { name: 'No runs yet' }).waitFor()
        const bucket = empty.stack.bucket.name
        await page.getByText(`ckpt push epoch_1.pth s3://${bucket}/work_dirs/my-run`).waitFor()
        expect(await axeFaults(page)).toEqual([])
      } finally {
        await empty.close()
      }
    })
  })

  describe('shows a run', () => {
    test('with its curves in words, the best of each marked', async () => {
      await open(runHash(DIGITS))
      await page
        .getByRole('img', {
          name: 'accuracy over epoch 1 to 10; the best is 96.8632 at 7, the newest is 96.7378',
        })
        .waitFor()
      await page.getByRole('img', { name: /^val_loss .* best is 0\.114464 at 6/ }).waitFor()
      expect(await page.getByRole('img').count()).toBe(2)
    })

    test('with the curves that are chosen, which the address keeps', async () => {
      await open(runHash(DIGITS))
      await page.getByRole('checkbox', { name: 'accuracy' }).uncheck()
      await page.getByRole('img', { name: /^accuracy/ }).waitFor({ state: 'detached' })
      expect(page.url()).toContain('?metric=val_loss')
      await page.reload()
      await page.getByRole('img', { name: /^val_loss/ }).waitFor()
      expect(await page.getByRole('img').count()).toBe(1)
    })

    test('with the values of its curves in a table', async () => {
      await open(runHash(DIGITS))
      await page.getByText('Values as a table').click()
      const table = page.getByRole('region', { name: 'Table of values' })
      await table.waitFor()
      expect(await table.getByRole('columnheader').allTextContents()).toEqual([
        'epoch',
        'accuracy',
        'val_loss',
      ])
      const values = table.getByRole('row').filter({ has: page.getByText('7', { exact: true }) })
      expect(await values.getByRole('cell').allTextContents()).toEqual([
        '96.86323713927227',
        '0.12278150132593614',
      ])
    })

    test('over its other counter', async () => {
      await open(runHash(DIGITS))
      await page.getByRole('combobox', { name: 'over' }).selectOption('iterations')
      await page.getByRole('img', { name: /^accuracy over iter 25 to 250/ }).waitFor()
    })

    test('with a timeline that tells each checkpoint’s fate by keys', async () => {
      await open(runHash(DIGITS))
      await timeline().focus()
      const told = () => timeline().getAttribute('aria-valuetext')
      await expect.poll(told).toMatch(/^epoch 10, .*kept: regular, among the newest 3/)
      await page.keyboard.press('Home')
      await expect
        .poll(told)
        .toMatch(/^epoch 1, .*evicted: max_keep_ckpts=3, newer 2, 3, 4; can be restored until 20/)
      await page.keyboard.press('ArrowRight')
      await expect.poll(told).toMatch(/^epoch 2, .*a record/)
      expect(await page.locator('.told').textContent()).toBe(await told())
    })

    test('and by the pointer', async () => {
      await open(runHash(DIGITS))
      await timeline().hover({ position: { x: 4, y: 30 } })
      await page.getByText(/^epoch 1, .*evicted: max_keep_ckpts=3/).waitFor()
    })

    test('with the checkpoints that are asked for', async () => {
      await open(runHash(DIGITS))
      const table = page.getByRole('region', { name: 'Table of checkpoints' }).getByRole('table')
      await table.waitFor()
      expect(await table.locator('tbody tr').count()).toBe(10)
      await page.getByRole('radio', { name: /^kept/ }).check()
      await expect.poll(() => table.locator('tbody th').allTextContents()).toEqual(['10', '9', '8'])
    })

    test('with files whose bytes are those of the hash that stands beside them', async () => {
      await open(runHash(DIGITS))
      const file = row('published last')
      await file.waitFor()
      const hash = await file.locator('code').getAttribute('title')
      const href = await file.getByRole('link', { name: /^Download/ }).getAttribute('href')
      const answer = await look.context.request.get(new URL(href ?? '', page.url()).href)
      expect(
        createHash('sha256')
          .update(await answer.body())
          .digest('hex'),
      ).toBe(hash)
      const redirected = await look.context.request.get(answer.url(), { maxRedirects: 0 })
      expect(new URL(redirected.url()).searchParams.get('response-content-disposition')).toContain(
        "attachment; filename*=UTF-8''epoch_10-",
      )
    })

    test('whose names and hashes can be copied', async () => {
      await open(runHash(DIGITS), { permissions: ['clipboard-read', 'clipboard-write'] })
      const copied = () => page.evaluate<string>('navigator.clipboard.readText()')
      await page.getByRole('button', { name: 'Copy the name of the run' }).click()
      await expect.poll(copied).toBe(DIGITS)
      const file = row('best accuracy').filter({ hasText: 'message_hub' })
      await file.getByRole('button', { name: /^Copy the key of/ }).click()
      await expect.poll(copied).toBe(`${DIGITS}/best_accuracy_epoch_7.pth`)
      await file.getByRole('button', { name: /^Copy the SHA-256/ }).click()
      await expect.poll(copied).toBe(await file.locator('code').getAttribute('title'))
    })

    test('says of one that is not there that the hub knows no such run', async () => {
      await open(runHash('absent'))
      await page.getByText('the hub knows no run "absent"').waitFor()
      look.excuse('404')
    })
  })

  test('asks for fewer steps of a run whose answer would be too large, and for older ones on request', async () => {
    await open('#/runs')
    const limits: number[] = []
    await page.route('**/api/run?*', async (route) => {
      const { searchParams } = new URL(route.request().url())
      const limit = Number(searchParams.get('limit'))
      limits.push(limit)
      if (limit > 500) {
        const type = 'urn:checkpoint-hub:problem:answer-too-large'
        const body = JSON.stringify({ type, detail: 'too large' })
        await route.fulfill({ status: 400, contentType: 'application/problem+json', body })
        return
      }
      // As if a page had four steps.
      searchParams.set('limit', '4')
      await route.continue({ url: `${new URL(page.url()).origin}/api/run?${searchParams}` })
    })
    await look.go(runHash(DIGITS))
    const more = page.getByRole('button', { name: 'Older ones too' })
    await more.waitFor()
    const steps = page.getByRole('region', { name: 'Table of checkpoints' }).locator('tbody th')
    expect(await steps.count()).toBeLessThan(5)
    const askOn = async () => {
      if (await more.isVisible()) await more.click()
      // While it asks, it says so.
      return page.getByText(/^The newest .* are here/).count()
    }
    await expect.poll(askOn).toBe(0)
    expect(await steps.count()).toBe(10)
    expect(limits.slice(0, 2)).toEqual([2_000, 500])
    look.excuse('400')
  })

  test('compares runs by one metric: their curves, and their places', async () => {
    await open('#/runs')
    await row(FAST).getByRole('checkbox').check()
    await row(SLOW).getByRole('checkbox').check()
    await page.keyboard.press('c')
    await page.getByRole('img', { name: `accuracy of ${FAST}, ${SLOW}` }).waitFor()
    const ranks = page.getByRole('region', { name: 'Leaderboard' }).locator('tbody th')
    await expect.poll(() => ranks.allTextContents()).toEqual([DIGITS, FAST, SLOW])
    await row(DIGITS).getByRole('checkbox').check()
    await page.getByRole('img', { name: `accuracy of ${FAST}, ${SLOW}, ${DIGITS}` }).waitFor()
    await page.getByLabel('Metric').selectOption('val/loss')
    await expect.poll(() => ranks.allTextContents()).toHaveLength(2)
    expect(page.url()).toContain('metric=val%2Floss')
  })

  describe('while a training goes on', () => {
    const LIVE = 'work_dirs/live' as Run
    const next = async (epoch: number) => {
      const { worker } = stage.of
      await upload(
        worker,
        {
          [`epoch_${epoch}.pth`]: checkpoint(`of ${epoch}`),
          [`metrics/${epoch}.json`]: { epoch, metrics: { acc: epoch / 100 } },
        },
        LIVE,
      )
      await drain(worker)
    }

    test('shows what is new, and loses neither scroll nor focus', async () => {
      await upload(stage.of.worker, { 'checkpoint_hook.json': { save_best: 'acc' } }, LIVE)
      for (const epoch of [1, 2]) await next(epoch)
      await open(runHash(LIVE), { viewport: { width: 1000, height: 400 } })
      await timeline().focus()
      await page.keyboard.press('Home')
      await page.evaluate('scrollTo(0, 333)')
      await next(3)
      await page
        .getByRole('img', { name: /^acc over epoch 1 to 3; the best is 0.03 at 3/ })
        .waitFor()
      expect(await page.evaluate('scrollY')).toBe(333)
      expect(await timeline().evaluate((element) => element === document.activeElement)).toBe(true)
      expect(await timeline().getAttribute('aria-valuetext')).toMatch(/^epoch 1,/)
      expect(await timeline().getAttribute('aria-valuemax')).toBe('3')
    })

    test('keeps the focus on a run that moves to the top of the list', async () => {
      for (const name of ['one', 'two']) {
        await upload(stage.of.worker, { 'epoch_1.pth': checkpoint(name) }, `moves/${name}` as Run)
        await sleep(1_000)
      }
      await open('#/runs?prefix=moves')
      const names = () => page.locator('tbody th').allTextContents()
      await expect.poll(names).toEqual(['moves/two', 'moves/one'])
      await row('moves/one').getByRole('link').focus()
      await upload(stage.of.worker, { 'epoch_2.pth': checkpoint('newest') }, 'moves/one' as Run)
      await expect.poll(names).toEqual(['moves/one', 'moves/two'])
      expect(await page.evaluate('document.activeElement.textContent')).toBe('moves/one')
    })

    test('asks for an unchanged run by its tag alone, and not at all while nobody looks', async () => {
      await open(runHash(DIGITS))
      const statuses: number[] = []
      page.on('response', (response) => {
        if (response.url().includes('/api/run?')) statuses.push(response.status())
      })
      await expect.poll(() => statuses.length).toBeGreaterThan(1)
      expect(new Set(statuses.slice(1))).toEqual(new Set([304]))
      const hide = (state: string) =>
        page.evaluate(`Object.defineProperty(document, 'visibilityState', {value: '${state}', configurable: true});
          document.dispatchEvent(new Event('visibilitychange'))`)
      await hide('hidden')
      const asked = statuses.length
      await sleep(3_500)
      expect(statuses.length).toBeLessThanOrEqual(asked + 1)
      await hide('visible')
      await expect.poll(() => statuses.length).toBeGreaterThan(asked)
    })

    test('says when the connection is lost, keeps what it knew, and why it is not let in again', async () => {
      const dashboard = await serveDashboard(stage.stack, 0)
      look = await lookAt({ ...stage, dashboard }, runHash(DIGITS))
      page = look.page
      await timeline().waitFor()
      await page.getByText(/^live, heard at \d\d:\d\d:\d\d$/).waitFor()
      await dashboard.close()
      await page.getByRole('status').getByText('`ckpt ui` does not answer').waitFor()
      await page.getByText(/^last heard at .*, trying again$/).waitFor()
      expect(await timeline().isVisible()).toBe(true)
      const port = Number(new URL(dashboard.address).port)
      const another = await serveDashboard(stage.stack, port)
      await page.getByRole('status').getByText('Open the address that `ckpt ui` printed').waitFor()
      await another.close()
      look.excuse('Failed to load resource')
    })
  })

  describe('takes names for what they are', () => {
    /** Everything that only markup in a name could have made. */
    const injected = () =>
      page.locator('img, svg, body script, iframe, object, [onerror], [onload]')

    test('in the list, on the run’s page, and where it is compared', async () => {
      await open('#/runs')
      await row('gnp.exe').getByRole('link').click()
      await page
        .getByRole('heading', { level: 1 })
        .getByText('<img src=x onerror=alert(1)>')
        .waitFor()
      expect(new URL(page.url()).hash).toBe(runHash(ODD))
      await row('error')
        .getByText('expected </td><script>alert(5)</script>, found \\u001b]0;')
        .waitFor()
      await page.getByText('Values as a table').click()
      await page.getByRole('columnheader', { name: '<svg onload=alert(4)>' }).waitFor()
      for (const metric of ['constructor', '__proto__']) {
        await page.getByRole('img', { name: new RegExp(`^${metric} over`) }).waitFor()
      }
      expect(await page.title()).toContain('<script>')
      expect(await injected().count()).toBe(0)
      await page.reload()
      await page.getByRole('checkbox', { name: 'Compare' }).check()
      await page.keyboard.press('c')
      await page.getByRole('img', { name: /<svg onload=alert\(4\)>.* of odd/ }).waitFor()
      await page.getByRole('region', { name: 'Leaderboard' }).waitFor()
      expect(await injected().count()).toBe(0)
      await look.go(hashOf({ page: 'compare', metric: ODD_METRIC, runs: [ODD, DIGITS] }))
      await page.getByText('has no such metric').waitFor()
    })

    test('shows what would turn the writing, or cannot be seen, written out, and copies it so', async () => {
      await open(runHash(ODD), { permissions: ['clipboard-read', 'clipboard-write'] })
      const heading = page.getByRole('heading', { level: 1 })
      await heading.getByText('\\u0007\\u001b[31m\\u202egnp.exe').waitFor()
      await page.getByRole('button', { name: 'Copy the name of the run' }).click()
      await page.getByText('Copied').waitFor()
      const text = [
        await page.locator('body').textContent(),
        await page.title(),
        await page.evaluate<string>('navigator.clipboard.readText()'),
      ].join()
      for (const unseen of '\u0007\u001b\u202e\u2066') expect(text).not.toContain(unseen)
    })
  })

  const PAGES: readonly (readonly [string, string, (at: Page) => Locator])[] = [
    ['the list', '#/runs', (at) => at.getByRole('table')],
    ['a run', runHash(DIGITS), (at) => at.getByRole('slider')],
    ['the odd run', runHash(ODD), (at) => at.getByRole('slider')],
    [
      'a comparison',
      hashOf({ page: 'compare', metric: 'accuracy', runs: [FAST, SLOW, DIGITS] }),
      (at) => at.getByRole('table'),
    ],
  ]

  describe.each(PAGES)('%s', (_, hash, ready) => {
    test('has nothing wrong by axe in light and dark, and nothing wider than a phone', async () => {
      await open(hash, { colorScheme: 'light' })
      await ready(page).waitFor()
      for (const closed of await page.locator('details:not([open]) > summary').all()) {
        await closed.click()
      }
      expect(await axeFaults(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.locator('html[data-theme=dark]').waitFor()
      expect(await axeFaults(page)).toEqual([])
      await page.setViewportSize({ width: 360, height: 740 })
      // Charts follow in the next frame.
      await expect.poll(() => overflowOf(page)).toBe(0)
      expect(await axeFaults(page)).toEqual([])
    })
  })

  describe('by keys', () => {
    const focused = () =>
      page.evaluate<string>(
        '(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()',
      )

    test('goes down the list, opens a run, and comes back', async () => {
      await open('#/runs')
      await row(DIGITS).waitFor()
      const names = await page.locator('tbody th').allTextContents()
      await page.keyboard.press('j')
      await page.keyboard.press('j')
      expect(await focused()).toBe(names[1])
      await page.keyboard.press('k')
      expect(await focused()).toBe(names[0])
      await page.keyboard.press('Enter')
      await timeline().waitFor()
      await page.keyboard.press('r')
      await row(DIGITS).waitFor()
    })

    test('reaches everything of a run in the order in which it is read', async () => {
      await open(runHash(DIGITS))
      await page.reload()
      await timeline().waitFor()
      const reached: string[] = []
      for (let pressed = 0; pressed < 80; pressed++) {
        await page.keyboard.press('Tab')
        const name = await focused()
        if (name.startsWith('Skip') && reached.length > 0) break
        reached.push(name)
      }
      const expected = [
        'Skip to the content',
        'Runs',
        'Keyboard shortcuts',
        'Copy the name of the run',
        'Download the best accuracy',
        'Values as a table',
        'Checkpoints by epoch',
        'Download epoch 10',
        'Table of files',
      ]
      const places = expected.map((name) => reached.indexOf(name))
      expect(places).not.toContain(-1)
      expect(places).toEqual(places.toSorted((a, b) => a - b))
    })

    test('lists its keys under ?, and gives the focus back', async () => {
      await open('#/runs')
      const help = page.getByRole('button', { name: 'Keyboard shortcuts' })
      await help.focus()
      await page.keyboard.press('?')
      const dialog = page.getByRole('dialog', { name: 'Keyboard' })
      await dialog.getByText('dark or light').waitFor()
      expect(await axeFaults(page)).toEqual([])
      await page.keyboard.press('j')
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      expect(await focused()).toBe('Keyboard shortcuts')
    })

    test('turns dark and light, which the next visit remembers', async () => {
      await open('#/runs', { colorScheme: 'light' })
      const theme = () => page.evaluate('document.documentElement.dataset.theme')
      await page.keyboard.press('t')
      await expect.poll(theme).toBe('dark')
      await page.reload()
      await page.getByRole('heading', { name: 'Runs' }).waitFor()
      expect(await theme()).toBe('dark')
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.keyboard.press('t')
      await expect.poll(theme).toBe('light')
    })
  })
})
