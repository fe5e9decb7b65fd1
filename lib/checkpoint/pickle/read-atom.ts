import type { ByteCursor } from './byte-cursor.ts'
import type { PickleMachine } from './machine.ts'
import type { PickleNode } from './node.ts'
import { OPCODE } from './opcode.ts'

const NONE: PickleNode = { kind: 'none' }
const TRUE: PickleNode = { kind: 'bool', value: true }
const FALSE: PickleNode = { kind: 'bool', value: false }
const SMALL_INTS: readonly PickleNode[] = Array.from({ length: 256 }, (_, value) => ({
  kind: 'int',
  value,
}))

/** Carries out an opcode that pushes a value which is all in its argument; false for any other opcode. */
export function readAtom(opcode: number, cursor: ByteCursor, machine: PickleMachine): boolean {
  switch (opcode) {
    case OPCODE.NONE:
      machine.push(NONE)
      return true
    case OPCODE.NEWTRUE:
      machine.push(TRUE)
      return true
    case OPCODE.NEWFALSE:
      machine.push(FALSE)
      return true
    case OPCODE.BININT1:
      machine.push(intNode(cursor.uint8()))
      return true
    case OPCODE.BININT2:
      machine.push(intNode(cursor.uint16()))
      return true
    case OPCODE.BININT:
      machine.push(intNode(cursor.int32()))
      return true
    case OPCODE.LONG1:
      machine.push({ kind: 'long', littleEndian: cursor.bytes(cursor.uint8()) })
      return true
    case OPCODE.LONG4:
      machine.push({ kind: 'long', littleEndian: cursor.bytes(cursor.uint32()) })
      return true
    case OPCODE.BINFLOAT:
      machine.push({ kind: 'float', bigEndian: cursor.bytes(8) })
      return true
    case OPCODE.SHORT_BINUNICODE:
      machine.push({ kind: 'string', utf8: cursor.bytes(cursor.uint8()) })
      return true
    case OPCODE.BINUNICODE:
      machine.push({ kind: 'string', utf8: cursor.bytes(cursor.uint32()) })
      return true
    case OPCODE.BINUNICODE8:
      machine.push({ kind: 'string', utf8: cursor.bytes(cursor.uint64()) })
      return true
    case OPCODE.SHORT_BINSTRING:
      machine.push({ kind: 'py2-string', data: cursor.bytes(cursor.uint8()) })
      return true
    case OPCODE.BINSTRING:
      machine.push({ kind: 'py2-string', data: cursor.bytes(cursor.uint32()) })
      return true
    case OPCODE.SHORT_BINBYTES:
      machine.push({ kind: 'bytes', data: cursor.bytes(cursor.uint8()) })
      return true
    case OPCODE.BINBYTES:
      machine.push({ kind: 'bytes', data: cursor.bytes(cursor.uint32()) })
      return true
    case OPCODE.BINBYTES8:
      machine.push({ kind: 'bytes', data: cursor.bytes(cursor.uint64()) })
      return true
    case OPCODE.BYTEARRAY8:
      machine.push({ kind: 'bytearray', data: cursor.bytes(cursor.uint64()) })
      return true
    default:
      return false
  }
}

function intNode(value: number): PickleNode {
  return SMALL_INTS[value] ?? { kind: 'int', value }
}
