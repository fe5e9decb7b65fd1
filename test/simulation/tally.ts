/** What was counted: how often each fault struck, and which calls were crash points. */
import { type CallFault, CRASHES, type WorldFault } from './faults.ts'
import type { Strike } from './schedule.ts'

/** How often a place was called, and how often each fault met it. */
export type SiteCount = { calls: number } & Partial<Record<CallFault, number>>

/** A schedule by its number, with what besides, and how much happened in it. */
export interface Sight {
  readonly number: number
  readonly strikes: readonly Strike[]
  readonly steps: number
}

/** A tally as JSON has it. */
export interface Told {
  readonly faults: Record<string, number>
  readonly sites: Record<string, SiteCount>
  readonly acts: Record<string, number>
  readonly seenIn: Record<string, Sight>
}

export class Tally {
  readonly faults = new Map<string, number>()
  readonly sites = new Map<string, SiteCount>()
  readonly acts = new Map<string, number>()
  /** By place the shortest schedule in which it was seen, the first of these. */
  readonly seenIn = new Map<string, Sight>()

  called(site: string, fault: CallFault | undefined): void {
    const count = this.sites.get(site) ?? { calls: 0 }
    this.sites.set(site, count)
    count.calls += 1
    if (fault === undefined) return
    count[fault] = (count[fault] ?? 0) + 1
    this.struck(fault)
  }

  struck(fault: CallFault | WorldFault): void {
    add(this.faults, fault, 1)
  }

  acted(what: string): void {
    add(this.acts, what, 1)
  }

  /** @param sight the schedule that the other counted */
  addSchedule(sight: Sight, other: Tally): void {
    this.addAll(other)
    for (const site of other.sites.keys()) this.#see(site, sight)
  }

  addAll(other: Tally): void {
    for (const [site, sight] of other.seenIn) this.#see(site, sight)
    for (const [fault, count] of other.faults) add(this.faults, fault, count)
    for (const [act, count] of other.acts) add(this.acts, act, count)
    for (const [site, counts] of other.sites) {
      const known = this.sites.get(site) ?? { calls: 0 }
      this.sites.set(site, known)
      for (const [name, count] of Object.entries(counts)) {
        const fault = name as keyof SiteCount
        known[fault] = (known[fault] ?? 0) + count
      }
    }
  }

  #see(site: string, sight: Sight): void {
    const known = this.seenIn.get(site)
    if (known === undefined || sight.steps < known.steps) this.seenIn.set(site, sight)
  }

  /** What never struck at a place that was called. */
  missing(): Strike[] {
    return [...this.sites].flatMap(([site, counts]) =>
      CRASHES.filter((crash) => (counts[crash] ?? 0) === 0).map((fault) => ({ site, fault })),
    )
  }

  toJSON(): Told {
    return {
      faults: Object.fromEntries(this.faults),
      sites: Object.fromEntries(this.sites),
      acts: Object.fromEntries(this.acts),
      seenIn: Object.fromEntries(this.seenIn),
    }
  }

  static from({ faults, sites, acts, seenIn }: Told): Tally {
    const tally = new Tally()
    for (const [name, count] of Object.entries(faults)) tally.faults.set(name, count)
    for (const [name, count] of Object.entries(sites)) tally.sites.set(name, count)
    for (const [name, count] of Object.entries(acts)) tally.acts.set(name, count)
    for (const [name, sight] of Object.entries(seenIn)) tally.seenIn.set(name, sight)
    return tally
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count)
}
