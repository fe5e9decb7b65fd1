/** The trainers of a round: each uploads its schedule, at its own pace, and notes what S3 answered. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { type Chance, chanceOf } from '../oracle/chance.ts'
import type { Foreseen } from '../oracle/compare.ts'
import { train } from '../oracle/on-stack/trainer.ts'
import type { Uploaded } from './judge-history.ts'

/** A training, what MMEngine's hook left of it, and what was uploaded so far. */
export interface Training {
  run: string
  foreseen: Foreseen
  uploads: Uploaded[]
}

export interface Gym {
  s3: S3Client
  bucket: string
  /** Between two uploads, on average. */
  paceMs: number
  nextCheckpoint: () => Buffer
}

/** Uploads all of a training. */
export async function trainIn(gym: Gym, training: Training): Promise<void> {
  const { schedule } = training.foreseen.verdict
  const chance: Chance = chanceOf(schedule.seed, ~schedule.number)
  await train({
    outDir: '',
    schedule,
    traces: training.foreseen.traces,
    nextCheckpoint: gym.nextCheckpoint,
    put: async (name, Body) => {
      if (gym.paceMs > 0) await sleep(2 * gym.paceMs * chance.next())
      const Key = `${training.run}/${name}`
      const { VersionId = '', ETag = '' } = await gym.s3.send(
        new PutObjectCommand({ Bucket: gym.bucket, Key, Body }),
      )
      training.uploads.push({ key: Key, versionId: VersionId, etag: ETag.replaceAll('"', '') })
    },
  })
}
