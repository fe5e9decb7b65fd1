import { describe, expect, test } from 'vitest'
import { filesIn } from '../../../lib/checkpoint/directory-marker.ts'

const read = (value: unknown) =>
  filesIn('.complete.json', Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const listing = (...names: string[]) => ({ files: names.map((name) => ({ name, size: 1 })) })

describe('a .complete.json', () => {
  test('names files and sizes, in order of their names', () => {
    const files = [
      { name: 'b.bin', size: 2 },
      { name: 'deep/a.bin', size: 0 },
      { name: 'a.bin', size: 1 },
    ]
    expect(read({ files, written_by: 'a client' })).toEqual([
      { name: 'a.bin', size: { exactBytes: 1 } },
      { name: 'b.bin', size: { exactBytes: 2 } },
      { name: 'deep/a.bin', size: { exactBytes: 0 } },
    ])
  })

  test.each([
    ['no JSON', 'half of {'],
    ['a list', []],
    ['no list of files', { files: { name: 'a', size: 1 } }],
    ['no files', { files: [] }],
    ['a file without a name', { files: [{ size: 1 }] }],
    ['a size as text', { files: [{ name: 'a', size: '1' }] }],
    ['a size below zero', { files: [{ name: 'a', size: -1 }] }],
    ['a size between two bytes', { files: [{ name: 'a', size: 0.5 }] }],
    ['a file twice', listing('a', 'a')],
    ['itself', listing('a', '.complete.json')],
    ['a file above the directory', listing('../epoch_1.pth')],
    ['an absolute path', listing('/etc/passwd')],
    ['a folder', listing('deep/')],
    ['a lone surrogate', listing('\ud800')],
  ])('with %s is refused, and says where', (_, value) => {
    expect(() => read(value)).toThrow(/^\.complete\.json/)
  })
})
