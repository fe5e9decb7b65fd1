/**
 * Answers of pure functions that are kept: a run is read, and decided on, far more often than it changes.
 *
 * What is kept is frozen, so that whoever changed it would fail. That the functions are pure is what
 * `test/rooms.test.ts` holds; a schedule has the same trace with and without this.
 */

/** Answers that are kept at most; then it begins anew. Hardly any is asked for again in another schedule. */
const MOST_KEPT = 1_000

/** By the texts that it is asked with. */
export function byTexts<Answer>(
  ask: (...texts: string[]) => Answer,
): (...texts: string[]) => Answer {
  const answers = new Map<string, Answer>()
  return (...texts) => {
    const question = texts.length === 1 ? (texts[0] ?? '') : JSON.stringify(texts)
    if (answers.has(question)) return answers.get(question) as Answer
    const answer = frozen(ask(...texts))
    if (answers.size >= MOST_KEPT) answers.clear()
    answers.set(question, answer)
    return answer
  }
}

/** By the object that comes last of what it is asked with, which says all. */
export function byLast<Asked extends [...unknown[], object], Answer>(
  ask: (...asked: Asked) => Answer,
): (...asked: Asked) => Answer {
  const answers = new WeakMap<object, { answer: Answer }>()
  return (...asked) => {
    const object = asked.at(-1) as object
    const known = answers.get(object)
    if (known !== undefined) return known.answer
    const answer = frozen(ask(...asked))
    answers.set(object, { answer })
    return answer
  }
}

/** By the objects of a list, as long as they are the same; of each length the latest list is kept. */
export function byList<Answer>(
  ask: (list: readonly object[]) => Answer,
): (list: readonly object[]) => Answer {
  const known: { list: readonly object[]; answer: Answer }[] = []
  return (list) => {
    const before = known[list.length]
    if (before?.list.every((each, at) => each === list[at])) return before.answer
    const answer = ask(list)
    known[list.length] = { list, answer }
    return answer
  }
}

type Facts = readonly object[]

interface History {
  readonly stackArguments: object
  readonly options: Facts
  readonly begins: Facts
  readonly ends: Facts
  readonly pins: Facts
  readonly consents: Facts
  readonly steps: ReadonlyMap<string, object>
}

/** By what is said in a history, whoever read it. */
export function byFacts<Answer>(
  ask: (run: string, history: History, brake: number, removed?: ReadonlySet<string>) => Answer,
): (run: string, history: History, brake: number, removed?: ReadonlySet<string>) => Answer {
  const answers = new Map<string, Answer>()
  const told = new WeakMap<History, string>()
  return (run, history, brake, removed) => {
    const text = told.get(history) ?? textOf(history)
    told.set(history, text)
    const question = `${JSON.stringify([run, brake, [...(removed ?? [])]])} ${text}`
    const known = answers.get(question)
    if (known !== undefined) return known
    const answer = ask(run, history, brake, removed)
    if (answers.size >= MOST_KEPT) answers.clear()
    answers.set(question, answer)
    return answer
  }
}

function textOf(history: History): string {
  const { stackArguments, options, begins, ends, pins, consents, steps } = history
  const kinds = [[stackArguments], options, begins, ends, pins, consents, [...steps.values()]]
  return kinds.map((facts) => facts.map(factOf).join()).join(';')
}

const facts = new WeakMap<object, number>()
const factsByText = new Map<string, number>()
let counted = 0

/** A number that is the same for facts that say the same. */
function factOf(fact: object): number {
  const known = facts.get(fact)
  if (known !== undefined) return known
  const text = JSON.stringify(fact, withEachNumber)
  let number = factsByText.get(text)
  if (number === undefined) {
    counted += 1
    number = counted
    if (factsByText.size >= MOST_KEPT) factsByText.clear()
    factsByText.set(text, number)
  }
  facts.set(fact, number)
  return number
}

/** JSON knows neither NaN nor the infinities, nor which zero it is. */
function withEachNumber(_: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value)
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) frozen(each)
  }
  return value
}
