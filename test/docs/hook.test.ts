import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { parseArguments, resolveOptions } from '../../lib/hook/hook-arguments.ts'
import { ARGUMENTS } from '../oracle/arguments.ts'

const page = await readFile('docs/hook.md', 'utf8')
const [heads = [], , ...rows] = page
  .split('\n')
  .slice(page.split('\n').findIndex((line) => line.startsWith('| argument |')))
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')))
  .filter((_, at, all) => all.slice(0, at + 1).every((cells) => cells.length > 1))

describe('the table of arguments in docs/hook.md', () => {
  test('has every argument of the hook, and no empty cell', () => {
    const named = rows.flatMap(([argument = '']) =>
      [...argument.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    )
    expect(named.toSorted()).toEqual(ARGUMENTS.toSorted())
    for (const cells of rows) {
      expect(cells).toHaveLength(heads.length)
      for (const cell of cells) expect(cell.trim()).not.toBe('')
    }
  })

  test.each(rows.map((cells): [string, string] => [cells[0] ?? '', cells[4] ?? '']))(
    'has an example of %s that is followed or reported, and is no error',
    (argument, example) => {
      const given = JSON.parse(example.replaceAll('`', ''))
      expect(Object.keys(given).some((name) => argument.includes(`\`${name}\``))).toBe(true)
      expect(() => resolveOptions({}, parseArguments(given))).not.toThrow()
    },
  )
})
