import { Name } from '../parts/name.tsx'

/** The options in force, every argument resolved. */
export function Options({ options }: { options: Readonly<Record<string, unknown>> }) {
  return (
    <dl class="options">
      {Object.entries(options)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>
              <code>
                <Name of={JSON.stringify(value)} />
              </code>
            </dd>
          </div>
        ))}
    </dl>
  )
}
