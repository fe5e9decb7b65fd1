/** Random arguments of the hook, as `checkpoint_hook.json` would name them: valid, changed, invalid. */
import type { Chance } from './chance.ts'
import type { Arguments, Json } from './schedule.ts'

/** Every argument of the hook. */
export const ARGUMENTS = [
  'interval',
  'by_epoch',
  'save_optimizer',
  'save_param_scheduler',
  'out_dir',
  'max_keep_ckpts',
  'save_last',
  'save_best',
  'rule',
  'greater_keys',
  'less_keys',
  'file_client_args',
  'filename_tmpl',
  'backend_args',
  'published_keys',
  'save_begin',
] as const
export type Argument = (typeof ARGUMENTS)[number]

const TEMPLATES = ['model-{}.pth', 'ckpt{}.bin', '{}.pth', 'a.b_{}.pth', 'weights_{}'] as const
const KEYS = ['meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers', 'ema'] as const

/** Valid arguments; each is named or left to its default. */
export function randomArguments(chance: Chance, byEpoch: boolean, metrics: string[]): Arguments {
  const named: Arguments = {}
  const name = (argument: Argument, probability: number, value: () => Json): void => {
    if (chance.happens(probability)) named[argument] = value()
  }
  // The series stays over all lives, so the hook's default may stand only where it is meant.
  if (!byEpoch || chance.happens(0.5)) named['by_epoch'] = byEpoch
  name('filename_tmpl', 0.25, () =>
    chance.happens(0.2) ? `${byEpoch ? 'epoch' : 'iter'}_{}.pth` : chance.one(TEMPLATES),
  )
  name('out_dir', 0.1, () => chance.one([null, 'out']))
  for (const argument of CHANGEABLE)
    name(argument, NAMED[argument], drawn(chance, argument, metrics))
  repairRules(chance, named)
  return named
}

/** What a person changes between two lives; the name of a checkpoint stays. */
const CHANGEABLE = [
  'interval',
  'save_optimizer',
  'save_param_scheduler',
  'max_keep_ckpts',
  'save_last',
  'save_best',
  'rule',
  'greater_keys',
  'less_keys',
  'file_client_args',
  'backend_args',
  'published_keys',
  'save_begin',
] as const
type Changeable = (typeof CHANGEABLE)[number]

const NAMED: Record<Changeable, number> = {
  interval: 0.9,
  save_optimizer: 0.15,
  save_param_scheduler: 0.15,
  max_keep_ckpts: 0.75,
  save_last: 0.4,
  save_best: 0.75,
  rule: 0.3,
  greater_keys: 0.1,
  less_keys: 0.1,
  file_client_args: 0.04,
  backend_args: 0.04,
  published_keys: 0.5,
  save_begin: 0.3,
}

function drawn(chance: Chance, argument: Changeable, metrics: string[]): () => Json {
  switch (argument) {
    case 'interval':
      return () => (chance.happens(0.1) ? chance.one([0, -1, -3]) : chance.between(1, 5))
    case 'save_optimizer':
    case 'save_param_scheduler':
    case 'save_last':
      return () => chance.happens(0.5)
    case 'max_keep_ckpts':
      return () => (chance.happens(0.2) ? chance.one([-1, 0, 100]) : chance.between(1, 4))
    case 'save_best':
      return () => saveBest(chance, metrics)
    case 'rule':
      return () => chance.one(['greater', 'less', null, ['greater'], ['less']])
    case 'greater_keys':
      return () => chance.one([null, 'FID', ['loss', 'F1'], [], ['RECALL']])
    case 'less_keys':
      return () => chance.one([null, 'FID', ['acc', 'fid'], []])
    case 'file_client_args':
      return () => ({ backend: 'disk' })
    case 'backend_args':
      return () => ({ backend: 'local' })
    case 'published_keys':
      return () => publishedKeys(chance)
    case 'save_begin':
      return () => chance.between(0, 6)
  }
}

function saveBest(chance: Chance, metrics: string[]): Json {
  if (chance.happens(0.25)) return chance.one<Json>(['auto', ['auto'], null, []])
  const some = chance.shuffled(metrics).slice(0, chance.between(1, 3))
  const [first = 'acc'] = some
  return some.length === 1 && chance.happens(0.6) ? first : some
}

