/** The tables that the demo prints. */
import Table from 'cli-table3'
import * as z from 'zod'

/** What the demo needs of the answer to `/run`. */
export const runSchema = z.looseObject({
  steps: z.array(
    z.looseObject({
      series: z.string(),
      step: z.number(),
      fate: z.string(),
      reason: z.string(),
    }),
  ),
  curves: z.array(
    z.looseObject({
      metric: z.string(),
      series: z.string(),
      steps: z.array(z.number()),
      values: z.array(z.nullable(z.union([z.number(), z.string()]))),
    }),
  ),
  last_ckpt: z.optional(z.string()),
  problems: z.array(z.looseObject({ key: z.string(), field: z.string(), reason: z.string() })),
})

const objectSchema = z.object({
  key: z.string(),
  size_bytes: z.number(),
  sha256: z.string(),
})

/** The answer to `/best`. */
export const bestSchema = z.looseObject({
  metric: z.string(),
  score: z.string(),
  step: z.number(),
  object: objectSchema,
})

/** The answer to `/published`. */
export const publishedSchema = z.object({
  published: z.array(
    z.looseObject({
      of: z.string(),
      step: z.number(),
      kept_keys: z.array(z.string()),
      object: objectSchema,
      url: z.string(),
    }),
  ),
})

/** The answers that the demo prints. */
export interface Answers {
  run: z.infer<typeof runSchema>
  best: z.infer<typeof bestSchema>[]
  published: z.infer<typeof publishedSchema>['published']
}

/** The tables as text. */
export function reportOf({ run, best, published }: Answers): string {
  return [
    'Checkpoints',
    checkpointTable(run),
    'Best',
    table(
      ['metric', 'score', 'epoch', 'copy', 'bytes'],
      best.map(({ metric, score, step, object }) => [
        metric,
        shortened(score),
        step,
        nameOf(object.key),
        object.size_bytes,
      ]),
    ),
    `Last       ${run.last_ckpt ?? 'none'}`,
    '',
    'Published',
    table(
      ['of', 'file', 'bytes', 'keys', 'SHA-256'],
      published.map(({ of, object, kept_keys }) => [
        of,
        nameOf(object.key),
        object.size_bytes,
        kept_keys.join(' '),
        `${object.sha256.slice(0, 16)}…`,
      ]),
    ),
  ].join('\n')
}

function checkpointTable({ steps, curves }: Answers['run']): string {
  const metrics = [...new Set(curves.map(({ metric }) => metric))]
  return table(
    ['checkpoint', ...metrics, 'what became of it, and why'],
    steps.map(({ series, step, reason }) => [
      `${series} ${step}`,
      ...metrics.map((metric) => {
        const curve = curves.find((each) => each.metric === metric && each.series === series)
        return shortened(curve?.values[curve.steps.indexOf(step)] ?? '')
      }),
      reason,
    ]),
  )
}

function table(head: string[], rows: (string | number)[][]): string {
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } })
  drawn.push(...rows)
  return drawn.toString()
}

function shortened(score: string | number): string {
  return score === '' ? '' : String(Number(Number(score).toPrecision(6)))
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}
