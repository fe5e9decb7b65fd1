/** A change as one line. */
import { readableSize } from '../output/sizes.ts'
import type { Change } from './changes.ts'

/** What changed, in words; names are as they are, to be made printable by whoever prints. */
export function wordsOf(change: Change): string {
  switch (change.change) {
    case 'state': {
      const { last_ckpt, best, kept, evicted, problems } = change
      const scores = best.map(({ metric, score, step }) => `best ${metric} ${score} at ${step}`)
      const counts = `${kept} kept, ${evicted} evicted`
      return [
        last_ckpt === undefined ? 'no checkpoint yet' : `last ${nameIn(last_ckpt)}`,
        ...scores,
        counts,
        ...(problems > 0 ? [`${problems} problems`] : []),
      ].join('; ')
    }
    case 'checkpoint':
      return `${change.series} ${change.step}, ${readableSize(change.size_bytes)}: ${change.reason}`
    case 'fate':
      return `${change.series} ${change.step} was ${change.was}; ${change.reason}`
    case 'metrics': {
      const values = Object.entries(change.metrics).map(([metric, value]) => `${metric} ${value}`)
      return `${change.series} ${change.step}: ${values.join(', ')}`
    }
    case 'best':
      return `${change.metric} ${change.score} at ${change.step}; the copy is ${change.state}`
    case 'file':
      return `${change.key}: ${[change.kind, change.state].filter(Boolean).join(', ')}`
    case 'problem':
      return `${change.severity}: ${change.key}: ${change.field}: ${change.reason}`
    case 'held':
      return change.evicts === 0 ? 'nothing any more' : `${change.evicts} evictions: see ckpt apply`
    case 'ended':
      return 'training ended, and all that it asked for is done'
  }
}

function nameIn(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}
