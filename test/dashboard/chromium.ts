/** A real browser to look at the dashboard with: the Chromium that is installed. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The program's path: `CHECKPOINT_HUB_CHROMIUM`, or the first of these names on `PATH`. */
export const CHROMIUM = process.env['CHECKPOINT_HUB_CHROMIUM'] || onPath()

/** What the title of a group of tests says where there is none. */
export const WITHOUT_CHROMIUM =
  CHROMIUM === undefined ? ' (skipped: no Chromium is there, apt-get install chromium)' : ''

export async function startChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) {
    throw new Error(
      'There is no Chromium: apt-get install chromium, or set CHECKPOINT_HUB_CHROMIUM.',
    )
  }
  // Its sandbox needs rights that containers do not give; only our own page is looked at.
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

function onPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
