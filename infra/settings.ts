/**
 * What a deployment can set: read from CDK context, checked here, and nowhere else.
 *
 * Context comes from `cdk.json`, or as text from `cdk deploy --context key=value`; both give the same
 * settings. A wrong value fails `cdk synth` with the key's name, before anything is deployed.
 */
import { z } from 'zod'
import {
  HookArgumentError,
  type NamedArguments,
  parseArguments,
  resolveOptions,
} from '../lib/hook/hook-arguments.ts'

/** Lambda ends an invocation after 15 minutes at the latest (Lambda quotas). */
const MAX_TIMEOUT_SECONDS = 900
/** An SQS event source can hold between 2 and 1,000 invocations at a time (Lambda API, ScalingConfig). */
const CONCURRENCY = { min: 2, max: 1000 }
/** The hub's own objects lie here, at the top of the bucket: no run can. */
const RESERVED_PREFIX = '.checkpoint-hub'

const timeoutSeconds = z.coerce.number().int().min(1).max(MAX_TIMEOUT_SECONDS)
const concurrency = z.coerce.number().int().min(CONCURRENCY.min).max(CONCURRENCY.max)

const flag = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean({ error: 'must be true or false' }),
)

const hookArguments = z.unknown().transform((value, context): NamedArguments => {
  try {
    const given = parseArguments(typeof value === 'string' ? JSON.parse(value) : value)
    // A run's own file may name what has no effect, and is told; a deployment should not.
    for (const { field, reason } of resolveOptions(given, {}).remarks) {
      context.addIssue({ code: 'custom', path: [field], message: reason })
    }
    return given
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof HookArgumentError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
})

// S3 wants other characters of a notification filter percent-encoded, and IAM reads `*`, `?` and `$`
// in an ARN as patterns: a prefix of plain characters means the same in all three places.
const keyPrefix = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9/_.-]*$/, 'may hold letters, digits and / _ . - only')
  .refine((prefix) => !prefix.startsWith('/'), 'must not begin with /')
  .refine(
    (prefix) =>
      prefix === '' || !RESERVED_PREFIX.startsWith(prefix.slice(0, RESERVED_PREFIX.length)),
    `must not reach ${RESERVED_PREFIX}/, which is the hub's own`,
  )

// A bucket's name becomes part of an ARN, and nothing in it may mean more there.
const outBuckets = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').filter((name) => name !== '') : value),
  z.array(
    z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be names of buckets, not more'),
  ),
)

/** Lambda holds 4 KB of environment in all (Lambda quotas). */
const MAX_GLOBALS_LENGTH = 2000

// Exact names, as Python writes them: neither a pattern nor a whole module.
const allowedGlobals = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').filter((name) => name !== '') : value),
  z
    .array(
      z
        .string()
        .regex(
          /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)+$/u,
          'must be names such as package.module.Name, not patterns',
        ),
    )
    .refine(
      (names) => Buffer.byteLength(names.join(',')) <= MAX_GLOBALS_LENGTH,
      `must be at most ${MAX_GLOBALS_LENGTH} bytes in all`,
    ),
)

const Settings = z.object({
  /** Name of the CloudFormation stack: one bucket, table and set of functions each. */
  stackName: z
    .string()
    .max(128)
    .regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be letters, digits and hyphens, a letter first')
    .default('CheckpointHub'),
  /** Arguments that hold where a run's `checkpoint_hook.json` names none. */
  hookArguments: hookArguments.prefault({ interval: 1 }),
  /** Only keys that begin with it are looked at; empty for the whole bucket. */
  keyPrefix: keyPrefix.default(''),
  /** Other buckets that a run's `out_dir` may name; as text, separated by commas. */
  outBuckets: outBuckets.prefault([]),
  /** What pickles may name beside the allow-list, as `module.name`; as text, separated by commas. */
  allowedGlobals: allowedGlobals.prefault([]),
  /** How long an evicted checkpoint can still be restored, in days. */
  noncurrentDays: z.coerce.number().int().min(1).max(3650).default(30),
  /** A single fact that would evict more checkpoints than this is held until a person consents. */
  brake: z.coerce.number().int().min(1).max(10_000).default(10),
  ingestTimeoutSeconds: timeoutSeconds.default(120),
  publishTimeoutSeconds: timeoutSeconds.default(MAX_TIMEOUT_SECONDS),
  queryTimeoutSeconds: timeoutSeconds.default(15),
  sweepTimeoutSeconds: timeoutSeconds.default(300),
  /** How often the sweep looks for effects left over, in minutes. */
  sweepMinutes: z.coerce.number().int().min(1).max(1440).default(5),
  ingestConcurrency: concurrency.default(10),
  publishConcurrency: concurrency.default(10),
  /** Whether the table refuses to be deleted; it is kept when the stack goes, in any case. */
  deletionProtection: flag.default(true),
  /** How long the functions' logs are kept, in days; CloudWatch knows certain numbers only. */
  logRetentionDays: z.coerce
    .number()
    .refine(
      (days) => [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731].includes(days),
      'must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731',
    )
    .default(30),
})

/** Every setting of a deployment, with its default filled in. */
export type Settings = z.infer<typeof Settings>

/** A context key has a value that cannot be used, or there is no such key. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Every setting at its default. */
export const DEFAULT_SETTINGS: Settings = Settings.parse({})

/**
 * Reads the settings from everything that CDK context holds.
 *
 * @param context all context values; CDK's own keys (they have an `@`, `:` or `/`) are passed over
 * @throws {SettingsError} naming each key whose value is wrong, or that does not exist
 */
export function settingsFrom(context: Readonly<Record<string, unknown>>): Settings {
  const own = Object.entries(context).filter(([key]) => !/[@:/]/.test(key))
  const unknown = own.map(([key]) => key).filter((key) => !(key in Settings.shape))
  if (unknown.length > 0) {
    throw new SettingsError(
      `unknown context key ${unknown.join(', ')}; there are: ${Object.keys(Settings.shape).join(', ')}`,
    )
  }
  const parsed = Settings.safeParse(Object.fromEntries(own))
  if (parsed.success) return parsed.data
  throw new SettingsError(
    parsed.error.issues
      .map((issue) => `context key ${issue.path.join('.')}: ${issue.message}`)
      .join('\n'),
  )
}
