/** The core scenarios, each with everything that a small training does to bring it about. */
import type { NamedArguments } from '../../lib/hook/hook-arguments.ts'
import { type Content, fileText } from './contents.ts'
import type { Act, Schedule } from './schedule.ts'

const RUN = 'run'
/** Whatever comes of an act is done before the next one, unless somebody dies meanwhile. */
const APART_MS = 20_000

export const SCENARIOS: readonly { readonly name: string; readonly schedule: Schedule }[] = [
  scenario('a save, and the eviction of the one before', [
    options({ max_keep_ckpts: 1 }),
    checkpoint(1),
    checkpoint(2),
  ]),
  scenario('a new best, whose copy takes the place of the one before', [
    options({ max_keep_ckpts: 1, save_best: 'acc' }),
    checkpoint(1),
    metrics(1, 0.3),
    checkpoint(2),
    metrics(2, 0.5),
  ]),
  scenario('the end of a training, which publishes the last and the best', [
    options({ save_best: 'acc', published_keys: ['meta', 'state_dict'] }),
    checkpoint(1),
    metrics(1, 0.3),
    ['after_train.json', { kind: 'text', text: '' }],
  ]),
  scenario('metrics that come once their checkpoint is evicted, and restore it', [
    options({ max_keep_ckpts: 1, save_best: 'acc' }),
    checkpoint(1),
    checkpoint(2),
    metrics(2, 0.3),
    metrics(1, 0.5),
  ]),
  scenario('the eviction of a directory', [
    options({ max_keep_ckpts: 1 }),
    ...directory(1),
    ...directory(2),
  ]),
]

type Upload = readonly [name: string, content: Content]

function scenario(name: string, uploads: readonly Upload[]): { name: string; schedule: Schedule } {
  const acts = uploads.map(
    ([name, content], at): Act => ({
      kind: 'put',
      atMs: at * APART_MS,
      key: `${RUN}/${name}`,
      content,
      what: 'an upload',
    }),
  )
  const services = {
    pageRows: 1000,
    pageItems: 1000,
    indexLagMs: 0,
    inParts: false,
    computesHashes: true,
  }
  const rates = { call: 0, stall: 0, message: 0 }
  const stackArguments = { interval: 1 }
  const schedule = {
    seed: 0,
    number: 0,
    run: RUN,
    stackArguments,
    brake: 10,
    acts,
    services,
    rates,
  }
  return { name, schedule }
}

function options(named: NamedArguments): Upload {
  return ['checkpoint_hook.json', { kind: 'text', text: JSON.stringify(named) }]
}

function checkpoint(step: number): Upload {
  return [`epoch_${step}.pth`, { kind: 'checkpoint', words: `step ${step}`, shape: 'whole' }]
}

function metrics(step: number, acc: number): Upload {
  return [
    `metrics/${step}.json`,
    { kind: 'text', text: JSON.stringify({ epoch: step, metrics: { acc } }) },
  ]
}

/** Two files, and the marker that names them. */
function directory(step: number): Upload[] {
  const words = `step ${step}`
  const names = ['rank_0.bin', 'rank_1.bin']
  return [
    ...names.map(
      (name): Upload => [`epoch_${step}/${name}`, { kind: 'text', text: fileText(words, name) }],
    ),
    [`epoch_${step}/.complete.json`, { kind: 'marker', words, names }],
  ]
}
