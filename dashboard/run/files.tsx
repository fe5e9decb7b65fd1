import { printable } from '../../cli/output/printable.ts'
import { readableSize } from '../../cli/output/sizes.ts'
import type { RunAnswer } from '../../lib/query/describe-run.ts'
import { readableCount } from '../numbers.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Name } from '../parts/name.tsx'
import { Section } from '../parts/section.tsx'
import { Wide } from '../parts/wide.tsx'
import { downloadOf, nameOf } from './links.ts'

/** What the page shows of a file of the hub's, as the table has it. */
interface Artifact {
  readonly key: string
  readonly state: string
  readonly kind?: 'best' | 'published'
  readonly of_metric?: string
  readonly source?: { readonly step: number }
  readonly size_bytes?: number
  readonly sha256?: string
  readonly kept_keys?: readonly string[]
  readonly reason?: string
}

const ORDER = ['current', 'being made', 'refused', 'foreign', 'superseded', 'removed']

/** Best copies and published files, those that are there first. */
export function Files({ run }: { run: RunAnswer }) {
  const files = (run.artifacts as unknown as Artifact[]).toSorted(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state),
  )
  return (
    <Section title="Best and published files">
      {files.length === 0 ? (
        <p class="quiet">None yet: a best copy is made for each metric of save_best.</p>
      ) : (
        <Wide label="Table of files">
          <table class="files">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">
                  <span class="unseen">Download</span>
                </th>
                <th scope="col">What</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Step
                </th>
                <th scope="col" class="number">
                  Size
                </th>
                <th scope="col">SHA-256</th>
                <th scope="col">Keys</th>
              </tr>
            </thead>
            <tbody>
              {files.map((file) => (
                <FileRow key={file.key} run={run.run} file={file} />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  )
}

const HASH_SHOWN = 12

function FileRow({ run, file }: { run: string; file: Artifact }) {
  const { key, state, kind, of_metric: metric, source, size_bytes: size, sha256, reason } = file
  const name = nameOf(key)
  return (
    <tr class={state === 'current' ? '' : 'past'}>
      <th scope="row">
        <span class="copied">
          <Name of={name} /> <CopyButton text={key} what={`the key of ${name}`} />
        </span>
        {reason !== undefined && (
          <p class="bad">
            <Name of={reason} />
          </p>
        )}
      </th>
      <td>
        {state === 'current' && (
          <a href={downloadOf(run, key)} aria-label={`Download ${printable(name)}`}>
            Download
          </a>
        )}
      </td>
      <td class="what">
        {kind} {kind !== undefined && <Name of={metric ?? 'last'} />}
      </td>
      <td>{state}</td>
      <td class="number">{source && readableCount(source.step)}</td>
      <td class="number">{size !== undefined && readableSize(size)}</td>
      <td>
        {sha256 !== undefined && (
          <span class="copied">
            <code title={sha256}>{sha256.slice(0, HASH_SHOWN)}…</code>{' '}
            <CopyButton text={sha256} what={`the SHA-256 of ${name}`} />
          </span>
        )}
      </td>
      <td class="keys">
        <Name of={(file.kept_keys ?? []).join(', ')} />
      </td>
    </tr>
  )
}
