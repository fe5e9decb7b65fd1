import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashOf } from '../../dashboard/route.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { CHROMIUM, WITHOUT_CHROMIUM } from './chromium.ts'
import { LONG, LONG_METRICS, LONG_STEPS, seedLong } from './seeds.ts'
import { axeFaults, type Look, lookAt, newStage, overflowOf, type Stage } from './stage.ts'

/** As many elements as a page of some tables has; with one for each step or value there were 40,000. */
const FEW_ELEMENTS = 1_500

describe.skipIf(CHROMIUM === undefined)(
  `a run of ${LONG_STEPS} checkpoints with ${LONG_METRICS} metrics each${WITHOUT_CHROMIUM}`,
  () => {
    const store = storeOfFile()
    let stage: Stage
    let look: Look

    beforeAll(async () => {
      stage = await newStage(store)
      await seedLong(stage.of.worker)
      look = await lookAt(stage, hashOf({ page: 'run', run: LONG, metrics: [] }))
      await look.page.getByRole('slider').waitFor()
    })
    afterAll(() => stage?.close())

    const elements = () => look.page.evaluate<number>('document.querySelectorAll("*").length')

    test('has few elements, whatever is shown of it', async () => {
      const { page } = look
      expect(await elements()).toBeLessThan(FEW_ELEMENTS)
      await page.getByRole('button', { name: `All ${LONG_METRICS}` }).click()
      await expect.poll(() => page.getByRole('img').count()).toBe(LONG_METRICS)
      await page.getByText('Values as a table').click()
      await page.getByRole('region', { name: 'Table of values' }).waitFor()
      expect(await elements()).toBeLessThan(FEW_ELEMENTS)
      expect(await axeFaults(page)).toEqual([])
    })

    test('tells every checkpoint by keys, and how many there are', async () => {
      const { page } = look
      const timeline = page.getByRole('slider')
      expect(await timeline.getAttribute('aria-valuemax')).toBe(String(LONG_STEPS))
      await timeline.focus()
      for (const [key, words] of [
        ['End', /^iter 1,000,000, .*kept: regular/],
        ['ArrowLeft', /^iter 999,500,/],
        ['PageDown', /^iter 987,000, .*evicted: max_keep_ckpts=8/],
        ['Home', /^iter 500,/],
        ['ArrowLeft', /^iter 500,/],
      ] as const) {
        await page.keyboard.press(key)
        await expect.poll(() => timeline.getAttribute('aria-valuetext')).toMatch(words)
      }
    })

    test('turns the pages of its checkpoints', async () => {
      const { page } = look
      const pages = page.getByRole('navigation', { name: 'Pages of checkpoints' })
      await pages.getByText('1 to 15 of 2,000 checkpoints').waitFor()
      await pages.getByRole('button', { name: 'On' }).click()
      await pages.getByText('16 to 30 of 2,000 checkpoints').waitFor()
      const steps = page.getByRole('region', { name: 'Table of checkpoints' }).locator('tbody th')
      expect((await steps.allTextContents())[0]).toBe('992,500')
      await page.getByRole('radio', { name: /^kept/ }).check()
      await expect.poll(() => steps.count()).toBe(8)
    })

    test('says which values cannot be drawn', async () => {
      await look.page.getByText('20 values not finite').waitFor()
    })

    test('is no wider than a phone', async () => {
      await look.page.setViewportSize({ width: 360, height: 740 })
      await expect.poll(() => overflowOf(look.page)).toBe(0)
    })

    test('asked nobody else, and complained of nothing', () => {
      const { foreign, dialogs, complaints } = look
      expect({ foreign, dialogs, complaints }).toEqual({ foreign: [], dialogs: [], complaints: [] })
    })
  },
)
