/** Which versions of files a version of a marker stands for, whatever came in which order. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  contentsOf,
  directoryFingerprint,
  type FileHistory,
  type FileVersion,
  faultOf,
  type MarkerReading,
} from '../../../lib/checkpoint/directory-content.ts'

let count = 0
function version(seconds: number, sizeBytes = 1): FileVersion {
  count += 1
  return { versionId: `v${count}`, etag: `e${count}`, sizeBytes, seconds }
}

function history(...uploads: FileVersion[]): FileHistory {
  return { uploads, isDeleted: false }
}

function marker(seconds: number, ...names: string[]): MarkerReading {
  const files = names.map((name) => ({ name, size: { leastBytes: 1 } }))
  return { version: version(seconds), files }
}

function idsOf(markers: MarkerReading[], histories: Record<string, FileHistory>): string[][] {
  const contents = contentsOf(markers, new Map(Object.entries(histories)))
  return contents.map((content) => [...content.values()].map(({ versionId }) => versionId))
}

describe('a marker stands for', () => {
  const [a1, b1, a2, b2] = [version(10), version(12), version(30), version(32)]
  const histories = { a: history(a1, a2), b: history(b1, b2) }
  const [first, second] = [
    [a1.versionId, b1.versionId],
    [a2.versionId, b2.versionId],
  ]

  test.each([
    ['came last', 13, 33],
    ['came first', 9, 29],
    ['came in between', 11, 31],
    ['came last, then first', 13, 29],
    ['came first, then last', 9, 33],
  ])('its own uploads, where it %s', (_, one, two) => {
    expect(idsOf([marker(one, 'a', 'b'), marker(two, 'a', 'b')], histories)).toEqual([
      first,
      second,
    ])
  })

  test('what was there before it, where nothing was uploaded again', () => {
    const markers = [marker(13, 'a', 'b'), marker(20, 'a', 'b')]
    expect(idsOf(markers, { a: history(a1), b: history(b1) })).toEqual([first, first])
  })

  test('what is new and what is old, where a part was uploaded again before it', () => {
    const markers = [marker(13, 'a', 'b'), marker(33, 'a', 'b')]
    const found = idsOf(markers, { a: history(a1, a2), b: history(b1) })
    expect(found).toEqual([first, [a2.versionId, b1.versionId]])
  })

  test('what was there when it was restored, and nothing of the save after it', () => {
    const restored = { ...marker(20, 'a', 'b'), restores: 'v1' }
    const markers = [marker(13, 'a', 'b'), restored, marker(29, 'a', 'b')]
    expect(idsOf(markers, histories)).toEqual([first, first, second])
  })

  test('other files than the marker before it', () => {
    const markers = [marker(13, 'a'), marker(33, 'b')]
    expect(idsOf(markers, histories)).toEqual([[a1.versionId], [b2.versionId]])
  })
})

test('each save stands for its own uploads, in whatever order they come', () => {
  const names = ['a', 'b', 'c']
  const order = fc.shuffledSubarray(['marker', ...names], { minLength: 4 })
  fc.assert(
    fc.property(fc.array(order, { minLength: 1, maxLength: 4 }), (saves) => {
      const markers: MarkerReading[] = []
      const uploads = new Map(names.map((name): [string, FileVersion[]] => [name, []]))
      const wanted: string[][] = []
      let seconds = 100
      for (const save of saves) {
        for (const name of save) {
          seconds += 1
          if (name === 'marker') markers.push(marker(seconds, ...names))
          else uploads.get(name)?.push(version(seconds))
        }
        wanted.push(names.map((name) => uploads.get(name)?.at(-1)?.versionId ?? ''))
        const histories = [...uploads].map(([name, each]) => [name, history(...each)])
        expect(idsOf(markers, Object.fromEntries(histories))).toEqual(wanted)
      }
    }),
  )
})

describe('a directory', () => {
  const a = version(10, 5)
  const reading: MarkerReading = {
    version: version(20),
    files: [
      { name: 'a', size: { exactBytes: 5 } },
      { name: 'b', size: { leastBytes: 3 } },
    ],
  }
  const faultWith = (b: FileHistory | undefined, isCurrent = true) => {
    const histories = new Map([['a', history(a)], ...(b ? [['b', b] as const] : [])])
    const [content = new Map()] = contentsOf([reading], histories)
    return faultOf(reading, content, histories, isCurrent)
  }

  test.each([3, 4])(
    'is whole with files as large as its marker says, or as it needs: %d',
    (size) => {
      expect(faultWith(history(version(10, size)))).toBeUndefined()
    },
  )

  test('waits for what is not there', () => {
    expect(faultWith(undefined)?.reason).toBe('waits for 1 of its 2 files: b')
  })

  test('is torn with a file that is too small', () => {
    expect(faultWith(history(version(10, 2)))?.reason).toMatch(/b has 2 bytes, .* at least 3/)
  })

  test('is torn with a file that was deleted since, unless it is deleted itself', () => {
    const deleted = { uploads: [version(10, 3)], isDeleted: true }
    expect(faultWith(deleted)).toEqual({
      reason: 'lacks 1 of its 2 files: b, deleted since',
      removed: 1,
    })
    expect(faultWith(deleted, false)).toBeUndefined()
  })

  test('is torn with a file that was overwritten since, not with one that came again', () => {
    const before = version(10, 3)
    expect(faultWith(history(before, version(30, 3)))?.reason).toMatch(/b were uploaded again/)
    expect(
      faultWith(history(before, { ...before, versionId: 'again', seconds: 30 })),
    ).toBeUndefined()
  })
})

describe('a fingerprint', () => {
  const content = new Map([['a', version(10)]])
  const [one, other] = [marker(20, 'a'), marker(20, 'a')]

  test('tells files apart by their ETags', () => {
    const changed = new Map([['a', version(10)]])
    expect(directoryFingerprint('.complete.json', one, content)).not.toBe(
      directoryFingerprint('.complete.json', one, changed),
    )
  })

  test('counts the marker where it is a part of the checkpoint', () => {
    const print = directoryFingerprint
    expect(print('.complete.json', one, content)).toBe(print('.complete.json', other, content))
    expect(print('.metadata', one, content)).not.toBe(print('.metadata', other, content))
  })
})
