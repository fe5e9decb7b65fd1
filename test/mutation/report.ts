/** The report that StrykerJS writes, as far as it is read here. */
import { readFile } from 'node:fs/promises'
import * as z from 'zod'

/** Where `stryker.config.json` has it. */
export const REPORT = '.cache/mutation/report.json'

const position = z.object({ line: z.number(), column: z.number() })
const mutant = z.object({
  status: z.string(),
  replacement: z.string().optional(),
  location: z.object({ start: position, end: position }),
})
const mutatedFile = z.object({ source: z.string(), mutants: z.array(mutant) })
const reportSchema = z.object({ files: z.record(z.string(), mutatedFile) })

/** A file and its mutants. */
export type MutatedFile = z.infer<typeof mutatedFile>

/** The files that were mutated in the last run, by path. */
export async function readReport(): Promise<Record<string, MutatedFile>> {
  return reportSchema.parse(JSON.parse(await readFile(REPORT, 'utf8'))).files
}
