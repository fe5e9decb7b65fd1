/** A sample of schedules through a deployed stack, objects and all, against MMEngine's own hook. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { LocalCloud, StackOutputs } from '../../../local/cloud.ts'
import { settled } from '../../../local/settled.ts'
import { type Foreseen, foresee } from '../compare.ts'
import { scheduleOf } from '../generator.ts'
import type { HookProcess } from '../hook-process.ts'
import { factsOf, inOrder, isBraked } from '../ours.ts'
import type { Schedule } from '../schedule.ts'
import { differ, differInLeft, type Verdict } from '../verdict.ts'
import { leftOnStack } from './left.ts'
import { savedCheckpoints } from './torch-files.ts'
import { train } from './trainer.ts'

/** A deployed stack. */
export interface Stack {
  cloud: Pick<LocalCloud, 'clientConfig' | 'log'>
  outputs: StackOutputs
}

/** Which schedules: so many of a seed, from its first on. */
export interface Sample {
  schedules: number
  seed: number
}

/** Trainers at work at a time; one has its pauses while the others upload. */
const TRAINERS = 8
/** So many more are drawn than are taken, in the place of those that the brake would hold. */
const DRAWN = 2

/** Runs the sample, and tells what differs. */
export async function runOnStack(
  stack: Stack,
  hook: HookProcess,
  sample: Sample,
): Promise<Verdict[]> {
  const cases = await casesOf(hook, sample)
  const uploads = cases
    .flatMap(({ traces }) => traces)
    .flatMap(({ deeds }) => deeds.filter(({ kind }) => kind === 'upload'))
  const checkpoints = await savedCheckpoints(uploads.length)
  const s3 = new S3Client({ ...stack.cloud.clientConfig, forcePathStyle: true })
  const dynamodb = new DynamoDBClient(stack.cloud.clientConfig)
  const runOf = ({ seed, number }: Schedule) => `oracle/${seed}/${number}`
  const outDirOf = ({ seed }: Schedule) => `oracle-out/${seed}`
  const uploadTo = (run: string) => async (name: string, Body: Buffer | string) => {
    const where = { Bucket: stack.outputs.BucketName, Key: `${run}/${name}` }
    await s3.send(new PutObjectCommand({ ...where, Body }))
  }
  const waiting = [...cases]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await train({
        put: uploadTo(runOf(next.verdict.schedule)),
        outDir: outDirOf(next.verdict.schedule),
        schedule: next.verdict.schedule,
        traces: next.traces,
        nextCheckpoint: () => checkpoints.pop() ?? Buffer.of(),
      })
    }
  }
  await Promise.all(Array.from({ length: TRAINERS }, work))
  await settled(stack.cloud, stack.outputs, { timeoutSeconds: 300 })
  for (const { verdict, traces, left } of cases) {
    const { schedule } = verdict
    const outFolder = `${outDirOf(schedule)}/${schedule.number}`
    const place = { s3, dynamodb, outputs: stack.outputs, run: runOf(schedule), outFolder }
    const found = await leftOnStack(place, traces)
    differInLeft(verdict, left, found.left)
    const { problems } = inOrder(factsOf(verdict.schedule, traces))
    differ(verdict, 'problems', problems, found.problems)
    differ(verdict, 'what nobody accounts for', [], found.odd)
  }
  return cases.map(({ verdict }) => verdict)
}

/** The sample through the hook alone; what the brake of the stack would hold is left out. */
async function casesOf(hook: HookProcess, { schedules, seed }: Sample): Promise<Foreseen[]> {
  const drawn = Array.from({ length: schedules * DRAWN }, (_, number) =>
    withInterval(scheduleOf(seed, number)),
  )
  const all = await foresee(hook, drawn)
  return all
    .filter(({ verdict, traces }) => !isBraked(factsOf(verdict.schedule, traces)))
    .slice(0, schedules)
}

/** The hook's own default by its name, since a stack has another one. */
function withInterval(schedule: Schedule): Schedule {
  return {
    ...schedule,
    lives: schedule.lives.map((life) => ({
      ...life,
      arguments: { interval: -1, ...life.arguments },
    })),
  }
}
