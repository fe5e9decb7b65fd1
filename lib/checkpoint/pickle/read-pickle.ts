/**
 * A symbolic pickle machine: reads protocols 2 to 5 into a graph.
 *
 * It imports nothing and calls nothing; a name stays a name. It decides whether a pickle is well-formed, not
 * whether it is welcome (`globals.ts` does). Of several pickles in one file it reads the first, as
 * torch does.
 */
import { CheckpointFormatError } from '../checkpoint-format-error.ts'
import { type Allows, isAllowed, isGlobal } from './allow-list.ts'
import { ByteCursor } from './byte-cursor.ts'
import { MAX_GLOBAL_BYTES, MAX_GLOBALS, MAX_OPCODES, MAX_PICKLE_BYTES } from './limits.ts'
import { PickleMachine } from './machine.ts'
import { type GlobalNode, type PickleGraph, type PickleNode, shortTextOf } from './node.ts'
import { OPCODE } from './opcode.ts'
import { readAtom } from './read-atom.ts'

const EMPTY_TUPLE: PickleNode = { kind: 'tuple', items: [] }
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a pickle's bytes.
 *
 * @param allows tells which `getattr` is a method's name in protocol 2's words, and which is a call
 * @throws {CheckpointFormatError} `bad-pickle` (`PickleEndsEarly` where the bytes end before its STOP),
 *   `unknown-opcode`, or `too-large` beyond the limits
 */
export function readPickle(bytes: Uint8Array, allows: Allows = isAllowed): PickleGraph {
  requireLimit('bytes', bytes.byteLength, MAX_PICKLE_BYTES)
  const cursor = new ByteCursor(bytes)
  const machine = new PickleMachine(allows)
  const globals = new Map<string, GlobalNode>()
  let protocol = 0
  for (let opcodes = 0; ; opcodes += 1) {
    requireLimit('opcodes', opcodes, MAX_OPCODES)
    machine.offset = cursor.offset
    const opcode = cursor.uint8()
    if (opcodes === 0 && opcode !== OPCODE.PROTO)
      throw machine.complaint('PROTO', `0x${opcode.toString(16)}`)
    if (opcode === OPCODE.STOP) {
      const named = [...globals.values()].filter(
        (global) => !isGlobal(global, 'builtins', 'getattr'),
      )
      const root = machine.pop()
      return {
        root,
        globals: [...named, ...machine.strayCalls],
        protocol,
        sizeBytes: cursor.offset,
      }
    }
    if (opcode === OPCODE.PROTO) {
      protocol = cursor.uint8()
      if (protocol < 2 || protocol > 5)
        throw machine.complaint('protocol 2 to 5', `protocol ${protocol}`)
    } else if (opcode === OPCODE.GLOBAL || opcode === OPCODE.STACK_GLOBAL) {
      const read = opcode === OPCODE.GLOBAL ? readGlobal(cursor, machine) : popGlobal(machine)
      const pair = `${read.module}\n${read.name}`
      const global = globals.get(pair) ?? read
      globals.set(pair, global)
      requireLimit('globals', globals.size, MAX_GLOBALS)
      machine.push(global)
    } else if (!readAtom(opcode, cursor, machine) && !apply(opcode, cursor, machine)) {
      throw unknownOpcode(opcode, machine.offset)
    }
  }
}

