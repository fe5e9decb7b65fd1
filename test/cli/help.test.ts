import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXIT_CODES } from '../../cli/failure.ts'
import { ckpt, type Ended } from './run-ckpt.ts'

let page: string
/** What `--help` says, by what stands before it on the command line. */
let helps: Map<string, Ended>

beforeAll(async () => {
  page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const { out } = await ckpt(['--help'])
  const listed = out.slice(out.indexOf('Commands:')).split('\n\n')[0] ?? ''
  const commands = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name)
  const named = ['', ...commands.filter((name) => name !== 'help')]
  const asked = named.map(async (name): Promise<[string, Ended]> => {
    return [name, await ckpt(name === '' ? ['--help'] : [name, '--help'])]
  })
  helps = new Map(await Promise.all(asked))
})

describe('the help', () => {
  test('of the command and of each of its commands is what docs/cli.md says, to the letter', async () => {
    expect([...helps.keys()]).toContain('inspect')
    for (const [name, { code, out }] of helps) {
      expect(code).toBe(0)
      const line = ['ckpt', name, '--help'].filter((each) => each !== '').join(' ')
      expect(page).toContain(`\`\`\`text\n$ ${line}\n${out}\`\`\``)
    }
  })

  test('is what the command prints when it is told nothing', async () => {
    expect(await ckpt([])).toEqual(helps.get(''))
  })

  test('is no wider than a terminal of 110 columns', () => {
    for (const { out } of helps.values()) {
      for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(110)
    }
  })

  test('lists every exit code', () => {
    const { out } = helps.get('') ?? { out: '' }
    for (const { code, means } of Object.values(EXIT_CODES)) {
      expect(out).toMatch(new RegExp(`^ {2}${code} +${RegExp.escape(means)}$`, 'm'))
    }
  })
})

describe('a mistake on the command line', () => {
  test.each([
    [['inspekt', 'a.pth'], 'Did you mean inspect?'],
    [['inspect', 'a.pth', '--stat'], 'Did you mean --stats?'],
    [['publish', 'a.pth', '--kys', 'meta'], 'Did you mean --keys?'],
    [['publish', 'a.pth'], '--keys is missing'],
    [['publish', 'a.pth', '--keys', 'meta,,x'], 'A key is empty'],
    [['publish', 'a.pth', '--keys', '[1]'], 'a JSON list of texts'],
    [['inspect'], "missing required argument 'checkpoint'"],
    [['inspect', 'a.pth', 'b.pth'], 'too many arguments'],
    [['inspect', 'a.pth', '--allow-global', 'name'], 'package.module.Name'],
  ])('%j: ends with 2, says what is meant, and where to read on', async (args, words) => {
    const { code, out, err } = await ckpt(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(words)
    expect(err).toMatch(/ckpt [a-z]* ?--help|`ckpt inspect`/)
  })

  test('is JSON where JSON was asked for', async () => {
    const { code, out, err } = await ckpt(['inspect', 'a.pth', '--stat', '--json'])
    expect([code, out]).toEqual([2, ''])
    expect(JSON.parse(err)).toMatchObject({
      error: { message: "unknown option '--stat'", exit_code: 2 },
    })
  })
})
