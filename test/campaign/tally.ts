/** What a campaign has done so far, kept so that one that was stopped goes on where it was. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Setting } from './settings.ts'

const FOLDER = fileURLToPath(new URL('../../.campaign/', import.meta.url))

const Done = z.object({
  runs: z.number(),
  objects: z.number(),
  /** By function. */
  kills: z.record(z.string(), z.number()),
  redriven: z.number(),
  seconds: z.number(),
})

/** The figures of a round that ended right. */
export type Done = z.infer<typeof Done>

const Tally = z.object({ seed: z.number(), done: z.array(Done) })

/** The rounds that ended right, of the seed that they had. */
export type Tally = z.infer<typeof Tally>

/** The tally of a campaign with these numbers; nothing where none was begun, or it is over. */
export async function unfinished(setting: Setting): Promise<Tally | undefined> {
  try {
    const tally = Tally.parse(JSON.parse(await readFile(fileOf(setting), 'utf8')))
    return tally.done.length < setting.rounds ? tally : undefined
  } catch {
    return undefined
  }
}

/** Writes it. */
export async function keep(setting: Setting, tally: Tally): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  await writeFile(fileOf(setting), `${JSON.stringify(tally, undefined, 2)}\n`)
}

/** Forgets it. */
export async function forget(setting: Setting): Promise<void> {
  await rm(fileOf(setting), { force: true })
}

function fileOf({ runs, uploads, kills, processes, rounds }: Setting): string {
  return `${FOLDER}${[runs, uploads, kills, processes, rounds].join('-')}.json`
}
