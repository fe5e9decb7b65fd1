/** Control files, pins and consents, read from their text. */
import * as z from 'zod/mini'
import type { ConsentFact, ControlFact, PinFact } from '../hook/history.ts'
import { HookArgumentError, type NamedArguments, parseArguments } from '../hook/hook-arguments.ts'
import { meaningOf } from '../hook/names.ts'

/** What a control file says, and what is wrong with it. */
export type Control<Fact> = Fact & { fault: { field: string; reason: string } | undefined }

const beginSchema = z.looseObject({ resume_from: z.optional(z.nullable(z.string())) })
const endSchema = z.looseObject({ last: z.optional(z.nullable(z.string())) })
/** A name goes into the reasons of fates. */
const byText = z.optional(z.string().check(z.maxLength(200)))
const pinSchema = z.union([
  z.looseObject({ pin: z.string(), unpin: z.optional(z.never()), by: byText }),
  z.looseObject({ unpin: z.string(), pin: z.optional(z.never()), by: byText }),
])
const consentSchema = z.looseObject({
  apply: z.string().check(z.minLength(1)),
  evicts: z.int().check(z.nonnegative()),
  by: byText,
})

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
  if (last !== undefined && !isName(last)) {
    const reason = 'expected the name of a checkpoint of this run, such as "epoch_8.pth"'
    return { last: undefined, fault: { field: 'last', reason } }
  }
  return { last, fault: undefined }
}

/** Reads a pin: `{"pin": "epoch_3.pth", "by": "ada"}`, or `unpin` in its place. */
export function readPin(text: string): Control<Omit<PinFact, keyof ControlFact>> {
  const json = jsonOf(text)
  const nothing = { name: '', pinned: false, by: undefined }
  if ('fault' in json) return { ...nothing, fault: json.fault }
  const parsed = pinSchema.safeParse(json.value)
  const { pin, unpin, by } = parsed.success ? parsed.data : {}
  const name = pin ?? unpin ?? ''
  if (!isName(name)) {
    const reason =
      'expected {"pin": <name>} or {"unpin": <name>}, with the name of a checkpoint of this run, such as "epoch_3.pth", and "by", if given, of at most 200 letters'
    return { ...nothing, fault: { field: 'pin', reason } }
  }
  return { name, pinned: pin !== undefined, by, fault: undefined }
}

/** Reads a consent: `{"apply": <version of checkpoint_hook.json>, "evicts": 15, "by": "ada"}`. */
export function readConsent(text: string): Control<Omit<ConsentFact, keyof ControlFact>> {
  const json = jsonOf(text)
  const nothing = { optionsVersionId: '', evicts: 0, by: undefined }
  if ('fault' in json) return { ...nothing, fault: json.fault }
  const parsed = consentSchema.safeParse(json.value)
  if (!parsed.success) {
    const reason =
      'expected {"apply": <version id of checkpoint_hook.json>, "evicts": <how many it would evict>}'
    return { ...nothing, fault: { field: 'apply', reason } }
  }
  const { apply, evicts, by } = parsed.data
  return { optionsVersionId: apply, evicts, by, fault: undefined }
}

/** The name of a checkpoint that may be one of the run's. */
function isName(name: string): boolean {
  return name !== '' && !name.includes('/') && meaningOf(name).kind !== 'outside'
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
