/** Ends processes of functions at random moments, while they work. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../oracle/chance.ts'
import { busyOf, type FunctionProcess } from './processes.ts'

/** A process that was killed, and when: seconds after the killer began. */
export interface Kill extends FunctionProcess {
  seconds: number
}

export interface KillerSetting {
  kills: number
  /** The processes there are; only these are ever ended. */
  processes: () => Promise<readonly FunctionProcess[]>
  chance: Chance
  /** The mean of the pauses between two kills. */
  pauseMs: number
  onKill: (kill: Kill, made: number) => void
}

/**
 * Kills until so many kills were made, or it is told to stop.
 *
 * The function is drawn first, then the process: else hardly any but the one with the most processes
 * would be hit.
 */
export async function killAtRandom(setting: KillerSetting, signal: AbortSignal): Promise<Kill[]> {
  const { chance } = setting
  const began = performance.now()
  const made: Kill[] = []
  while (made.length < setting.kills && !signal.aborted) {
    await sleep(2 * setting.pauseMs * chance.next())
    const busy = await busyOf(await setting.processes())
    const names = [...new Set(busy.map(({ name }) => name))]
    const name = names[chance.between(0, Math.max(0, names.length - 1))]
    const [victim] = chance.shuffled(busy.filter((each) => each.name === name))
    if (victim === undefined || !kill(victim.pid)) continue
    const seconds = (performance.now() - began) / 1000
    made.push({ ...victim, seconds })
    setting.onKill({ ...victim, seconds }, made.length)
  }
  return made
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
