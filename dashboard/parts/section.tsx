import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A part of a page, under its title. */
export function Section({
  title,
  more,
  children,
}: {
  title: string
  /** Beside the title. */
  more?: ComponentChildren
  children: ComponentChildren
}) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <div class="section-head">
        <h2 id={id}>{title}</h2>
        {more}
      </div>
      {children}
    </section>
  )
}
