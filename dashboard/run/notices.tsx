import { printable } from '../../cli/output/printable.ts'
import type { RunAnswer } from '../../lib/query/describe-run.ts'
import { counted } from '../numbers.ts'

/** What somebody has to know or do. */
export function Notices({ run: { run, held, waits_for, publish_due } }: { run: RunAnswer }) {
  const said = [
    held &&
      `New options would evict ${counted(held.evicts, 'checkpoint')} at once, and are held: see ckpt apply ${shellWord(run)}`,
    waits_for !== undefined && `Publishing waits for the upload of ${printable(waits_for)}`,
    publish_due &&
      'Another end of training (ckpt done) would publish other files than the newest one did',
  ].filter((text) => typeof text === 'string')
  if (said.length === 0) return null
  return (
    <ul class="notices">
      {said.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  )
}

/** A name as a shell takes it; of one that cannot be typed it is shown what it is. */
function shellWord(text: string): string {
  const shown = printable(text)
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`
}
