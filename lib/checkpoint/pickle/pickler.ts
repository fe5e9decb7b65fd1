import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { ByteWriter } from './byte-writer.ts'
import { MAX_CYCLE_STEPS, MAX_DEPTH, MAX_PICKLE_BYTES } from './limits.ts'
import type { PickleNode } from './node.ts'
import { OPCODE } from './opcode.ts'
import type { Protocol2, Protocol2Node } from './protocol-2.ts'
import { readAtOnce } from './read-at-once.ts'
import { type CompositeNode, DONE, MADE, pushFilling, pushMaking, type Step } from './steps.ts'
import { type LeafNode, writeAtom, writeLeaf, writeMemo } from './write-leaf.ts'

/** One attempt to write a graph; `write-pickle.ts` says when there is another. */
export class Pickler {
  /** Containers that must exist before a tuple or call of a cycle is begun. Empty: the bytes are right. */
  readonly neededEarly = new Set<CompositeNode>()
  readonly #protocol2: Protocol2
  readonly #shared: ReadonlySet<Protocol2Node>
  readonly #early: ReadonlySet<CompositeNode>
  readonly #writer = new ByteWriter(MAX_PICKLE_BYTES)
  readonly #memo = new Map<Protocol2Node, number>()
  /** Nodes begun and not finished, from the outermost; those of `#unmade` do not exist yet. */
  readonly #within: CompositeNode[] = []
  readonly #unmade = new Set<CompositeNode>()
  /** Nodes of `#early` that exist and are still empty. */
  readonly #unfilled = new Set<CompositeNode>()
  #cycleSteps = 0

  constructor(
    protocol2: Protocol2,
    shared: ReadonlySet<Protocol2Node>,
    early: ReadonlySet<CompositeNode>,
  ) {
    this.#protocol2 = protocol2
    this.#shared = shared
    this.#early = early
  }

  write(root: PickleNode): Uint8Array {
    this.#writer.uint8(OPCODE.PROTO)
    this.#writer.uint8(2)
    for (const node of this.#early) this.#unfilled.add(node)
    for (const node of this.#early) this.#run([node])
    for (const node of this.#early) {
      this.#run([node])
      this.#within.push(node)
      const steps: Step[] = [DONE]
      pushFilling(steps, node)
      this.#run(steps)
      this.#unfilled.delete(node)
    }
    this.#run([root])
    this.#writer.uint8(OPCODE.STOP)
    return this.#writer.written()
  }

  /** Takes steps off a stack until it is empty. */
  #run(pending: Step[]): void {
    for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
      switch (step.kind) {
        case 'opcode':
          this.#writer.uint8(step.opcode)
          break
        case 'made':
          this.#make()
          break
        case 'done':
          this.#within.pop()
          break
        default:
          this.#visit(this.#protocol2.say(step), pending)
      }
    }
  }

  #visit(node: Protocol2Node, pending: Step[]): void {
    switch (node.kind) {
      case 'none':
      case 'bool':
      case 'int':
      case 'long':
      case 'float':
        writeAtom(this.#writer, node)
        break
      case 'string':
      case 'py2-string':
      case 'global':
        this.#leaf(node)
        break
      default:
        this.#begin(node, pending)
        break
    }
  }

  #leaf(node: LeafNode): void {
    if (this.#recall(node)) return
    writeLeaf(this.#writer, node)
    this.#remember(node)
  }

  #begin(node: CompositeNode, pending: Step[]): void {
    if (node.kind === 'tuple' && node.items.length === 0) {
      this.#writer.uint8(OPCODE.EMPTY_TUPLE)
      return
    }
    if (this.#unfilled.has(node) && this.#memo.has(node)) this.#refuseEmpty(node)
    if (this.#recall(node)) return
    if (this.#unmade.has(node)) {
      this.#breakCycle(node)
      return
    }
    if (this.#within.length >= MAX_DEPTH) throw tooDeep()
    this.#within.push(node)
    this.#unmade.add(node)
    pending.push(DONE)
    if (!this.#early.has(node)) pushFilling(pending, node)
    pending.push(MADE)
    pushMaking(pending, node)
  }

  /** What it is made of is written: the innermost node exists now. */
  #make(): void {
    const node = this.#within.at(-1)
    if (node === undefined) throw new RangeError('a node was made that was not begun')
    this.#unmade.delete(node)
    this.#remember(node)
  }

  #recall(node: Protocol2Node): boolean {
    const index = this.#memo.get(node)
    if (index === undefined) return false
    writeMemo(this.#writer, index, OPCODE.BINGET, OPCODE.LONG_BINGET)
    return true
  }

  /** Only what is referred to again takes a memo entry. */
  #remember(node: Protocol2Node): void {
    const isEarly = (this.#early as ReadonlySet<Protocol2Node>).has(node)
    if (!isEarly && !this.#shared.has(node)) return
    writeMemo(this.#writer, this.#memo.size, OPCODE.BINPUT, OPCODE.LONG_BINPUT)
    this.#memo.set(node, this.#memo.size)
  }

  /** The node is met within itself before it exists: what lies between and exists must come first. */
  #breakCycle(node: CompositeNode): void {
    this.#spend(this.#within.length)
    const start = this.#within.lastIndexOf(node) + 1
    const readNow = readAtOnce(this.#within, this.#unmade)
    const existing = this.#within.filter(
      (container, index) => index >= start && !this.#unmade.has(container) && !readNow[index],
    )
    if (existing.length === 0) throw insideItself(node.kind)
    for (const container of existing) this.neededEarly.add(container)
  }

  /** An empty container may be referred to, but not read: a call or BUILD around it would find nothing. */
  #refuseEmpty(node: CompositeNode): void {
    this.#spend(this.#within.length)
    if (readAtOnce([...this.#within, node], this.#unmade).at(-1)) throw insideItself(node.kind)
  }

  #spend(steps: number): void {
    this.#cycleSteps += steps
    if (this.#cycleSteps > MAX_CYCLE_STEPS) throw tooDeep()
  }
}

function insideItself(kind: string): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'not-expressible',
    field: 'pickle: protocol 2',
    expected: 'values that can be made before what contains them',
    found: `a ${kind} within what it is made of`,
    meaning:
      'A set, or the argument of a call, contains itself; protocol 2 has no way to write it.',
  })
}

function tooDeep(): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'too-deep',
    field: 'pickle: nesting',
    expected: `at most ${MAX_DEPTH} values within each other`,
    found: 'more',
    meaning: 'No checkpoint nests so deep: the file is made to exhaust its reader.',
  })
}
