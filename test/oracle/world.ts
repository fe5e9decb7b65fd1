/** What of a trainer's world a schedule has, beside the hook's arguments: the report counts it. */
import type { Schedule } from './schedule.ts'
import { isToBeAnnounced, type LifeTrace } from './trainer-trace.ts'

export const WORLD = [
  'all checkpoints are directories',
  'files and directories',
  'two ranks',
  'metrics by events',
  'metrics by a log that grows',
  'several lives',
  'a life that is told by its bytes alone',
  'a step uploaded again after a record',
  'both of these in one run',
  'killed',
  'stopped early',
] as const
export type World = (typeof WORLD)[number]

/** What a schedule has of it. */
export function worldOf(schedule: Schedule, traces: readonly LifeTrace[]): World[] {
  const isInferred = traces.some((life) => !isToBeAnnounced(schedule, life, traces))
  const isAgain = traces.some(
    ({ deeds, steps }) => deeds.filter(({ kind }) => kind === 'upload').length > steps.length,
  )
  const has: Record<World, boolean> = {
    'all checkpoints are directories': schedule.layout === 'directories',
    'files and directories': schedule.layout === 'even steps',
    'two ranks': schedule.ranks === 2,
    'metrics by events': schedule.metrics === 'events',
    'metrics by a log that grows': schedule.metrics === 'log',
    'several lives': traces.length > 1,
    'a life that is told by its bytes alone': isInferred,
    'a step uploaded again after a record': isAgain,
    'both of these in one run': isInferred && isAgain,
    killed: traces.some(({ told }) => told.killed),
    'stopped early': traces.some(({ told }) => told.stop !== null && !told.killed),
  }
  return WORLD.filter((each) => has[each])
}
