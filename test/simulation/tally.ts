/** What was counted: how often each fault struck, and which calls were crash points. */
import { type CallFault, CRASHES, type WorldFault } from './faults.ts'

/** How often a place was called, and how often each fault met it. */
export type SiteCount = { calls: number } & Partial<Record<CallFault, number>>

export class Tally {
  readonly faults = new Map<string, number>()
  readonly sites = new Map<string, SiteCount>()
  readonly acts = new Map<string, number>()

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

  addAll(other: Tally): void {
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

  /** Places that were called and never were a crash point of some kind. */
  missing(): string[] {
    return [...this.sites].flatMap(([site, counts]) =>
      CRASHES.filter((crash) => (counts[crash] ?? 0) === 0).map((crash) => `${crash}: ${site}`),
    )
  }

  toJSON(): object {
    return {
      faults: Object.fromEntries(this.faults),
      sites: Object.fromEntries(this.sites),
      acts: Object.fromEntries(this.acts),
    }
  }

  static from(json: { faults: object; sites: object; acts: object }): Tally {
    const tally = new Tally()
    for (const [name, count] of Object.entries(json.faults)) tally.faults.set(name, count)
    for (const [name, count] of Object.entries(json.sites)) tally.sites.set(name, count)
    for (const [name, count] of Object.entries(json.acts)) tally.acts.set(name, count)
    return tally
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count)
}
