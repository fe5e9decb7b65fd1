import { useEffect, useState } from 'preact/hooks'
import { printable } from '../../cli/output/printable.ts'

const SHOWN_MS = 1_500

/**
 * Puts a text on the clipboard, and says that it did. What cannot be seen is written out there too: a line end in a
 * name would be a command to the terminal that it is pasted into.
 */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return
    const timer = setTimeout(() => setSaid(''), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () => {
    navigator.clipboard.writeText(printable(text)).then(
      () => setSaid('Copied'),
      () => setSaid('Not allowed'),
    )
  }
  return (
    <button type="button" class="copy" onClick={copy} aria-label={`Copy ${printable(what)}`}>
      <span aria-live="polite">{said || 'Copy'}</span>
    </button>
  )
}
