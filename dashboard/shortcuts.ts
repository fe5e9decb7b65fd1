/** Keys of the page. */
import { useLayoutEffect } from 'preact/hooks'

/** What the list under `?` says. */
export const SHORTCUTS: readonly (readonly [keys: string, does: string])[] = [
  ['?', 'this list'],
  ['r', 'the list of runs'],
  ['c', 'compare the runs that are chosen'],
  ['/', 'search'],
  ['j, k', 'the next and the previous run of a list'],
  ['Enter', 'open the run'],
  ['x', 'choose the run, to be compared'],
  ['← →', 'on the timeline: the checkpoint before and after; Home, End, Page Up and Down'],
  ['t', 'dark or light'],
]

/** Keys that somebody types a text with are not ours, nor those of the browser. */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  // With what is drawn, not a frame later: a key right after a choice acts on that choice.
  useLayoutEffect(() => {
    const act = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event.target)) return
      if (document.querySelector('dialog[open]') !== null) return
      const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    addEventListener('keydown', act)
    return () => removeEventListener('keydown', act)
  })
}

function isTyped(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return target.type !== 'checkbox'
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement
}

/** Moves the focus among the links of a list's rows. */
export function moveFocus(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('[data-row-link]')]
  const row = document.activeElement?.closest('tr')
  const at = links.findIndex((link) => link.closest('tr') === row)
  const next = at < 0 ? (by === 1 ? 0 : links.length - 1) : at + by
  links[Math.min(links.length - 1, Math.max(0, next))]?.focus()
}

/** Chooses the row that has the focus. */
export function chooseFocused(): void {
  const row = document.activeElement?.closest('tr')
  row?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click()
}
