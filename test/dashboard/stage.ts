/** The dashboard as it is used: its server over an emulated stack, and a browser that looks at it. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { connectStack, type Stack } from '../../cli/stack/stack.ts'
import { type Dashboard, serveDashboard } from '../../cli/ui/serve.ts'
import { newStack, type StackOfTests } from '../cli/stack/a-stack.ts'
import type { Store } from '../lib/bucket/store.ts'
import { startChromium } from './chromium.ts'

export interface Stage {
  readonly of: StackOfTests
  readonly stack: Stack
  readonly dashboard: Dashboard
  readonly browser: Browser
  close(): Promise<void>
}

/** Sets up a stack without runs, a server and a browser. */
export async function newStage(store: Store): Promise<Stage> {
  const before = { ...process.env }
  const of = await newStack(store)
  // Credentials are looked for when they are needed.
  Object.assign(process.env, of.env)
  const stack = await connectStack({})
  const [dashboard, browser] = await Promise.all([serveDashboard(stack, 0), startChromium()])
  return {
    of,
    stack,
    dashboard,
    browser,
    close: async () => {
      await browser.close()
      await dashboard.close()
      stack.close()
      process.env = before
    },
  }
}

/** What happened in a page that nobody asked for. */
export interface Look {
  readonly page: Page
  readonly context: BrowserContext
  /** Requests to anybody but the dashboard's server. */
  readonly foreign: readonly string[]
  /** Errors and warnings of the console, exceptions, refusals of the content security policy. */
  readonly complaints: readonly string[]
  /** Takes complaints with such words for what a test has brought about. */
  excuse(words: string): void
  /** Dialogs that opened: markup was run. */
  readonly dialogs: readonly string[]
  /** Goes to a page, by its hash. */
  go(hash: string): Promise<void>
}

/** Opens a page of the dashboard by the address that was printed, as a person does. */
export async function lookAt(
  { browser, dashboard }: Pick<Stage, 'browser' | 'dashboard'>,
  hash: string,
  options: BrowserContextOptions = {},
): Promise<Look> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const { origin } = new URL(dashboard.address)
  const foreign: string[] = []
  const complaints: string[] = []
  const dialogs: string[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) foreign.push(request.url())
  })
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  await page.goto(`${dashboard.address}${hash}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const go = async (hash: string) => {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  }
  const excuse = (words: string) => {
    const others = complaints.filter((text) => !text.includes(words))
    complaints.splice(0, complaints.length, ...others)
  }
  return { page, context, foreign, complaints, dialogs, excuse, go }
}

/** How much wider the page is than the screen, in pixels. */
export async function overflowOf(page: Page): Promise<number> {
  return page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
}

let axe: string | undefined

/** What axe finds wrong with what is shown, one line each. */
export async function axeFaults(page: Page): Promise<string[]> {
  axe ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(axe)
  return page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.flatMap(
    ({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`)
}
