/** The expressions of DynamoDB that the hub uses: comparisons and two functions, joined by AND or by OR. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { byUtf8 } from '../text-order.ts'

export type Item = Record<string, AttributeValue>

/** An expression with what its placeholders stand for. */
export interface Bindings {
  readonly ExpressionAttributeNames?: Record<string, string> | undefined
  readonly ExpressionAttributeValues?: Record<string, AttributeValue> | undefined
}

/** Whether an expression holds of an item, or of none. */
export function holds(expression: string, bindings: Bindings, item: Item | undefined): boolean {
  return termsOf(expression).some((all) => all.every((term) => term(bindings, item)))
}

/** One comparison or function, read once. */
type Term = (bindings: Bindings, item: Item | undefined) => boolean

const read = new Map<string, Term[][]>()

/** Any of these lists of terms is to hold as a whole. */
function termsOf(expression: string): Term[][] {
  const known = read.get(expression)
  if (known !== undefined) return known
  const terms = expression.split(' OR ').map((all) => all.split(' AND ').map(termIn))
  read.set(expression, terms)
  return terms
}

const FUNCTION = /^(attribute_not_exists|attribute_exists|begins_with)\(([^,)]+)(?:,\s*([^)]+))?\)$/
const COMPARISON = /^(\S+)\s*(=|<>|<|>|<=|>=)\s*(\S+)$/

function termIn(text: string): Term {
  const called = FUNCTION.exec(text.trim())
  if (called !== null) {
    const [, name, of = '', argument = ''] = called
    const operand = operandIn(of)
    if (name === 'attribute_not_exists') return (...at) => operand(...at) === undefined
    if (name === 'attribute_exists') return (...at) => operand(...at) !== undefined
    const prefix = operandIn(argument)
    return (...at) => {
      const [whole, begin] = [operand(...at)?.S, prefix(...at)?.S]
      return whole !== undefined && begin !== undefined && whole.startsWith(begin)
    }
  }
  const compared = COMPARISON.exec(text.trim())
  if (compared === null) throw new TypeError(`the model of DynamoDB cannot read ${text}`)
  const [, left = '', operator = '', right = ''] = compared
  const [one, other] = [operandIn(left), operandIn(right)]
  return (...at) => {
    const order = compare(one(...at), other(...at))
    return order === undefined ? operator === '<>' : isInOrder(order, operator)
  }
}

function isInOrder(order: number, operator: string): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    case '<=':
      return order <= 0
    default:
      return order >= 0
  }
}

type Operand = (bindings: Bindings, item: Item | undefined) => AttributeValue | undefined

function operandIn(operand: string): Operand {
  const text = operand.trim()
  if (text.startsWith(':')) {
    return ({ ExpressionAttributeValues }) => {
      const value = ExpressionAttributeValues?.[text]
      if (value === undefined) throw new TypeError(`${text} stands for nothing`)
      return value
    }
  }
  if (!text.startsWith('#')) return (_, item) => item?.[text]
  return ({ ExpressionAttributeNames }, item) => {
    const name = ExpressionAttributeNames?.[text]
    if (name === undefined) throw new TypeError(`${text} stands for nothing`)
    return item?.[name]
  }
}

/** Nothing where the two are not of one type, or one is not there. */
function compare(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N)
  if (a?.S === undefined || b?.S === undefined) return undefined
  return byUtf8(a.S, b.S)
}
