/** The three control files, read from their text. */
import * as z from 'zod/mini'
import { HookArgumentError, type NamedArguments, parseArguments } from '../hook/hook-arguments.ts'
import { meaningOf } from '../hook/names.ts'

/** What a control file says, and what is wrong with it. */
export type Control<Fact> = Fact & { fault: { field: string; reason: string } | undefined }

const beginSchema = z.looseObject({ resume_from: z.optional(z.nullable(z.string())) })
const endSchema = z.looseObject({ last: z.optional(z.nullable(z.string())) })

/** Reads `checkpoint_hook.json`: the hook's arguments by name. */
export function readOptions(text: string): Control<{ named: NamedArguments }> {
  const json = jsonOf(text)
  if ('fault' in json) return { named: {}, fault: json.fault }
  try {
    return { named: parseArguments(json.value), fault: undefined }
  } catch (error) {
    if (!(error instanceof HookArgumentError)) throw error
    return { named: {}, fault: { field: error.field, reason: error.reason } }
  }
}

/** Reads `before_train.json`: `{"resume_from": "epoch_2.pth"}`, or nothing for a fresh start. */
export function readBegin(text: string): Control<{ resumeFrom: string | undefined }> {
  const json = jsonOf(text)
  if ('fault' in json) return { resumeFrom: undefined, fault: json.fault }
  const parsed = beginSchema.safeParse(json.value)
  if (!parsed.success) {
    const reason = 'expected the name of a checkpoint of this run, or no such field'
    return { resumeFrom: undefined, fault: { field: 'resume_from', reason } }
  }
  return { resumeFrom: parsed.data.resume_from ?? undefined, fault: undefined }
}

/** Reads `after_train.json`: `{"last": "epoch_8.pth"}`, or nothing where publishing is not to wait. */
export function readEnd(text: string): Control<{ last: string | undefined }> {
  const json = jsonOf(text)
  if ('fault' in json) return { last: undefined, fault: json.fault }
  const parsed = endSchema.safeParse(json.value)
  const last = parsed.success ? (parsed.data.last ?? undefined) : ''
  if (
    last !== undefined &&
    (last === '' || last.includes('/') || meaningOf(last).kind === 'outside')
  ) {
    const reason = 'expected the name of a checkpoint of this run, such as "epoch_8.pth"'
    return { last: undefined, fault: { field: 'last', reason } }
  }
  return { last, fault: undefined }
}

/** An empty file says as much as an empty object. The message hub holds no lone surrogates. */
function jsonOf(text: string): { value: unknown } | { fault: { field: string; reason: string } } {
  const wellFormed = (_: string, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value
  try {
    return { value: text.trim() === '' ? {} : JSON.parse(text, wellFormed) }
  } catch (error) {
    const reason = `is not JSON: ${error instanceof Error ? error.message : String(error)}`
    return { fault: { field: 'text', reason } }
  }
}
