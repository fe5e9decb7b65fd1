import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  childrenOf,
  type GlobalNode,
  type PickleNode,
  stringNode,
} from '../../../../lib/checkpoint/pickle/node.ts'
import { readPickle } from '../../../../lib/checkpoint/pickle/read-pickle.ts'
import { writePickle } from '../../../../lib/checkpoint/pickle/write-pickle.ts'
import { complaintOf } from '../../../fixtures/complaint.ts'
import { pickleOf } from '../../../fixtures/pickle-bytes.ts'

describe('a written pickle', () => {
  test('reads back as the same graph, with the same nodes shared', () => {
    fc.assert(
      fc.property(graphs(), (root) => {
        expect(difference(root, readPickle(writePickle(root)).root)).toBeUndefined()
      }),
      { numRuns: 2000, seed: 11 },
    )
  })

  test('is the same when it is read and written again (invariant 12)', () => {
    fc.assert(
      fc.property(graphs(), (root) => {
        const once = writePickle(root)
        expect(Buffer.from(writePickle(readPickle(once).root)).equals(once)).toBe(true)
      }),
      { numRuns: 1000, seed: 12 },
    )
  })

  test('puts 1,000 items into a batch and a lone item into none', () => {
    const list = (count: number): PickleNode => ({
      kind: 'list',
      items: Array(count).fill({ kind: 'none' }),
    })
    const latin1 = (count: number) => Buffer.from(writePickle(list(count))).toString('latin1')
    expect(latin1(1)).toBe('\x80\x02]Na.')
    expect(latin1(1001)).toBe(`\x80\x02](${'N'.repeat(1000)}eNa.`)
  })

  test("says newer protocols' bytes and sets as calls that protocol 2 knows", () => {
    const latin1 = (node: PickleNode) => Buffer.from(writePickle(node)).toString('latin1')
    expect(latin1({ kind: 'bytes', data: Uint8Array.of(0xff) })).toBe(
      '\x80\x02c_codecs\nencode\nX\x02\0\0\0\xc3\xbfX\x06\0\0\0latin1\x86R.',
    )
    expect(latin1({ kind: 'set', items: [] })).toBe('\x80\x02c__builtin__\nset\n]\x85R.')
  })

  test('holds a tuple that contains itself without POP, which the weights-only loader lacks', () => {
    // t = ([t],) as Python writes it.
    const root = readPickle(pickleOf(']q\0(h\0\x85q\x01e')).root
    const bytes = writePickle(root)
    expect(difference(root, readPickle(bytes).root)).toBeUndefined()
    expect(bytes.includes(0x30) || bytes.includes(0x31)).toBe(false)
  })
})

describe('what protocol 2 has no way to write is refused:', () => {
  test('a set that contains itself', async () => {
    const items: PickleNode[] = []
    const set: PickleNode = { kind: 'set', items }
    items.push({ kind: 'tuple', items: [set] })
    expect(await complaintOf(() => writePickle(set))).toBe('not-expressible')
  })

  test('a dotted name', async () => {
    const dotted: PickleNode = { kind: 'global', module: 'torch', name: 'Tensor.mean' }
    expect(await complaintOf(() => writePickle(dotted))).toBe('not-expressible')
  })

  test('values nested deeper than the limit, without exhausting the stack', async () => {
    let node: PickleNode = { kind: 'none' }
    for (let depth = 0; depth < 50_000; depth += 1) node = { kind: 'tuple', items: [node] }
    expect(await complaintOf(() => writePickle(node))).toBe('too-deep')
  })
})

/** A reader gives one node for one name, however often it is written. */
const ORDERED_DICT: GlobalNode = { kind: 'global', module: 'collections', name: 'OrderedDict' }