function publishedKeys(chance: Chance): Json {
  if (chance.happens(0.1)) return null
  if (chance.happens(0.1)) return 'state_dict'
  return chance.shuffled(KEYS).slice(0, chance.between(0, 4))
}

/** Most arguments are to be valid: a rule for what infers none, as many as there are metrics. */
function repairRules(chance: Chance, named: Arguments): void {
  const best = named['save_best']
  if (!Array.isArray(best) && typeof best !== 'string') {
    if (Array.isArray(named['rule']) && chance.happens(0.9)) delete named['rule']
    return
  }
  if (chance.happens(0.1)) return
  const count = Array.isArray(best) ? best.length : 1
  const rule = () => chance.one(['greater', 'less'])
  if (chance.happens(0.3)) named['rule'] = Array.from({ length: count }, rule)
  else if (named['rule'] === undefined && chance.happens(0.7)) named['rule'] = rule()
}

/** The arguments with a few of them drawn again, as a person changes them between two lives. */
export function changedArguments(
  chance: Chance,
  before: Arguments,
  byEpoch: boolean,
  metrics: string[],
): Arguments {
  const others = randomArguments(chance, byEpoch, metrics)
  const named = { ...before }
  const changed = chance.shuffled(CHANGEABLE).slice(0, chance.between(1, 4))
  for (const argument of changed) {
    delete named[argument]
    const value = others[argument]
    if (value !== undefined) named[argument] = value
  }
  repairRules(chance, named)
  return named
}

/** Values that the hook refuses, trips over later, or takes although they make no sense. */
const FAULTS: readonly [Arguments, ...Arguments[]] = [
  { interval: 'two' },
  { interval: 2.5 },
  { interval: null },
  { by_epoch: 'yes' },
  { save_optimizer: 1 },
  { save_param_scheduler: 'no' },
  { out_dir: 5 },
  { max_keep_ckpts: '3' },
  { max_keep_ckpts: null },
  { max_keep_ckpts: 20_000 },
  { save_last: 0 },
  { save_best: 3 },
  { save_best: ['acc', 1] },
  { save_best: { acc: 'greater' } },
  { save_best: ['acc', 'acc'] },
  { save_best: ['auto', 'acc'] },
  { save_best: 'FID', rule: null },
  { save_best: 'acc', rule: 'bigger' },
  { save_best: ['acc', 'loss'], rule: ['greater', 'smaller'] },
  { save_best: ['acc', 'loss'], rule: ['greater', 'less', 'less'] },
  { save_best: 'acc', rule: 7 },
  { save_best: null, rule: ['greater'] },
  { save_best: null, rule: ['greater', 'less'] },
  { greater_keys: 5 },
  { greater_keys: ['acc', null] },
  { less_keys: [1] },
  { file_client_args: 'disk' },
  { backend_args: ['local'] },
  { file_client_args: { backend: 'disk' }, backend_args: { backend: 'local' } },
  { filename_tmpl: 'model.pth' },
  { filename_tmpl: '{}_{}.pth' },
  { filename_tmpl: 'model_{:03d}.pth' },
  { filename_tmpl: 'model_{' },
  { filename_tmpl: 5 },
  { filename_tmpl: 'iter_{}.pth', by_epoch: true },
  { filename_tmpl: 'epoch_{}.pth', by_epoch: false },
  { published_keys: 5 },
  { published_keys: ['meta', 1] },
  { published_keys: ['meta', 'meta'] },
  { save_begin: -1 },
  { save_begin: '1' },
  { save_begin: 1.5 },
  { save_begin: null },
  { keep_every: 5 },
  { type: 'CheckpointHook', colour: 'blue' },
]

/** The arguments with something wrong in one of them, rarely in two. */
export function faultyArguments(chance: Chance, named: Arguments): Arguments {
  const faulty = { ...named, ...chance.one(FAULTS) }
  return chance.happens(0.1) ? { ...faulty, ...chance.one(FAULTS) } : faulty
}
