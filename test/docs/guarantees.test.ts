/** The page of guarantees names tests: each exists, under the very title that the page quotes. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))
const page = readFileSync(resolve(DOCS, 'guarantees.md'), 'utf8')

const named = [...page.matchAll(/^- \[[^\]]+\]\((\.\.\/test\/[^)]+)\)(?:: "(.+)")?$/gm)].map(
  ([, path = '', title]) => ({ path, title }),
)

describe('a guarantee', () => {
  test('is each defended by a test', () => {
    const unpromised = ['What you can rely on', 'Conditions', 'What is not promised']
    for (const section of page.split(/^##? /m).slice(1)) {
      const [name = ''] = section.split('\n', 1)
      if (unpromised.includes(name)) continue
      for (const promise of section.split(/^(?=\*\*)/m).slice(1)) {
        expect(promise, name).toMatch(/^- \[/m)
      }
    }
    expect(named.length).toBeGreaterThan(40)
  })

  test.each(named)('names $path, and in it "$title"', ({ path, title }) => {
    const source = unquoted(readFileSync(resolve(DOCS, path), 'utf8'))
    expect(source).toMatch(/\b(test|it|describe)(\.each)?\(/)
    if (title !== undefined) expect(source).toContain(unquoted(title))
  })
})

/** As a title stands in the source and on the page, whichever quotes are around it. */
function unquoted(text: string): string {
  return text.replaceAll(/\\?['"`’]/g, '')
}
