import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { ckptHere } from './ckpt-here.ts'

const here = { env: {} }
let script: string

beforeAll(async () => {
  script = (await ckptHere(['completion', 'bash'], here)).out
})

/** What bash offers after these words, of which the last is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const asked = `${script}
    COMP_WORDS=(ckpt ${quoted}); COMP_CWORD=${words.length}; _ckpt
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', asked])
  return stdout.split('\n').filter((line) => line !== '')
}

describe('bash completes', () => {
  test('commands', async () => {
    expect(await offered('re')).toEqual(['resume', 'restore', 'rebuild'])
    expect(await offered('')).toEqual(expect.arrayContaining(['best', 'push', '--json']))
  })

  test('options of the command that is named, those for all too', async () => {
    expect(await offered('download', '--')).toEqual(
      expect.arrayContaining(['--best', '--output', '--stack', '--json']),
    )
    expect(await offered('best', '--ou')).toEqual([])
  })

  test('after options that stand before the command', async () => {
    expect(await offered('--region', 'eu-west-1', '--json', 'download', '--out')).toEqual([
      '--output',
    ])
  })

  test('values that are one of a few', async () => {
    expect(await offered('leaderboard', 'acc', '--rule', '')).toEqual(['greater', 'less'])
  })

  test('nothing of its own where a value, a run or a file is typed', async () => {
    expect(await offered('--region', '')).toEqual([])
    expect(await offered('push', 'epo')).toEqual([])
  })
})

test('zsh is told every command and option, with what each does', async () => {
  const { out } = await ckptHere(['completion', 'zsh'], here)
  expect(out).toMatch(/^#compdef ckpt\n/)
  expect(out).toContain("'best:print where the best checkpoint of a run is'")
  expect(out).toMatch(/ {8}leaderboard\) _arguments .*--rule'\[.*\]: :\(greater less\)'/)
  expect(out).toMatch(/\{-o,--output\}'\[/)
})

test('another shell is refused with those that there are', async () => {
  await expect(ckptHere(['completion', 'fish'], here)).rejects.toThrow('bash, zsh')
})
