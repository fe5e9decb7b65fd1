import type { ComponentChildren } from 'preact'

/** What may be wider than the screen, and then scrolls by itself, by keys too. */
export function Wide({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <section class="wide" aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}
