/** One round of a campaign: a stack of its own, trainings at once, kills meanwhile, and the verdicts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { synthesise } from '../../local/cdk.ts'
import { type LocalCloud, type StackOutputs, startLocalCloud } from '../../local/cloud.ts'
import { chanceOf } from '../oracle/chance.ts'
import { foresee } from '../oracle/compare.ts'
import { HookProcess } from '../oracle/hook-process.ts'
import { savedCheckpoints } from '../oracle/on-stack/torch-files.ts'
import type { Verdict } from '../oracle/verdict.ts'
import { judge } from './judge.ts'
import { type Kill, killAtRandom } from './killer.ts'
import { type Pollers, startPollers } from './pollers.ts'
import { type FunctionProcess, workersOf } from './processes.ts'
import { quiet } from './quiet.ts'
import { trainingOf } from './schedules.ts'
import type { Round } from './settings.ts'
import { type Training, trainIn } from './training.ts'

/** What came of a round. */
export interface RoundResult {
  verdicts: Verdict[]
  /** Objects that the trainers uploaded, checkpoints among them. */
  objects: number
  kills: Kill[]
  /** Messages that were found in dead-letter queues and sent again. */
  redriven: number
  /** From the first upload until nothing was left to do. */
  seconds: number
}

/** Function time-outs as anybody sets them, and the sweep as often as its schedule allows. */
const TIMEOUT_SECONDS = 30
const CONTEXT = {
  ingestTimeoutSeconds: String(TIMEOUT_SECONDS),
  publishTimeoutSeconds: String(TIMEOUT_SECONDS),
  sweepTimeoutSeconds: String(TIMEOUT_SECONDS),
  sweepMinutes: '1',
}
/** A checkpoint with two such tensors is 64 KiB and its pickle. */
const WEIGHTS = 8192
/** Runs that are looked at in the end at a time: each starts a Python. */
const JUDGES = 2

/** Deploys, trains, kills, waits and judges. */
export async function playRound(round: Round, say: (line: string) => void): Promise<RoundResult> {
  const trainings = await trainingsOf(round)
  const cloud = await startLocalCloud()
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-campaign-'))
  let pollers: Pollers | undefined
  try {
    const outputs = await cloud.deploy({ context: CONTEXT })
    if (round.processes > 0) {
      await synthesise(cloud.endpoint, folder, { ...CONTEXT, stackName: 'CheckpointHub' })
      pollers = await startPollers(cloud, outputs, folder, round.processes, TIMEOUT_SECONDS)
    }
    const processes = pollers?.processes ?? (() => workersOf(cloud.group))
    return await play(round, { cloud, outputs, trainings, processes: async () => processes() }, say)
  } finally {
    await pollers?.stop()
    await cloud.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function trainingsOf(round: Round): Promise<Training[]> {
  const hook = await HookProcess.start()
  try {
    const each = round.uploads / round.runs
    const schedules = Array.from({ length: round.runs }, (_, at) =>
      trainingOf(round.seed, round.first + at, each),
    )
    return (await foresee(hook, schedules)).map((foreseen) => ({
      run: `campaign/${round.seed}/${foreseen.verdict.schedule.number}`,
      foreseen,
      uploads: [],
    }))
  } finally {
    await hook.stop()
  }
}

interface Stage {
  cloud: LocalCloud
  outputs: StackOutputs
  trainings: Training[]
  processes: () => Promise<readonly FunctionProcess[]>
}

async function play(
  round: Round,
  { cloud, outputs, trainings, processes }: Stage,
  say: (line: string) => void,
): Promise<RoundResult> {
  const s3 = new S3Client({ ...cloud.clientConfig, forcePathStyle: true })
  const dynamodb = new DynamoDBClient(cloud.clientConfig)
  const checkpoints = await savedCheckpoints(round.uploads, WEIGHTS)
  const gym = {
    s3,
    bucket: outputs.BucketName,
    paceMs: round.paceMs,
    nextCheckpoint: () => checkpoints.pop() ?? Buffer.of(),
  }
  const began = performance.now()
  const over = new AbortController()
  const killing = killAtRandom(
    {
      kills: round.kills,
      processes,
      chance: chanceOf(round.seed, -1 - round.first),
      pauseMs: round.killPauseMs,
      onKill: ({ name, pid, seconds }, made) =>
        say(`${seconds.toFixed(1)} s: kill ${made} of ${round.kills}: ${name}, process ${pid}`),
    },
    over.signal,
  )
  await Promise.all(trainings.map((training) => trainIn(gym, training)))
  const objects = trainings.reduce((sum, { uploads }) => sum + uploads.length, 0)
  say(`all ${objects} objects are uploaded after ${secondsSince(began)} s`)
  const redriven = await quiet(cloud, outputs, sayNowAndThen(began, say))
  over.abort()
  const kills = await killing
  const seconds = secondsSince(began)
  for (const { key, reason } of redriven) say(`re-driven: ${key ?? ''}: ${reason ?? 'not said'}`)
  say(`nothing is left to do after ${seconds} s; ${redriven.length} messages were re-driven`)
  const verdicts: Verdict[] = []
  const waiting = [...trainings]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      verdicts.push(await judge({ s3, dynamodb, outputs }, next))
    }
  }
  await Promise.all(Array.from({ length: JUDGES }, work))
  return { verdicts, objects, kills, redriven: redriven.length, seconds }
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 1000)
}

const SAY_AFTER_MS = 15_000

function sayNowAndThen(began: number, say: (line: string) => void) {
  let last = performance.now()
  return (outstanding: object): void => {
    if (performance.now() - last < SAY_AFTER_MS) return
    last = performance.now()
    say(`${secondsSince(began)} s: ${JSON.stringify(outstanding)}`)
  }
}
