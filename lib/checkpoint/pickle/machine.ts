import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { type Allows, isGlobal } from './allow-list.ts'
import { MAX_DEPTH } from './limits.ts'
import { Memo } from './memo.ts'
import {
  type DictNode,
  type GlobalNode,
  type ListNode,
  type ObjectNode,
  type PickleNode,
  type SetNode,
  shortTextOf,
  type TupleNode,
} from './node.ts'

/** The stack, the marks and the memo of the symbolic machine. */
export class PickleMachine {
  /** Where the opcode at work begins, in bytes from the start of the pickle. */
  offset = 0
  /** `getattr` where it was called for anything else than a method that the allow-list knows. */
  readonly strayCalls = new Set<GlobalNode>()
  readonly #stack: PickleNode[] = []
  /** How high the stack was at each mark: what lies below the last one is out of reach. */
  readonly #marks: number[] = []
  readonly #memo = new Memo()
  /** What a call or a BUILD has read by value; a change after that would make two readings of one pickle. */
  readonly #sealed = new Set<PickleNode>()
  readonly #allows: Allows

  constructor(allows: Allows) {
    this.#allows = allows
  }

  push(node: PickleNode): void {
    this.#stack.push(node)
  }

  pop(): PickleNode {
    const node = this.top()
    this.#stack.pop()
    return node
  }

  top(): PickleNode {
    const node = this.#reachable() > 0 ? this.#stack.at(-1) : undefined
    if (node === undefined) throw this.complaint('a value on the stack', 'none')
    return node
  }

  popItems(count: number): PickleNode[] {
    const reachable = this.#reachable()
    if (reachable < count) throw this.complaint(`${count} values on the stack`, `${reachable}`)
    return this.#popFrom(this.#stack.length - count)
  }

  mark(): void {
    if (this.#marks.length >= MAX_DEPTH) {
      throw new CheckpointFormatError({
        code: 'too-deep',
        field: `pickle, byte ${this.offset}`,
        expected: `at most ${MAX_DEPTH} values within each other`,
        found: 'more',
        meaning: 'No checkpoint nests so deep: the file is made to exhaust its reader.',
      })
    }
    this.#marks.push(this.#stack.length)
  }

  popToMark(): PickleNode[] {
    const height = this.#marks.pop()
    if (height === undefined) throw this.complaint('a mark on the stack', 'none')
    return this.#popFrom(height)
  }

  /** POP takes the mark itself where nothing lies on it. */
  discard(): void {
    if (this.#reachable() > 0) this.#stack.pop()
    else this.popToMark()
  }

  get(index: number): void {
    const node = this.#memo.get(index)
    if (node === undefined) throw this.complaint(`memo entry ${index}`, 'none')
    this.push(node)
  }

  put(index: number): void {
    this.#memo.set(index, this.top())
  }

  /** MEMOIZE numbers entries by how many there are. */
  memoize(): void {
    this.put(this.#memo.size)
  }

  append(items: PickleNode[]): void {
    const target = this.#changeable()
    if (target.kind === 'list') for (const item of items) target.items.push(item)
    else if (target.kind === 'object') target.changes.push({ kind: 'appends', items })
    else throw this.complaint('a list to append to', target.kind)
  }

  setItems(entries: PickleNode[]): void {
    if (entries.length % 2 !== 0)
      throw this.complaint('keys and values in turn', `${entries.length} values`)
    const target = this.#changeable()
    if (target.kind === 'dict') for (const entry of entries) target.entries.push(entry)
    else if (target.kind === 'object') target.changes.push({ kind: 'setitems', entries })
    else throw this.complaint('a dict to set items in', target.kind)
  }

  addItems(items: PickleNode[]): void {
    const target = this.#changeable()
    if (target.kind !== 'set') throw this.complaint('a set to add to', target.kind)
    for (const item of items) target.items.push(item)
  }

  build(state: PickleNode): void {
    const target = this.#changeable()
    // On a class or function, BUILD would change the program that reads the file.
    if (target.kind !== 'object') throw this.complaint('an object to give a state to', target.kind)
    this.#sealed.add(state)
    if (state.kind === 'tuple') for (const part of state.items) this.#sealed.add(part)
    target.changes.push({ kind: 'build', state })
  }

  call(how: ObjectNode['how']): void {
    const args = this.pop()
    const callee = this.pop()
    if (args.kind !== 'tuple') throw this.complaint('a tuple of arguments', args.kind)
    // Results of calls, called in turn, are how a hostile pickle gets around lists of names.
    if (callee.kind !== 'global')
      throw this.complaint('a call of a global', `a call of a ${callee.kind}`)
    this.#seal(args)
    if (isGlobal(callee, 'builtins', 'getattr')) {
      const method = methodNamed(args, this.#allows)
      if (method !== undefined) {
        this.push(method)
        return
      }
      this.strayCalls.add(callee)
    }
    this.push({ kind: 'object', how, callee, args, changes: [] })
  }

  complaint(expected: string, found: string): CheckpointFormatError {
    return new CheckpointFormatError({
      code: 'bad-pickle',
      field: `pickle, byte ${this.offset}`,
      expected,
      found,
      meaning: 'The pickle is damaged, or was written by something else than torch.save.',
    })
  }

  /** How many values lie on the last mark. */
  #reachable(): number {
    return this.#stack.length - (this.#marks.at(-1) ?? 0)
  }

  /** As an array of just that length: most of them become the items of a tuple, and stay. */
  #popFrom(height: number): PickleNode[] {
    const items = this.#stack.slice(height)
    this.#stack.length = height
    return items
  }

  #changeable(): ListNode | DictNode | SetNode | ObjectNode {
    const target = this.top()
    if (this.#sealed.has(target)) {
      throw this.complaint(
        'a value that no call has read yet',
        `a change of a ${target.kind} after its use`,
      )
    }
    switch (target.kind) {
      case 'list':
      case 'dict':
      case 'set':
      case 'object':
        return target
      default:
        throw this.complaint('a list, dict, set or object to change', target.kind)
    }
  }

  /** Arguments are read by value through all containers; each is sealed, and so walked, once. */
  #seal(args: PickleNode): void {
    const pending: PickleNode[] = [args]
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (this.#sealed.has(node)) continue
      if (node.kind === 'list' || node.kind === 'set' || node.kind === 'tuple') {
        this.#sealed.add(node)
        for (const item of node.items) pending.push(item)
      } else if (node.kind === 'dict') {
        this.#sealed.add(node)
        for (const entry of node.entries) pending.push(entry)
      } else if (node.kind === 'object') {
        this.#sealed.add(node)
      }
    }
  }
}

/**
 * `getattr(HistoryBuffer, 'mean')` is protocol 2's way to write the global `HistoryBuffer.mean`. The list names
 * methods of this one class; someone may permit others.
 */
function methodNamed(args: TupleNode, allows: Allows): GlobalNode | undefined {
  const [owner, attribute] = args.items
  const text = shortTextOf(attribute)
  if (args.items.length !== 2 || owner?.kind !== 'global' || text === undefined) return undefined
  const method: GlobalNode = { kind: 'global', module: owner.module, name: `${owner.name}.${text}` }
  return allows(method) ? method : undefined
}
