/**
 * Where the hub leaves on purpose something else than MMEngine's hook did, each with its reason.
 * What is not named here has to be the same.
 */
import type { LeftByHook } from '../../examples/train/recording.ts'

/** What one run leaves otherwise. */
export interface Deviation {
  reason: string
  /** Beside the hook's checkpoints these stay, too. */
  alsoKept?: readonly string[]
  /** The hub's last checkpoint, instead of the hook's. */
  last?: string
}

/** By the variant's name; the recorded run itself deviates in nothing. */
export const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  'every fourth without the last': {
    reason:
      'an off-interval upload stays while it is the newest: the bucket has no other copy of it, ' +
      'and a trainer resumes from it',
    alsoKept: ['epoch_10.pth'],
    last: 'epoch_10.pth',
  },
  'only best': {
    reason:
      'the hook saved nothing but best files; a trainer that uploads although the interval says ' +
      'never wants what it uploads, so that nothing is evicted for being outside the series',
    alsoKept: Array.from({ length: 10 }, (_, at) => `epoch_${at + 1}.pth`),
    last: 'epoch_10.pth',
  },
}

/** What the hub is to leave where the hook left this. */
export function expectedOfHub(variant: string, left: LeftByHook): LeftByHook {
  const deviation = DEVIATIONS[variant]
  if (deviation === undefined) return left
  const last = deviation.last ?? left.last_checkpoint
  return {
    ...left,
    checkpoints: [...left.checkpoints, ...(deviation.alsoKept ?? [])],
    last_checkpoint: last,
    runtime_info: { ...left.runtime_info, ...(last !== null && { last_ckpt: last }) },
  }
}