/** Graphs by a list of instructions; each may refer to any node made before it, containers to any at all. */
function graphs(): fc.Arbitrary<PickleNode> {
  const leaf: fc.Arbitrary<PickleNode> = fc.oneof(
    fc.constant<PickleNode>({ kind: 'none' }),
    fc.boolean().map((value): PickleNode => ({ kind: 'bool', value })),
    fc.integer().map((value): PickleNode => ({ kind: 'int', value })),
    fc
      .uint8Array({ maxLength: 300 })
      .map((littleEndian): PickleNode => ({ kind: 'long', littleEndian })),
    fc
      .uint8Array({ minLength: 8, maxLength: 8 })
      .map((bigEndian): PickleNode => ({ kind: 'float', bigEndian })),
    fc.string({ unit: 'binary' }).map(stringNode),
    fc.uint8Array({ maxLength: 300 }).map((data): PickleNode => ({ kind: 'py2-string', data })),
    fc.constant(ORDERED_DICT),
  )
  const made = fc.record({
    kind: fc.constantFrom('tuple', 'list', 'dict', 'object', 'persistent'),
    picks: fc.array(fc.nat(1000), { maxLength: 6 }),
    later: fc.array(fc.nat(1000), { maxLength: 2 }),
  })
  return fc
    .tuple(fc.array(leaf, { minLength: 1, maxLength: 8 }), fc.array(made, { maxLength: 15 }))
    .map(([leaves, instructions]) => {
      const nodes: PickleNode[] = [...leaves]
      const fillers: (() => void)[] = []
      const pick = (n: number): PickleNode => nodes[n % nodes.length] ?? { kind: 'none' }
      for (const { kind, picks, later } of instructions) {
        const items = picks.map(pick)
        if (kind === 'tuple') nodes.push({ kind, items })
        else if (kind === 'persistent')
          nodes.push({ kind, id: { kind: 'tuple', items: [pick(0)] } })
        else if (kind === 'list') {
          const list: PickleNode = { kind, items }
          nodes.push(list)
          fillers.push(() => items.push(...later.map(pick)))
        } else if (kind === 'dict') {
          const entries = items.flatMap((item, index) => [stringNode(`k${index}`), item])
          nodes.push({ kind, entries })
          fillers.push(() => {
            for (const n of later) entries.push(stringNode(`later${n}`), pick(n))
          })
        } else {
          const appended = [...items]
          nodes.push({
            kind: 'object',
            how: 'call',
            callee: ORDERED_DICT,
            args: { kind: 'tuple', items: [] },
            changes: [{ kind: 'appends', items: appended }],
          })
          fillers.push(() => appended.push(...later.map(pick)))
        }
      }
      for (const fill of fillers) fill()
      return { kind: 'tuple', items: nodes }
    })
}

/** Where two graphs differ in kind, value or sharing; undefined where they do not. */
function difference(left: PickleNode, right: PickleNode): string | undefined {
  const twins = new Map<PickleNode, PickleNode>()
  const pending: [PickleNode, PickleNode][] = [[left, right]]
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [ours, theirs] = pair
    if (ours.kind !== theirs.kind) return `${ours.kind} became ${theirs.kind}`
    const children = childrenOf(ours)
    const others = childrenOf(theirs)
    if (children.length !== others.length) return `${ours.kind} has ${others.length} children`
    if (children.length === 0 && ours.kind !== 'list' && ours.kind !== 'dict') {
      const isSame = JSON.stringify(plainValue(ours)) === JSON.stringify(plainValue(theirs))
      if (!isSame) return `${ours.kind} changed its value`
      continue
    }
    const twin = twins.get(ours)
    if (twin !== undefined && twin !== theirs) return `a shared ${ours.kind} became two`
    if (twin !== undefined) continue
    twins.set(ours, theirs)
    children.forEach((child, index) => {
      const other = others[index]
      if (other !== undefined) pending.push([child, other])
    })
  }
  return new Set(twins.values()).size === twins.size ? undefined : 'two nodes became one'
}

function plainValue(node: PickleNode): unknown {
  return Object.entries(node).map(([field, value]) => [
    field,
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ])
}