/** Opcodes that build on what is on the stack; false for unknown ones. */
function apply(opcode: number, cursor: ByteCursor, machine: PickleMachine): boolean {
  switch (opcode) {
    case OPCODE.MARK:
      machine.mark()
      return true
    case OPCODE.POP:
      machine.discard()
      return true
    case OPCODE.POP_MARK:
      machine.popToMark()
      return true
    case OPCODE.DUP:
      machine.push(machine.top())
      return true
    case OPCODE.EMPTY_TUPLE:
      machine.push(EMPTY_TUPLE)
      return true
    case OPCODE.TUPLE1:
      machine.push({ kind: 'tuple', items: machine.popItems(1) })
      return true
    case OPCODE.TUPLE2:
      machine.push({ kind: 'tuple', items: machine.popItems(2) })
      return true
    case OPCODE.TUPLE3:
      machine.push({ kind: 'tuple', items: machine.popItems(3) })
      return true
    case OPCODE.TUPLE:
      machine.push({ kind: 'tuple', items: machine.popToMark() })
      return true
    case OPCODE.EMPTY_LIST:
      machine.push({ kind: 'list', items: [] })
      return true
    case OPCODE.APPEND:
      machine.append([machine.pop()])
      return true
    case OPCODE.APPENDS:
      machine.append(machine.popToMark())
      return true
    case OPCODE.EMPTY_DICT:
      machine.push({ kind: 'dict', entries: [] })
      return true
    case OPCODE.SETITEM:
      machine.setItems(machine.popItems(2))
      return true
    case OPCODE.SETITEMS:
      machine.setItems(machine.popToMark())
      return true
    case OPCODE.EMPTY_SET:
      machine.push({ kind: 'set', items: [] })
      return true
    case OPCODE.ADDITEMS:
      machine.addItems(machine.popToMark())
      return true
    case OPCODE.FROZENSET:
      machine.push({ kind: 'frozenset', items: machine.popToMark() })
      return true
    case OPCODE.REDUCE:
      machine.call('call')
      return true
    case OPCODE.NEWOBJ:
      machine.call('new')
      return true
    case OPCODE.BUILD:
      machine.build(machine.pop())
      return true
    case OPCODE.BINPERSID:
      machine.push({ kind: 'persistent', id: machine.pop() })
      return true
    case OPCODE.BINGET:
      machine.get(cursor.uint8())
      return true
    case OPCODE.LONG_BINGET:
      machine.get(cursor.uint32())
      return true
    case OPCODE.BINPUT:
      machine.put(cursor.uint8())
      return true
    case OPCODE.LONG_BINPUT:
      machine.put(cursor.uint32())
      return true
    case OPCODE.MEMOIZE:
      machine.memoize()
      return true
    case OPCODE.FRAME:
      // A frame is a hint for readers of streams; its length is not needed to read bytes in memory.
      cursor.uint64()
      return true
    default:
      return false
  }
}

function readGlobal(cursor: ByteCursor, machine: PickleMachine): GlobalNode {
  const module = cursor.line(MAX_GLOBAL_BYTES)
  const name = cursor.line(MAX_GLOBAL_BYTES)
  try {
    return { kind: 'global', module: UTF8.decode(module), name: UTF8.decode(name) }
  } catch {
    throw machine.complaint('the names of a global in UTF-8', 'other bytes')
  }
}

function popGlobal(machine: PickleMachine): GlobalNode {
  const [moduleNode, nameNode] = machine.popItems(2)
  const module = shortTextOf(moduleNode)
  const name = shortTextOf(nameNode)
  if (
    module === undefined ||
    name === undefined ||
    module.length + name.length > 2 * MAX_GLOBAL_BYTES
  ) {
    throw machine.complaint(
      'two strings that name a global',
      `${moduleNode?.kind}, ${nameNode?.kind}`,
    )
  }
  return { kind: 'global', module, name }
}

function unknownOpcode(opcode: number, offset: number): CheckpointFormatError {
  return new CheckpointFormatError({
    code: 'unknown-opcode',
    field: `pickle, byte ${offset}`,
    expected: 'an opcode that torch.save writes with protocol 2 to 5',
    found: `0x${opcode.toString(16).padStart(2, '0')}`,
    meaning: 'The pickle is damaged, or was written by something else than torch.save.',
  })
}

function requireLimit(what: string, found: number, limit: number): void {
  if (found <= limit) return
  throw new CheckpointFormatError({
    code: 'too-large',
    field: `pickle: ${what}`,
    expected: `at most ${limit}`,
    found: `${found} or more`,
    meaning: 'No checkpoint needs so much: the file is damaged or made to exhaust its reader.',
  })
}
