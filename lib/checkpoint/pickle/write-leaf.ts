import type { ByteWriter } from './byte-writer.ts'
import type {
  BoolNode,
  FloatNode,
  GlobalNode,
  IntNode,
  LongNode,
  NoneNode,
  Python2StringNode,
  StringNode,
} from './node.ts'
import { OPCODE } from './opcode.ts'

/** Nodes that Python's picklers never put into the memo: two of them are never told apart. */
export type AtomNode = NoneNode | BoolNode | IntNode | LongNode | FloatNode

/** Nodes without children that may be shared. */
export type LeafNode = StringNode | GlobalNode | Python2StringNode

/** Writes an atom in the shortest opcode that the weights-only loader knows. */
export function writeAtom(writer: ByteWriter, node: AtomNode): void {
  switch (node.kind) {
    case 'none':
      writer.uint8(OPCODE.NONE)
      break
    case 'bool':
      writer.uint8(node.value ? OPCODE.NEWTRUE : OPCODE.NEWFALSE)
      break
    case 'int':
      writeInt(writer, node.value)
      break
    case 'long':
      writeLength(writer, node.littleEndian.byteLength, OPCODE.LONG1, OPCODE.LONG4)
      writer.bytes(node.littleEndian)
      break
    case 'float':
      writer.uint8(OPCODE.BINFLOAT)
      writer.bytes(node.bigEndian)
      break
  }
}

/** Writes a string, global or Python 2 string. */
export function writeLeaf(writer: ByteWriter, node: LeafNode): void {
  switch (node.kind) {
    case 'string':
      writer.uint8(OPCODE.BINUNICODE)
      writer.uint32(node.utf8.byteLength)
      writer.bytes(node.utf8)
      break
    case 'py2-string':
      writeLength(writer, node.data.byteLength, OPCODE.SHORT_BINSTRING, OPCODE.BINSTRING)
      writer.bytes(node.data)
      break
    case 'global':
      writer.uint8(OPCODE.GLOBAL)
      writer.bytes(new TextEncoder().encode(`${node.module}\n${node.name}\n`))
      break
  }
}

/** Writes GET or PUT of a memo entry. */
export function writeMemo(writer: ByteWriter, index: number, short: number, long: number): void {
  writeLength(writer, index, short, long)
}

function writeInt(writer: ByteWriter, value: number): void {
  if (value >= 0 && value <= 0xff) {
    writer.uint8(OPCODE.BININT1)
    writer.uint8(value)
  } else if (value >= 0 && value <= 0xffff) {
    writer.uint8(OPCODE.BININT2)
    writer.uint16(value)
  } else {
    writer.uint8(OPCODE.BININT)
    writer.int32(value)
  }
}

function writeLength(writer: ByteWriter, value: number, short: number, long: number): void {
  if (value <= 0xff) {
    writer.uint8(short)
    writer.uint8(value)
  } else {
    writer.uint8(long)
    writer.uint32(value)
  }
}
