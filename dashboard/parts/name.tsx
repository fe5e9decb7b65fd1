import { printable } from '../../cli/output/printable.ts'

/**
 * The name of a run, a metric or a file: a text from outside. What would turn the writing or cannot be seen is
 * written out, and a long one may break anywhere.
 */
export function Name({ of }: { of: string }) {
  return (
    <bdi class="name" translate={false}>
      {printable(of)}
    </bdi>
  )
}
