/**
 * What becomes of directory checkpoints where the hub deviates: none is copied as a best, and none is
 * published. It stays instead, and is the best itself.
 */
import type { BestFile, HookResult } from './hook-process.ts'
import { nameIn } from './ours.ts'
import { isDirectoryAt } from './schedule.ts'
import { isEnded, type LifeTrace, savingOf } from './trainer-trace.ts'

/** An upload of a life that is a directory. */
interface Directory {
  life: LifeTrace
  step: number
}

/** The directory that a best file of the hook stands for; nothing where that is a file. */
export function directoryOf(
  [path, place]: BestFile,
  traces: readonly LifeTrace[],
): Directory | undefined {
  const life = traces[place]
  const step = life?.steps.find((each) => path.endsWith(`_${nameIn(life.told, each)}`))
  if (life === undefined || step === undefined) return undefined
  return isDirectoryAt(life.layout, step) ? { life, step } : undefined
}

/** Directories that stay beyond the deque: every best, and what an end was to publish. */
export function uncopiedOf(result: HookResult, traces: readonly LifeTrace[]): Directory[] {
  const toPublish = traces.filter(
    (life) => isEnded(life) && (life.told.arguments['published_keys'] ?? null) !== null,
  )
  const bests = [...result.ever_best, ...toPublish.flatMap(({ hook }) => hook.bests)].flatMap(
    (best) => directoryOf(best, traces) ?? [],
  )
  const lasts = toPublish
    .filter(({ told }) => savingOf(told.arguments).saveLast)
    .flatMap((life): Directory[] => {
      const step = life.steps.at(-1)
      return step !== undefined && isDirectoryAt(life.layout, step) ? [{ life, step }] : []
    })
  return [...bests, ...lasts].filter((each) => isStanding(each, traces))
}

/** The message hub with the directories themselves as bests; one that a later life replaced is none. */
export function withDirectories(
  result: HookResult,
  traces: readonly LifeTrace[],
): HookResult['runtime_info'] {
  const info = { ...result.runtime_info }
  const bests = [...(traces.at(-1)?.hook.bests ?? []), ...result.ever_best]
  for (const [key, path] of Object.entries(result.runtime_info)) {
    if (!key.startsWith('best_ckpt')) continue
    const best = bests.find(([each]) => each === path)
    const directory = best && directoryOf(best, traces)
    if (directory === undefined) continue
    if (isStanding(directory, traces)) {
      info[key] = `exp/${nameIn(directory.life.told, directory.step)}`
    } else {
      delete info[key]
      delete info[key.replace('best_ckpt', 'best_score')]
    }
  }
  return info
}

function isStanding({ life, step }: Directory, traces: readonly LifeTrace[]): boolean {
  return traces.findLast(({ steps }) => steps.includes(step)) === life
}
