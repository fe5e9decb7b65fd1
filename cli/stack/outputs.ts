/** What a stack says of itself: its outputs, as `infra/stack.ts` writes them, checked. */
import type { Stack as StackDescription } from '@aws-sdk/client-cloudformation'
import * as z from 'zod/mini'
import type { NamedArguments } from '../../lib/hook/hook-arguments.ts'
import { HookArgumentError, parseArguments } from '../../lib/hook/hook-arguments.ts'
import { Failure } from '../failure.ts'

/** The names and settings of a stack. */
export interface Outputs {
  readonly bucket: string
  readonly table: string
  readonly queues: {
    readonly eventsUrl: string
    readonly eventsDlqUrl: string
    readonly jobsUrl: string
    readonly jobsDlqUrl: string
  }
  readonly settings: {
    /** The arguments that hold where a run names none. */
    readonly hookArguments: NamedArguments
    readonly noncurrentDays: number
    readonly brake: number
    readonly keyPrefix: string
    readonly outBuckets: readonly string[]
  }
}

const settingsSchema = z.looseObject({
  hook_arguments: z.record(z.string(), z.unknown()),
  noncurrent_days: z.number(),
  brake: z.number(),
  key_prefix: z.string(),
  out_buckets: z.array(z.string()),
})

const outputsSchema = z.looseObject({
  BucketName: z.string(),
  TableName: z.string(),
  EventsQueueUrl: z.string(),
  EventsDlqUrl: z.string(),
  JobsQueueUrl: z.string(),
  JobsDlqUrl: z.string(),
  Settings: z.string(),
})

/** Whether a stack may be one of the hub's: these two outputs have been there from the first. */
export function isHub(stack: StackDescription): boolean {
  const outputs = outputsOf(stack)
  return 'BucketName' in outputs && 'TableName' in outputs
}

/**
 * Reads the outputs of a stack.
 *
 * @throws {Failure} `older-stack` that says what is missing
 */
export function parseOutputs(name: string, stack: StackDescription): Outputs {
  const parsed = outputsSchema.safeParse(outputsOf(stack))
  if (!parsed.success) {
    const missing = parsed.error.issues.map(({ path }) => path.join('.')).join(', ')
    throw older(name, `it does not say ${missing}, and is ${stack.StackStatus}`)
  }
  const outputs = parsed.data
  return {
    bucket: outputs.BucketName,
    table: outputs.TableName,
    queues: {
      eventsUrl: outputs.EventsQueueUrl,
      eventsDlqUrl: outputs.EventsDlqUrl,
      jobsUrl: outputs.JobsQueueUrl,
      jobsDlqUrl: outputs.JobsDlqUrl,
    },
    settings: settingsIn(name, outputs.Settings),
  }
}

function settingsIn(name: string, text: string): Outputs['settings'] {
  try {
    const settings = settingsSchema.parse(JSON.parse(text))
    return {
      hookArguments: parseArguments(settings.hook_arguments),
      noncurrentDays: settings.noncurrent_days,
      brake: settings.brake,
      keyPrefix: settings.key_prefix,
      outBuckets: settings.out_buckets,
    }
  } catch (error) {
    const isKnown =
      error instanceof SyntaxError ||
      error instanceof z.core.$ZodError ||
      error instanceof HookArgumentError
    if (!isKnown) throw error
    throw older(name, `its Settings cannot be read: ${error.message}`)
  }
}

function older(name: string, what: string): Failure {
  return new Failure(
    'failed',
    `the stack ${JSON.stringify(name)} is not one that this command knows: ${what}`,
    {
      code: 'older-stack',
      advice: 'If it is a Checkpoint Hub of another release, deploy it again: npm run deploy',
    },
  )
}

function outputsOf({ Outputs: outputs = [] }: StackDescription): Record<string, string> {
  return Object.fromEntries(
    outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  )
}
