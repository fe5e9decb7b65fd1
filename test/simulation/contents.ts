/** What trainers upload: checkpoints and texts, each made once, so that the same content is the same bytes. */
import { dict, floatTensor, pickleOf, text } from '../fixtures/pickle-bytes.ts'
import { checkpointOf } from '../fixtures/zip-bytes.ts'

/** The name of the file that names those of a directory. */
export const DIRECTORY_MARKER = '.complete.json'

/** What lies in an object. */
export type Content =
  /** A file that torch would load. */
  | { readonly kind: 'checkpoint'; readonly words: string; readonly shape: Shape }
  | { readonly kind: 'text'; readonly text: string }
  /** The file that names those of a directory. */
  | { readonly kind: 'marker'; readonly words: string; readonly names: readonly string[] }

/** Whole, with an optimizer and schedulers or without; or cut off, as an upload that was interrupted leaves it. */
export type Shape = 'whole' | 'bare' | 'torn'

const made = new Map<string, Uint8Array>()

export function bytesOf(content: Content): Uint8Array {
  const name = JSON.stringify(content)
  const known = made.get(name)
  if (known !== undefined) return known
  const bytes = content.kind === 'checkpoint' ? checkpoint(content) : utf8(textOf(content))
  made.set(name, bytes)
  return bytes
}

/** Of two uploads of a directory the markers are the same bytes where the files are as long. */
function textOf(content: Exclude<Content, { kind: 'checkpoint' }>): string {
  if (content.kind === 'text') return content.text
  const { names, words } = content
  const size = utf8(fileText(words, names[0] ?? '')).byteLength
  return JSON.stringify({ files: names.map((name) => ({ name, size })) })
}

/** What lies in a file of a directory. */
export function fileText(words: string, name: string): string {
  return `${name} of ${words}`
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function checkpoint({ words, shape }: Extract<Content, { kind: 'checkpoint' }>): Uint8Array {
  const weights = new Uint8Array(new Float32Array([words.length, 1, 2, 3]).buffer)
  const whole = checkpointOf(
    pickleOf(
      dict({
        meta: dict({ words: text(words) }),
        state_dict: dict({ weight: floatTensor('0', 4) }),
        ...(shape !== 'bare' && {
          optimizer: dict({ state: text(`of ${words}`) }),
          param_schedulers: dict({ state: text(`of ${words}`) }),
        }),
      }),
    ),
    { 0: weights },
  )
  return shape === 'torn' ? whole.slice(0, whole.byteLength - 40) : whole
}
