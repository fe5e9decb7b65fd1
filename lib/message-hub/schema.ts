/**
 * The entries of the table, as they lie in DynamoDB: a public interface that people read with
 * `aws dynamodb get-item`. Whoever changes one changes `docs/message-hub.md` too.
 */
import * as z from 'zod/mini'

const maybe = <T extends z.ZodMiniType>(schema: T) => z.optional(schema)
const text = z.string()
const number = z.number()
const texts = z.array(text)
const series = z.enum(['epoch', 'iter'])
const fault = z.object({ field: text, reason: text })
/** Arguments as JSON text: DynamoDB knows neither every number of it nor every depth. */
const namedArguments = z.string().check(z.refine(isObjectText, 'expected a JSON object as text'))

const control = {
  key: text,
  version_id: text,
  seconds: number,
  ordinal: number,
  fault: maybe(fault),
}

/** Each entry's attributes beside `run` and `entry`. */
export const schemas = {
  runtime_info: z.looseObject({
    version: number,
    stack_arguments: namedArguments,
    next_effect: number,
    last_checkpoint_text: maybe(text),
    retired_copies: maybe(z.array(z.object({ etag: text, seconds: maybe(number) }))),
    answers: z.record(text, z.object({ score: text, key: text })),
  }),
  step: z.looseObject({
    series,
    step: number,
    uploads: z.array(
      z.object({
        key: text,
        version_id: text,
        etag: text,
        size_bytes: number,
        seconds: number,
        fingerprint: maybe(text),
        fault: maybe(text),
        restores: maybe(text),
        strips: maybe(z.object({ version_id: text, etag: text, dropped_keys: texts })),
        gone: maybe(z.boolean()),
        directory: maybe(
          z.object({
            marker: maybe(text),
            files: number,
            removed: maybe(number),
            newest_seconds: maybe(number),
          }),
        ),
      }),
    ),
    metrics: z.array(
      z.object({
        metric: text,
        /** A text, since DynamoDB's numbers know no NaN; missing where the trainer said `null`. */
        value: maybe(text),
        seconds: number,
        source: z.enum(['event', 'log']),
        key: text,
        position: number,
        ordinal: number,
        version_id: maybe(text),
      }),
    ),
    removed: maybe(z.object({ key: text, seconds: number })),
    evicted_version: maybe(
      z.object({
        version_id: text,
        etag: text,
        seconds: maybe(number),
        undone: maybe(z.literal(true)),
      }),
    ),
    withdrawn_versions: maybe(z.array(z.object({ version_id: text, seconds: number }))),
    unstripped: maybe(
      z.object({
        bytes: text,
        dropped_keys: texts,
        refusal: maybe(text),
        allowed_globals: maybe(texts),
      }),
    ),
  }),
  options: z.looseObject({ ...control, arguments: namedArguments }),
  life: z.looseObject({ ...control, resume_from: maybe(text) }),
  end: z.looseObject({ ...control, last: maybe(text) }),
  pin: z.looseObject({ ...control, name: text, pinned: z.boolean(), by: maybe(text) }),
  consent: z.looseObject({
    ...control,
    options_version_id: text,
    evicts: number,
    by: maybe(text),
  }),
  read: z.looseObject({
    key: text,
    version_ids: texts,
    faults: z.array(z.object({ key: text, seconds: number, field: text, reason: text })),
  }),
  artifact: z.looseObject({
    key: text,
    state: z.enum(['current', 'superseded', 'removed', 'refused', 'foreign']),
    kind: maybe(z.enum(['best', 'published'])),
    of_metric: maybe(text),
    name: maybe(text),
    source: maybe(z.object({ key: text, version_id: text, step: number, bytes: text })),
    published_keys: maybe(texts),
    dropped_keys: maybe(texts),
    format: maybe(z.literal('safetensors')),
    version_id: maybe(text),
    etag: maybe(text),
    size_bytes: maybe(number),
    sha256: maybe(text),
    kept_keys: maybe(texts),
    removed_keys: maybe(texts),
    layout_version: maybe(number),
    hashed_by: maybe(z.enum(['s3', 'function'])),
    permitted_globals: maybe(texts),
    reason: maybe(text),
    allowed_globals: maybe(texts),
    seconds: maybe(number),
    removed_seconds: maybe(number),
  }),
  out_dir: z.looseObject({
    folder: text,
    state: z.enum(['granted', 'refused']),
    reason: maybe(text),
  }),
  effect: z.looseObject({
    number,
    action: z.record(text, z.unknown()),
    since_seconds: number,
    sent_seconds: maybe(number),
  }),
}

/** What lies in the partition of a claimed folder. */
export const claimSchema = z.looseObject({ by: text })

/** What comes before the first `#` of an entry's sort key, where the hub reads the entry back. */
export type EntryKind = keyof typeof schemas

/** An entry's attributes, without `run` and `entry`. */
export type Attributes = Record<string, unknown>
/** All entries of a run, by sort key. */
export type Entries = Map<string, Attributes>

/** The kind of an entry; `best`, `problem` and `run` are derived and never read back. */
export function kindOf(entry: string): EntryKind | undefined {
  const kind = entry.split('#', 1)[0] ?? ''
  return Object.hasOwn(schemas, kind) ? (kind as EntryKind) : undefined
}

function isObjectText(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
