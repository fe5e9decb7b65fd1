/**
 * The second half of `npm run mutate`: every mutant that survived has to stand in the table of
 * `docs/mutants.md`, with why it does the same as the code; and no more than stand there.
 */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import ts from 'typescript'
import { type MutatedFile, readReport } from './report.ts'

const TABLE = 'docs/mutants.md'

/** A mutant that no test noticed. */
interface Survivor {
  /** Of the file and the function around it, as the table names them: `plan.ts lastOf`. */
  readonly place: string
  readonly text: string
}

const files = await readReport()
const survivors = Object.entries(files).flatMap(([path, file]) => survivorsIn(path, file))
const listed = listedIn(await readFile(TABLE, 'utf8'))
const places = new Set([...survivors.map(({ place }) => place), ...listed.keys()])
const wrong = [...places].sort().flatMap((place) => complaint(place) ?? [])
console.log(wrong.join('\n'))
console.log(`${survivors.length} mutants survived; ${wrong.length} places are not as ${TABLE} says`)
if (wrong.length > 0) process.exitCode = 1

/** What is wrong at a place; of files that were not mutated this time nothing is known. */
function complaint(place: string): string | undefined {
  const here = survivors.filter((each) => each.place === place)
  const expected = listed.get(place) ?? 0
  const [file] = place.split(' ')
  const wasRun = Object.keys(files).some((path) => basename(path) === file)
  if (!wasRun || here.length === expected) return undefined
  const texts = here.map(({ text }) => `\n    ${text}`).join('')
  return `${place}: ${here.length} survived, ${expected} are listed${texts}`
}

function survivorsIn(path: string, { source, mutants }: MutatedFile): Survivor[] {
  const parsed = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  return mutants
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ location: { start, end }, replacement = '' }) => {
      const from = parsed.getPositionOfLineAndCharacter(start.line - 1, start.column - 1)
      const to = parsed.getPositionOfLineAndCharacter(end.line - 1, end.column - 1)
      const was = source.slice(from, to).replaceAll(/\s+/g, ' ')
      return {
        place: `${basename(path)} ${functionAround(parsed, from)}`,
        text: `line ${start.line}: ${was}  ->  ${replacement.replaceAll(/\s+/g, ' ')}`,
      }
    })
}

/** The outermost declaration at a position: functions within functions are listed under it. */
function functionAround(parsed: ts.SourceFile, at: number): string {
  const statement = parsed.statements.find((each) => each.getStart() <= at && at < each.end)
  if (statement === undefined) return '(top)'
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
    return statement.name?.text ?? '(top)'
  }
  if (!ts.isVariableStatement(statement)) return '(top)'
  return statement.declarationList.declarations.map(({ name }) => name.getText()).join(', ')
}

/** The rows `| file | function | how many | … |`; a place may have several. */
function listedIn(text: string): Map<string, number> {
  const listed = new Map<string, number>()
  for (const [, file, name, count] of text.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| (\d+) \|/gm)) {
    const place = `${file} ${name}`
    listed.set(place, (listed.get(place) ?? 0) + Number(count))
  }
  return listed
}
