/**
 * Stripping: which top-level keys a checkpoint is not to have, by `save_optimizer` and
 * `save_param_scheduler`. The trainer uploads them all the same; they go once nobody resumes from them.
 */
import type { HookOptions } from './hook-arguments.ts'

const OPTIMIZER_KEYS = ['optimizer', 'optim_wrapper'] as const
const SCHEDULER_KEYS = ['param_schedulers'] as const

/** What a best copy leaves out: the hook saves it with `save_optimizer=False, save_param_scheduler=False`. */
export const BEST_DROPPED_KEYS: readonly string[] = [...OPTIMIZER_KEYS, ...SCHEDULER_KEYS]

/** The keys that the hook under these options would not have saved. */
export function unsavedKeys({ saveOptimizer, saveParamScheduler }: HookOptions): readonly string[] {
  return [...(saveOptimizer ? [] : OPTIMIZER_KEYS), ...(saveParamScheduler ? [] : SCHEDULER_KEYS)]
}
