import { useLayoutEffect } from 'preact/hooks'

/** Gives the focus back to what had it: a row that moves within its list loses it on the way. */
export function useKeptFocus(): void {
  const focused = document.activeElement
  useLayoutEffect(() => {
    const isLost = document.activeElement === document.body
    if (isLost && focused instanceof HTMLElement && focused.isConnected) {
      focused.focus({ preventScroll: true })
    }
  })
}
