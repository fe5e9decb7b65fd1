/** What passes through the function when checkpoints shaped like real ones are published. */
import { beforeAll, describe, expect, it } from 'vitest'
import { lengthOf } from '../../../lib/checkpoint/layout.ts'
import {
  cutIntoParts,
  planRewrite,
  type RewritePlan,
  readCheckpoint,
} from '../../../lib/checkpoint/rewrite.ts'
import { runsOf } from '../../../lib/checkpoint/runs.ts'
import {
  type Shape,
  type StorageOrder,
  shapedCheckpoint,
} from '../../fixtures/shaped-checkpoints.ts'

const MIB = 1024 ** 2
const SHAPES = ['language model', 'GPT-2 medium', 'ResNet-50'] as const

interface Published {
  readonly plan: RewritePlan
  readonly sentBytes: number
}

async function publish(shape: Shape, sizeBytes: number, order: StorageOrder): Promise<Published> {
  const source = shapedCheckpoint(shape, sizeBytes, order)
  const plan = planRewrite(await readCheckpoint(source), (key) => key !== 'optimizer')
  const sent = cutIntoParts(plan).filter(({ kind }) => kind === 'send')
  return { plan, sentBytes: sent.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) }
}

describe.each([256, 1024, 4096])('of a checkpoint of %d MiB', (mib) => {
  describe.each(SHAPES)('shaped like a %s', (shape) => {
    let newer: Published
    let older: Published
    beforeAll(async () => {
      newer = await publish(shape, mib * MIB, 'newer')
      older = await publish(shape, mib * MIB, 'older')
    })

    it('at most 16 MiB do, in the order of newer torch', () => {
      expect(newer.sentBytes).toBeLessThanOrEqual(16 * MIB)
    })

    it('no more do than S3 cannot copy, and one part', () => {
      for (const { plan, sentBytes } of [newer, older]) {
        const short = runsOf(plan.copiedEntries).filter(
          ({ origin }) => origin.lengthBytes < 5 * MIB,
        )
        const shortBytes = short.reduce((sum, { origin }) => sum + origin.lengthBytes, 0)
        const newBytes = plan.pieces
          .filter(({ kind }) => kind === 'bytes')
          .reduce((sum, piece) => sum + lengthOf(piece), 0)
        expect(sentBytes).toBeLessThanOrEqual(5 * MIB + shortBytes + newBytes)
      }
    })

    if (shape !== 'language model') return
    it('at most 2 % of what is published do, or 6 MiB, in the order of torch 1.13', () => {
      const { plan, sentBytes } = older
      expect(sentBytes).toBeLessThanOrEqual(Math.max(6 * MIB, 0.02 * plan.sizeBytes))
    })
  })
})
