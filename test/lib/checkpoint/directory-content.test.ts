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
  possibleCopies,
  versionsHash,
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

function idsOf(
  markers: MarkerReading[],
  histories: Record<string, FileHistory>,
  copies: FileVersion[] = [],
): string[][] {
  const ids = new Set(copies.map(({ versionId }) => versionId))
  const contents = contentsOf(markers, new Map(Object.entries(histories)), ids)
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

  test('what earlier markers do not, also where the one right before it was restored of an old one', () => {
    const [one, two] = [marker(13, 'a', 'b'), marker(33, 'a', 'b')]
    const restored = { ...marker(40, 'a', 'b'), restores: one.version.versionId, holds: 'of these' }
    const [a3, b3] = [version(50), version(52)]
    const found = idsOf([one, two, restored, marker(45, 'a', 'b')], {
      a: history(a1, a2, a3),
      b: history(b1, b2, b3),
    })
    expect(found).toEqual([first, second, first, [a3.versionId, b3.versionId]])
  })

  test('other files than the marker before it', () => {
    const markers = [marker(13, 'a'), marker(33, 'b')]
    expect(idsOf(markers, histories)).toEqual([[a1.versionId], [b2.versionId]])
  })
})

describe('over files that the hub brought back', () => {
  const [a1, b1] = [version(10), version(12)]
  const one = marker(13, 'a', 'b')
  const copyOf = (file: FileVersion, seconds: number) => ({ ...version(seconds), etag: file.etag })
  const ids = (...files: FileVersion[]) => files.map(({ versionId }) => versionId)
  const restoredOf = (a: FileVersion, b: FileVersion): MarkerReading => ({
    ...marker(24, 'a', 'b'),
    restores: one.version.versionId,
    holds: versionsHash(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    ),
  })

  test.each<[string, (file: FileVersion, seconds: number) => FileVersion]>([
    ['of the same ETag', copyOf],
    ['of another ETag, as of what was uploaded in parts', (_, seconds) => version(seconds)],
  ])('a restored marker stands for copies %s', (_, copy) => {
    const [a, b] = [copy(a1, 20), copy(b1, 21)]
    const histories = { a: history(a1, a), b: history(b1, b) }
    expect(idsOf([one, restoredOf(a, b)], histories)).toEqual([ids(a1, b1), ids(a, b)])
  })

  test.each<[string, (file: FileVersion, seconds: number) => FileVersion, boolean]>([
    ['the copies', copyOf, true],
    ['what these were made of, where no ETag tells them', (_, seconds) => version(seconds), false],
  ])(
    'a restored marker stands for %s, and none of the save whose files were there before it',
    (...[, copy, isTold]) => {
      const [a, b] = [copy(a1, 20), copy(b1, 21)]
      const [a2, b2] = [version(22), version(23)]
      const histories = { a: history(a1, a, a2), b: history(b1, b, b2) }
      const found = idsOf([one, restoredOf(a, b), marker(25, 'a', 'b')], histories)
      expect(found).toEqual([ids(a1, b1), isTold ? ids(a, b) : ids(a1, b1), ids(a2, b2)])
    },
  )

  test('a restored marker that had come first of its save stands for the files of that, once all are there', () => {
    const [a, b] = [copyOf(a1, 20), copyOf(b1, 21)]
    const two = marker(15, 'a', 'b')
    const markers = [one, two, { ...restoredOf(a, b), restores: two.version.versionId }]
    const [a2, b2] = [version(30), version(32)]
    const begun = { a: history(a1, a, a2), b: history(b1, b) }
    const whole = { a: history(a1, a, a2), b: history(b1, b, b2) }
    expect(idsOf(markers, begun, [a, b])).toEqual([ids(a1, b1), ids(a1, b1), ids(a, b)])
    expect(idsOf(markers, whole, [a, b])).toEqual([ids(a1, b1), ids(a2, b2), ids(a2, b2)])
  })

  test('the marker of the next save stands for its own files, which come after it', () => {
    const [a, b] = [copyOf(a1, 20), copyOf(b1, 21)]
    const markers = [one, marker(25, 'a', 'b')]
    const [a2, b2] = [version(30), version(32)]
    const begun = { a: history(a1, a, a2), b: history(b1, b) }
    const whole = { a: history(a1, a, a2), b: history(b1, b, b2) }
    expect(idsOf(markers, begun, [a, b])).toEqual([ids(a1, b1), ids(a, b)])
    expect(idsOf(markers, whole, [a, b])).toEqual([ids(a1, b1), ids(a2, b2)])
  })

  test('it is to be told what is a copy: the same bytes, where others came after the marker', () => {
    const [a, b] = [copyOf(a1, 20), copyOf(b1, 21)]
    const markers = [one, marker(25, 'a', 'b')]
    const possible = (aUploads: FileVersion[], bUploads: FileVersion[]) => {
      const histories = new Map([
        ['a', history(...aUploads)],
        ['b', history(...bUploads)],
      ])
      return possibleCopies(markers, histories)
    }
    expect(possible([a1, a, version(30)], [b1, b])).toEqual([
      { name: 'a', version: a },
      { name: 'b', version: b },
    ])
    const late = copyOf(a1, 30)
    expect(possible([a1, late], [b1, version(40)])).toEqual([{ name: 'a', version: late }])
    expect(possible([a1, a], [b1, b])).toEqual([])
    expect(possible([a1, a, late], [b1, b])).toEqual([])
    expect(possible([a1, a, version(24)], [b1, b])).toEqual([])
    expect(possible([a1, version(20), version(30)], [b1, { ...b, sizeBytes: 2 }])).toEqual([])
    expect(possible([a1], [b1])).toEqual([])
    markers[1] = restoredOf(a, b)
    expect(possible([a1, a, version(30)], [b1, b])).toEqual([])
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
