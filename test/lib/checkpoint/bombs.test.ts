import { describe, expect, test } from 'vitest'
import { filesInDcpMetadata } from '../../../lib/checkpoint/dcp-metadata.ts'
import { inspectCheckpoint } from '../../../lib/checkpoint/inspect.ts'
import { readerOver } from '../../../lib/checkpoint/range-reader.ts'
import { assemble, planOutput } from '../../../lib/checkpoint/rewrite.ts'
import { complaintOf } from '../../fixtures/complaint.ts'
import {
  call,
  dict,
  floatTensor,
  global,
  int,
  type Piece,
  pickleOf,
  text,
  tuple,
} from '../../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../../fixtures/zip-bytes.ts'

/**
 * Small files that would keep a reader busy for hours, or fill its memory, were each use of a shared value
 * looked at anew. None of them may take longer than a large file does: each test ends, or its time-out tells.
 */
const MANY = 50_000
const HUGE = 'x'.repeat(4_000_000)

async function workOn(pickle: Uint8Array): Promise<string> {
  const file = checkpointOf(pickle, { 0: new Uint8Array(8), 1: new Uint8Array(800) })
  await inspectCheckpoint(readerOver(file)).catch(() => undefined)
  const verdicts = []
  for (const format of ['pth', 'safetensors'] as const) {
    const verdict = await complaintOf(async () => {
      const plan = await planOutput(readerOver(file), {
        wanted: (key) => key !== 'optimizer',
        format,
      })
      for await (const chunk of assemble(readerOver(file), plan)) void chunk
    })
    verdicts.push(verdict)
  }
  return verdicts.join(', ')
}

/** A value in the memo, thrown from the stack, to be fetched again by `GET`. */
const remembered = (...piece: readonly Piece[]): Piece => [piece, 'q\x01', '0']
const GET = 'h\x01'
const storage = (key: Piece): Piece => [
  tuple(text('storage'), global('torch', 'FloatStorage'), key, text('cpu'), int(2)),
  'Q',
]
const tensor = (of: Piece, shape: Piece): Piece =>
  call('torch._utils', '_rebuild_tensor_v2', of, int(0), shape, shape, '\x89', 'N')
const times = (piece: Piece, count: number): Piece => {
  const bytes = pickleOf(piece).slice(2, -1)
  return Buffer.concat(Array<Uint8Array>(count).fill(bytes))
}

describe('a small file stays a small matter where', () => {
  test.each<[string, () => Piece[], string]>([
    [
      'one long text is the key of every entry',
      () => [remembered(text(HUGE)), '}(', times([GET, 'N'], MANY), 'u'],
      'fine, not-expressible',
    ],
    [
      'one long text is the key of every storage',
      () => [
        remembered(text(HUGE)),
        dict({ state_dict: [']', '(', times(storage(GET), MANY), 'e'] }),
      ],
      'bad-storage, no-top-level-dict',
    ],
    [
      'one long text names every global',
      () => [remembered(text(HUGE)), times([GET, GET, '\x930'], MANY), 'N'],
      'bad-pickle, bad-pickle',
    ],
    [
      'one long text is every attribute',
      () => [
        remembered(text(HUGE)),
        times(
          [call('__builtin__', 'getattr', global('collections', 'OrderedDict'), GET), '0'],
          MANY,
        ),
        'N',
      ],
      'forbidden-global, forbidden-global',
    ],
    [
      'one long integer is every item',
      () => {
        const long = Buffer.alloc(5 + HUGE.length)
        long.write('\x8b', 0, 'latin1')
        long.writeUInt32LE(HUGE.length, 1)
        return [remembered(long), dict({ meta: ['](', times(GET, MANY), 'e'] })]
      },
      'too-large, not-expressible',
    ],
    [
      'one long shape is that of every tensor',
      () => [
        remembered('(', times(int(1), MANY), 't'),
        dict({ state_dict: ['](', times(tensor(storage(text('0')), GET), MANY / 4), 'e'] }),
      ],
      'bad-storage, no-top-level-dict',
    ],
    [
      'one long list is every item',
      () => [
        remembered('](', times(int(1), MANY), 'e'),
        dict({ meta: ['](', times(GET, MANY), 'e'], state_dict: '}' }),
      ],
      'fine, fine',
    ],
    [
      'one object has every item by a change of its own',
      () => [
        dict({
          meta: [call('collections', 'deque'), times(']a', MANY)],
          state_dict: [call('collections', 'OrderedDict'), times([text('k'), ']s'], MANY)],
        }),
      ],
      'fine, not-expressible',
    ],
    [
      'every global lies at the end of a long chain',
      () => [
        times(']', MANY),
        '(',
        Array.from({ length: 9000 }, (_, n) => global('torch', `T${n}`)),
        'e',
        times('a', MANY - 1),
      ],
      'forbidden-global, forbidden-global',
    ],
    [
      'a hundred thousand names are one tensor',
      () => [
        remembered(floatTensor('1', 200)),
        dict({
          state_dict: ['}(', Array.from({ length: 100_000 }, (_, n) => [text(`w${n}`), GET]), 'u'],
        }),
      ],
      'fine, not-expressible',
    ],
  ])('%s', async (_, pieces, verdicts) => {
    expect(await workOn(pickleOf(...pieces()))).toBe(verdicts)
  })

  test('one long state is that of every piece of a .metadata', async () => {
    const info = [
      global('torch.distributed.checkpoint.filesystem', '_StorageInfo'),
      ')\x81',
      GET,
      'b',
    ]
    const entries = Array.from({ length: 50_000 }, (_, n) => [text(`k${n}`), int(1)])
    const bytes = pickleOf(
      remembered('}(', entries, 'u'),
      [global('torch.distributed.checkpoint.metadata', 'Metadata'), ')\x81'],
      dict({ storage_data: ['}(', times([int(1), info], MANY), 'u'] }),
      'b',
    )
    expect(await complaintOf(() => filesInDcpMetadata(bytes))).toBe('bad-marker')
  })
})
