/**
 * What stays where lives overlap, the deviation that no input of the hook can bring about: checkpoints
 * of abandoned steps age out by upload time, beside the deque of the newest life. Where lives do not
 * overlap this is the hook's own deque, and held to it.
 */
import { isEnded, type LifeTrace, savingOf } from './trainer-trace.ts'

interface Standing {
  life: LifeTrace
  step: number
  /** Whether it counts in the deque: the hook saved it, or it is the last of an end. */
  member: boolean
}

/** What stays, by life and step. */
export interface Aged {
  members: Standing[]
  strays: Standing[]
}

/** Goes through all lives, upload by upload. */
export function aged(traces: readonly LifeTrace[]): Aged {
  // In order of upload time: a step that is uploaded again stands at its new place.
  const present = new Map<number, Standing>()
  let newest: LifeTrace | undefined
  for (const life of traces) {
    const { keep, saveLast } = savingOf(life.told.arguments)
    evictMembers(present, keep, newest)
    const last = isEnded(life) && saveLast ? life.steps.at(-1) : undefined
    for (const step of life.steps) {
      newest = life
      const member = life.hook.saved.includes(step) || step === last
      present.delete(step)
      present.set(step, { life, step, member })
      evictMembers(present, keep, newest)
    }
  }
  return stayingOf(present, traces, newest)
}

function evictMembers(
  present: Map<number, Standing>,
  keep: number,
  newest: LifeTrace | undefined,
): void {
  if (keep <= 0) return
  const members = [...present.values()].filter(({ member }) => member)
  const byTime = members.slice(-keep)
  const byStep = members
    .filter(({ life }) => life === newest)
    .toSorted((a, b) => a.step - b.step)
    .slice(-keep)
  for (const each of members) {
    if (!byTime.includes(each) && !byStep.includes(each)) present.delete(each.step)
  }
}

/** A stray goes once its life has something newer; that of an older life, once enough is newer by time. */
function stayingOf(
  present: Map<number, Standing>,
  traces: readonly LifeTrace[],
  newest: LifeTrace | undefined,
): Aged {
  const now = savingOf(traces.at(-1)?.told.arguments ?? {}).keep
  const uploads = traces.flatMap((life) => life.steps.map((step) => ({ life, step })))
  const isLatest = ({ life, step }: { life: LifeTrace; step: number }) =>
    uploads.findLast((each) => each.step === step)?.life === life
  const inTime = uploads.filter(isLatest)
  const strays = [...present.values()].filter((stray) => {
    if (stray.member) return false
    if (savingOf(stray.life.told.arguments).interval <= 0) return true
    if (stray.life.steps.some((step) => step > stray.step)) return false
    const place = inTime.findIndex(({ step }) => step === stray.step)
    return stray.life === newest || now <= 0 || inTime.length - place <= now
  })
  const members = [...present.values()].filter(({ member }) => member)
  return { members: members.toSorted(byLifeAndStep), strays }
}

function byLifeAndStep(a: Standing, b: Standing): number {
  return a.life.index - b.life.index || a.step - b.step
}
