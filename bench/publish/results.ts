/** Rows that were measured, kept in a file, so that a bench that was stopped goes on with those that miss. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { figuresSchema } from './figures.ts'
import { isSameCase, type Row } from './report.ts'
import type { Case } from './sources.ts'

const PATH = fileURLToPath(new URL('../../.bench/publish.json', import.meta.url))

const rowsSchema = z.array(
  z.object({
    shape: z.string(),
    order: z.string(),
    size: z.number(),
    sizeBytes: z.number(),
    publishedBytes: z.number(),
    engine: z.string(),
    figures: figuresSchema,
  }),
)

/** The rows of an earlier run; none where there was none, or its file is of another form. */
export async function earlierRows(): Promise<Row[]> {
  try {
    const parsed = rowsSchema.safeParse(JSON.parse(await readFile(PATH, 'utf8')))
    return parsed.success ? parsed.data : []
  } catch {
    return []
  }
}

/** Forgets them. */
export async function forgetRows(): Promise<void> {
  await rm(PATH, { force: true })
}

/** Keeps all rows so far. */
export async function keepRows(rows: readonly Row[]): Promise<void> {
  await mkdir(dirname(PATH), { recursive: true })
  await writeFile(PATH, `${JSON.stringify(rows, undefined, 2)}\n`)
}

/** The row of one engine on one checkpoint. */
export function rowOf(rows: readonly Row[], each: Case, engine: string): Row | undefined {
  return rows.find((row) => isSameCase(row, each) && row.engine === engine)
}
