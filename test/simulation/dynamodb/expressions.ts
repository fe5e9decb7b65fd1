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
  return termsOf(expression).some((all) => all.every((term) => termHolds(term, bindings, item)))
}

const read = new Map<string, string[][]>()

/** Any of these lists of terms is to hold as a whole. */
function termsOf(expression: string): string[][] {
  const known = read.get(expression)
  if (known !== undefined) return known
  const terms = expression.split(' OR ').map((all) => all.split(' AND ').map((term) => term.trim()))
  read.set(expression, terms)
  return terms
}

const FUNCTION = /^(attribute_not_exists|attribute_exists|begins_with)\(([^,)]+)(?:,\s*([^)]+))?\)$/
const COMPARISON = /^(\S+)\s*(=|<>|<|>|<=|>=)\s*(\S+)$/

function termHolds(term: string, bindings: Bindings, item: Item | undefined): boolean {
  const called = FUNCTION.exec(term)
  if (called !== null) {
    const value = operandIn(called[2] ?? '', bindings, item)
    if (called[1] === 'attribute_not_exists') return value === undefined
    if (called[1] === 'attribute_exists') return value !== undefined
    const prefix = operandIn(called[3] ?? '', bindings, item)
    return value?.S !== undefined && prefix?.S !== undefined && value.S.startsWith(prefix.S)
  }
  const compared = COMPARISON.exec(term)
  if (compared === null) throw new TypeError(`the model of DynamoDB cannot read ${term}`)
  const [, left = '', operator = '', right = ''] = compared
  const order = compare(operandIn(left, bindings, item), operandIn(right, bindings, item))
  if (order === undefined) return operator === '<>'
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

function operandIn(
  operand: string,
  { ExpressionAttributeNames, ExpressionAttributeValues }: Bindings,
  item: Item | undefined,
): AttributeValue | undefined {
  const text = operand.trim()
  if (text.startsWith(':')) {
    const value = ExpressionAttributeValues?.[text]
    if (value === undefined) throw new TypeError(`${text} stands for nothing`)
    return value
  }
  const name = text.startsWith('#') ? ExpressionAttributeNames?.[text] : text
  if (name === undefined) throw new TypeError(`${text} stands for nothing`)
  return item?.[name]
}

/** Nothing where the two are not of one type, or one is not there. */
function compare(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N)
  if (a?.S === undefined || b?.S === undefined) return undefined
  return byUtf8(a.S, b.S)
}
