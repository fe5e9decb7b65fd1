import { clockTime } from '../times.ts'
import type { Live } from '../use-live.ts'

/** When the server last answered, and what went wrong since. */
export function Heard({ live }: { live: Live<unknown> }) {
  const { heardMs, failure } = live
  const heard = heardMs === undefined ? '' : `heard at ${clockTime(heardMs)}`
  return (
    <div class="heard">
      <p role="status" class={failure ? 'failure' : ''}>
        {failure &&
          (failure.status === undefined ? `No connection: ${failure.message}` : failure.message)}
      </p>
      <p class={failure ? 'pulse lost' : 'pulse'}>
        {failure ? `last ${heard || 'heard: never'}, trying again` : heard && `live, ${heard}`}
      </p>
    </div>
  )
}
