/** Puts what a command measured into a page that people read. */
import { readFile, writeFile } from 'node:fs/promises'

/**
 * Replaces what stands between `<!-- name -->` and `<!-- /name -->`.
 *
 * @throws {Error} where the page has no such place
 */
export async function replaceInFile(path: string, name: string, text: string): Promise<void> {
  const page = await readFile(path, 'utf8')
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [start, end] = [page.indexOf(from), page.indexOf(to)]
  if (start < 0 || end < start) throw new Error(`${path} has no ${from} … ${to}`)
  await writeFile(path, `${page.slice(0, start + from.length)}\n${text}\n${page.slice(end)}`)
}
