/**
 * Which options are in force when: the run's `checkpoint_hook.json` in its versions, over the stack's
 * defaults.
 */

import {
  type ConsentFact,
  compareMoments,
  type History,
  type Moment,
  momentOf,
  type OptionsFact,
} from './history.ts'
import {
  type ArgumentFault,
  HookArgumentError,
  type HookOptions,
  type NamedArguments,
  resolveOptions,
} from './hook-arguments.ts'

/** A stretch of the history with one policy. */
export interface PolicyStage {
  /** Where it begins; nothing for the first one. */
  begins: Moment | undefined
  options: HookOptions
  /** The version of `checkpoint_hook.json` that it began with. */
  fact: OptionsFact | undefined
  /** How many evictions somebody agreed to that this version would make at once. */
  agreed: number
}

/** All stages in their order, and what is wrong with versions that changed nothing. */
export interface Policy {
  stages: PolicyStage[]
  faults: { fact: OptionsFact; fault: ArgumentFault }[]
}

/** The arguments of the hook that take something away; they hold from their file's own time only. */
const REMOVING = [
  'interval',
  'save_begin',
  'max_keep_ckpts',
  'save_optimizer',
  'save_param_scheduler',
] as const

/**
 * The stages of a run's policy. The first valid file governs names, metrics and published keys from the
 * start of the run; what evicts or strips holds from the file's own time. An invalid version changes nothing.
 *
 * @throws {HookArgumentError} where the stack's own defaults are invalid
 */
export function policyOf(history: History): Policy {
  const faults: Policy['faults'] = []
  const valid: { fact: OptionsFact; options: HookOptions }[] = []
  const inOrder = history.options.toSorted((a, b) =>
    compareMoments(momentOf('options', a), momentOf('options', b)),
  )
  for (const fact of inOrder) {
    const resolved = fact.fault ?? resolvedOrFault(history.stackArguments, fact.named)
    if ('reason' in resolved) faults.push({ fact, fault: resolved })
    else valid.push({ fact, options: resolved })
  }
  const [first] = valid
  const start = startingOptions(history.stackArguments, first?.fact.named)
  const later = valid.map(({ fact, options }, at): PolicyStage => {
    const agreed = agreedTo(fact, valid[at + 1]?.fact, history.consents)
    return { begins: momentOf('options', fact), options, fact, agreed }
  })
  return {
    stages: [{ begins: undefined, options: start, fact: undefined, agreed: 0 }, ...later],
    faults,
  }
}

/**
 * A consent counts while the version that it names is in force: what comes after the next version agrees to
 * nothing that anybody still sees.
 */
function agreedTo(
  fact: OptionsFact,
  next: OptionsFact | undefined,
  consents: ConsentFact[],
): number {
  const counting = consents.filter(
    (consent) => consent.fault === undefined && isInForce(consent, fact, next),
  )
  return Math.max(0, ...counting.map(({ evicts }) => evicts))
}

/** Whether a consent names a version of the options, and came while that was the newest valid one. */
export function isInForce(
  consent: ConsentFact,
  fact: OptionsFact,
  next: OptionsFact | undefined,
): boolean {
  const moment = momentOf('consent', consent)
  return (
    consent.optionsVersionId === fact.versionId &&
    compareMoments(momentOf('options', fact), moment) < 0 &&
    (next === undefined || compareMoments(moment, momentOf('options', next)) < 0)
  )
}

/** The stage that a moment lies in, as an index into the stages. */
export function stageAt(policy: Policy, moment: Moment): number {
  return policy.stages.findLastIndex(
    ({ begins }) => begins === undefined || compareMoments(begins, moment) <= 0,
  )
}

/** The options in force at a moment. */
export function optionsAt(policy: Policy, moment: Moment): HookOptions {
  return stageOf(policy, stageAt(policy, moment)).options
}

/** The options in force now: those of the newest valid version. */
export function optionsNow(policy: Policy): HookOptions {
  return stageOf(policy, policy.stages.length - 1).options
}

function stageOf(policy: Policy, index: number): PolicyStage {
  const stage = policy.stages[index]
  if (stage === undefined) throw new RangeError(`no stage ${index} of ${policy.stages.length}`)
  return stage
}

function startingOptions(stack: NamedArguments, first: NamedArguments | undefined): HookOptions {
  const named = { ...first }
  for (const argument of REMOVING) delete named[argument]
  return resolveOptions(stack, named)
}

function resolvedOrFault(
  stack: NamedArguments,
  named: NamedArguments,
): HookOptions | ArgumentFault {
  try {
    return resolveOptions(stack, named)
  } catch (error) {
    if (error instanceof HookArgumentError) return { field: error.field, reason: error.reason }
    throw error
  }
}
