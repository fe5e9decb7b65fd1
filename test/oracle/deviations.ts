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

/**
 * Of any schedule: what the hub does otherwise, and why. Each is applied to what MMEngine's hook is told
 * or left, nowhere wider than it says, and counted.
 */
export const REASONS = {
  'strict types':
    'the hook takes an argument of another type and trips over it while training, or reads 0 as false; ' +
    'the hub refuses it when the file is read, while nothing has happened yet',
  'one {} in filename_tmpl':
    'the hook formats whatever it is given: without a "{}" every checkpoint has one name, with two it ' +
    'fails at the first save; the hub reads steps from names, and refuses the template',
  'template of the other series':
    'the hook would name epochs "iter_…", or iterations "epoch_…"; the hub tells the series by the name, ' +
    'and asks for by_epoch beside it',
  'limit of max_keep_ckpts':
    'the deque is one entry of the table, so that a limit above 10,000 is refused',
  'rule list without save_best':
    'the hook fails with "NoneType has no len()" for a list of one rule, or of none, without any metric; ' +
    'it is harmless',
  'a refused life':
    'a trainer whose arguments either side refuses does not train; the run goes on with its other lives',
  'unknown arguments':
    'the hook hands them to the runner, whose save_checkpoint fails on them; the hub keeps and reports them',
  'missing metric':
    'a tracked key that is missing from the metrics ends the training in the hook; in the hub it is a ' +
    'problem of that metric, and the others go on',
  'auto without a rule':
    'auto on a metric whose rule cannot be inferred ends the training in the hook; in the hub it is a ' +
    'problem, and the next metrics decide',
  'auto stays':
    'a resumed hook reads auto anew from the first metrics it sees and compares with the score of another ' +
    'metric; the hub fixes auto for the whole run',
  'best of the whole run':
    'a resumed hook knows only the scores that its checkpoint holds, and compares a changed save_best or ' +
    'rule with the score of another one; the hub compares like with like, over all lives',
  'deque of the whole run':
    'the hook keeps no steps while max_keep_ckpts is unlimited, so that files from before a limit stay for ' +
    'good, and keeps stale ones after it; the hub counts what is there',
  'unset best is not published':
    'the hook fails while publishing the best of a metric that was never set; the hub publishes the others',
  'file_client_args removes no directory':
    'with file_client_args the hook reaches files by a client that has no rmtree, and fails where a ' +
    'directory is to go; what it is named otherwise, backend_args, has one',
  'directories are not copied':
    'the hook has a strategy save the best once more, as a directory; the hub cannot rewrite one without ' +
    'its optimizer, so that the best is the directory itself, and stays',
  'directories are not published':
    'the hook fails where it is to publish a directory; the hub refuses it with a reason, keeps it, and ' +
    'publishes the others',
  'checkpoints stay in the run':
    'the hook puts checkpoints into out_dir, too; in the bucket they stay where the trainer puts them, ' +
    'and only what the hub writes goes there',
  'newest stays':
    'an off-interval upload stays while it is the newest, and is the last: a trainer resumes from it',
  'never is no series':
    'with an interval of 0 or less the hook saves nothing regular; what a trainer uploads all the same is ' +
    'outside no series, and stays',
  'last of an early stop':
    'save_last does not fire where training stops early; the hub takes the last from after_train.json',
  'abandoned steps age out':
    'steps that a resume abandoned leak in the hook, whose deque has forgotten them; in the hub they age ' +
    'out by upload time beside the deque of the newest life',
} as const
export type DeviationName = keyof typeof REASONS
