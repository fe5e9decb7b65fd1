import { describe, expect, test } from 'vitest'
import { allowing, dottedName, globalNamed } from '../../../../lib/checkpoint/pickle/allow-list.ts'
import { globalsIn, refuseForbidden } from '../../../../lib/checkpoint/pickle/globals.ts'
import { readPickle } from '../../../../lib/checkpoint/pickle/read-pickle.ts'
import { complaintOf } from '../../../fixtures/complaint.ts'
import {
  call,
  dict,
  global,
  int,
  type Piece,
  pickleOf,
  text,
  tuple,
} from '../../../fixtures/pickle-bytes.ts'

const findings = (...pieces: readonly Piece[]) =>
  globalsIn(readPickle(pickleOf(...pieces)))
    .filter(({ allowed }) => !allowed)
    .map(({ module, name, path }) => `${module}.${name} at ${path}`)

const HISTORY = 'mmengine.logging.history_buffer'

describe('a name outside the allow-list is found, with its place,', () => {
  test.each<[string, Piece, string]>([
    ['called by REDUCE', call('os', 'system', text('id')), 'os.system at ()'],
    ["by Python 2's name", call('__builtin__', 'eval', text('1')), '__builtin__.eval at ()'],
    ['by its name today', call('builtins', 'exec', text('1')), 'builtins.exec at ()'],
    [
      'deep within a value',
      dict({ meta: tuple(int(1), dict({ cfg: global('posix', 'system') })) }),
      'posix.system at meta[1].cfg',
    ],
    ['as a key', ['}', global('sys', 'modules'), int(1), 's'], 'sys.modules at (key)'],
    [
      'as a class for NEWOBJ',
      [global('subprocess', 'Popen'), tuple(text('id')), '\x81'],
      'subprocess.Popen at ()',
    ],
    [
      'as an argument of an allowed call',
      call('collections', 'defaultdict', global('os', 'getcwd')),
      'os.getcwd at (args)[0]',
    ],
    [
      'in a state for BUILD',
      [call('collections', 'OrderedDict'), dict({ x: global('os', 'abort') }), 'b'],
      'os.abort at (state).x',
    ],
    ['thrown away at once', [call('os', 'system', text('id')), '0N'], 'os.system at (discarded)'],
    ['kept in the memo alone', [global('os', 'system'), 'q\x01', '0N'], 'os.system at (discarded)'],
    [
      'put together by STACK_GLOBAL',
      ['\x8c\x02os\x8c\x06system\x93'],
      'os.system at (the whole value)',
    ],
    [
      'fetched from the memo',
      [text('os'), 'q\x010h\x01', text('system'), '\x93'],
      'os.system at (the whole value)',
    ],
    [
      'that an allowed name begins',
      global('torch', 'Tensor.__reduce__'),
      'torch.Tensor.__reduce__ at (the whole value)',
    ],
    ['that begins an allowed name', global('torch', 'Float'), 'torch.Float at (the whole value)'],
    [
      'that every object has',
      global('constructor', 'toString'),
      'constructor.toString at (the whole value)',
    ],
  ])('%s', (_, piece, finding) => {
    expect(findings(piece)).toEqual([finding])
  })
})

describe('getattr', () => {
  const getattr = (...args: readonly Piece[]) => call('__builtin__', 'getattr', ...args)
  test("is allowed for the methods that MMEngine's HistoryBuffer pickles", () => {
    expect(findings(getattr(global(HISTORY, 'HistoryBuffer'), text('mean')))).toEqual([])
  })

  test.each<[string, Piece]>([
    ['another attribute', getattr(global(HISTORY, 'HistoryBuffer'), text('__init__'))],
    ['another class', getattr(global('collections', 'OrderedDict'), text('mean'))],
    [
      'another attribute, thrown away',
      [getattr(global(HISTORY, 'HistoryBuffer'), text('__init__')), '0N'],
    ],
    ['nothing yet', global('__builtin__', 'getattr')],
  ])('is found where it is for %s', (_, piece) => {
    expect(findings(piece)).toHaveLength(1)
  })
})

describe('what would change the reading program is no pickle at all:', () => {
  test.each<[string, Piece]>([
    ['BUILD on a class', [global('collections', 'OrderedDict'), dict({ get: int(1) }), 'b']],
    [
      'items set in a function',
      [global('torch._utils', '_rebuild_tensor'), text('a'), int(1), 's'],
    ],
    ['a call of what a call returned', [call('collections', 'OrderedDict'), tuple(), 'R']],
    ['a call of a text', [text('os.system'), tuple(), 'R']],
    [
      'a change of arguments after the call',
      [']q\x01', '0', call('builtins', 'set', 'h\x01'), '0h\x01', int(1), 'a'],
    ],
  ])('%s', async (_, piece) => {
    expect(await complaintOf(() => readPickle(pickleOf(piece)))).toBe('bad-pickle')
  })
})

describe('a name that somebody permits', () => {
  const permitted = (text: string, ...pieces: readonly Piece[]) => {
    const named = globalNamed(text)
    if (named === undefined) throw new Error(`${text} names nothing`)
    return globalsIn(readPickle(pickleOf(...pieces), allowing([named])), [named])
      .filter(({ allowed, byOption }) => !allowed || byOption)
      .map((each) => [dottedName(each), each.allowed])
  }

  test.each<[string, string, Piece]>([
    ['of a module', 'my.project.Thing', global('my.project', 'Thing')],
    ['of a class within a class', 'my.project.Outer.Inner', global('my.project', 'Outer.Inner')],
    ["by Python 2's name of its module", 'builtins.type', global('__builtin__', 'type')],
    [
      "of a method, as protocol 2 writes it, beside its class's",
      'my.project.Thing.load',
      call('__builtin__', 'getattr', global('my.project', 'Thing'), text('load')),
    ],
  ])('%s is allowed, and is known to be so by option', (_, name, piece) => {
    expect(permitted(name, piece)).toContainEqual([name, true])
  })

  test.each<[string, Piece]>([
    ['another name of its module', global('my.project', 'Thin')],
    ['what lies in it', global('my.project', 'Thing.load')],
    ['what it lies in', global('my', 'project')],
    ['the same of another module', global('not.my.project', 'Thing')],
  ])('does not allow %s', (_, piece) => {
    expect(permitted('my.project.Thing', piece)).toEqual([[expect.any(String), false]])
  })

  test.each(['', 'Thing', '.Thing', 'a.', 'a..b', 'a.*', 'a.b c', 'a.b\n', '1a.b', 'a,b.c'])(
    'is not written %j',
    (name) => {
      expect(globalNamed(name)).toBeUndefined()
    },
  )
})

test('a refusal lists the names and their places', () => {
  const graph = readPickle(pickleOf(dict({ meta: call('os', 'system', text('id')) })))
  expect(() => refuseForbidden(globalsIn(graph))).toThrow('found os.system at meta().')
})
