/** A trainer that uploads what a schedule tells, in its order, as any S3 client does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nameIn } from '../ours.ts'
import { isDirectoryAt, type Schedule } from '../schedule.ts'
import { type Deed, isToBeAnnounced, type LifeTrace, lastNamedBy } from '../trainer-trace.ts'
import { eventText, logName, logText } from '../validations.ts'

/** S3 tells whole seconds: clients leave two between what ends a life and what begins the next. */
const BETWEEN_LIVES_MS = 2000

/** What a trainer has to upload, and how. */
export interface Trainer {
  /** Uploads a file of the run by its name. */
  put: (name: string, body: Buffer | string) => Promise<void>
  /** What stands for the `out_dir` of the schedule: on the stack each sample has its own. */
  outDir: string
  schedule: Schedule
  traces: readonly LifeTrace[]
  /** A whole checkpoint with bytes of its own for each upload. */
  nextCheckpoint: () => Buffer
}

/** Uploads a whole schedule; returns when the last object is there. */
export async function train(trainer: Trainer): Promise<void> {
  const { schedule, traces } = trainer
  let told: string | undefined
  let metrics = 0
  for (const [index, life] of schedule.lives.entries()) {
    const trace = traces.find((each) => each.index === index)
    if (index > 0) await sleep(BETWEEN_LIVES_MS)
    const begins = trace !== undefined && index > 0 && isToBeAnnounced(schedule, trace, traces)
    if (begins) await trainer.put('before_train.json', '{}')
    const named = life.arguments
    const isElsewhere = named['out_dir'] === 'out'
    const text = JSON.stringify(isElsewhere ? { ...named, out_dir: trainer.outDir } : named)
    if (text !== told) await trainer.put('checkpoint_hook.json', text)
    told = text
    for (const deed of trace?.deeds ?? []) {
      if (deed.kind === 'validation') metrics += 1
      if (trace !== undefined) await perform(trainer, trace, deed, metrics)
    }
  }
}

async function perform(
  trainer: Trainer,
  trace: LifeTrace,
  deed: Deed,
  metrics: number,
): Promise<void> {
  switch (deed.kind) {
    case 'upload': {
      const name = nameIn(trace.told, deed.step)
      const isDirectory = isDirectoryAt(trace.layout, deed.step)
      await (isDirectory
        ? putDirectory(trainer, name)
        : trainer.put(name, trainer.nextCheckpoint()))
      return
    }
    case 'validation': {
      await (trainer.schedule.metrics === 'log'
        ? trainer.put(logName(trace), logText(trace, deed))
        : trainer.put(`metrics/${metrics}.json`, eventText(deed)))
      return
    }
    case 'end': {
      const last = lastNamedBy(trainer.schedule, trace)
      const named = last === undefined ? {} : { last: nameIn(trace.told, last) }
      await trainer.put('after_train.json', JSON.stringify(named))
    }
  }
}

/** A directory as DeepSpeed saves it, and the marker that names its files, last. */
async function putDirectory(trainer: Trainer, name: string): Promise<void> {
  const files = [
    { name: 'mp_rank_00_model_states.pt', body: trainer.nextCheckpoint() },
    { name: 'zero/rank_0_optim_states.pt', body: Buffer.from(`optimizer of ${name}`) },
  ]
  for (const file of files) await trainer.put(`${name}/${file.name}`, file.body)
  const listed = files.map((file) => ({ name: file.name, size: file.body.byteLength }))
  await trainer.put(`${name}/.complete.json`, JSON.stringify({ files: listed }))
}
