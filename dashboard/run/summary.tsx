import type { ComponentChildren } from 'preact'
import { printable } from '../../cli/output/printable.ts'
import { readableSize } from '../../cli/output/sizes.ts'
import type { RunAnswer } from '../../lib/query/describe-run.ts'
import { percentOf, readableCount, readableScore } from '../numbers.ts'
import { Name } from '../parts/name.tsx'
import { bestInOrder } from './best-in-order.ts'
import { downloadOf, keyIn } from './links.ts'

/** Best, last and storage of a run at a glance. */
export function Summary({ run }: { run: RunAnswer }) {
  const { last_ckpt: last, steps, storage } = run
  const best = bestInOrder(run)
  const lastKey = last === undefined ? undefined : keyIn(last)
  const lastStep = steps.findLast(({ key }) => key === lastKey)
  const kept = steps.filter(({ fate }) => fate === 'kept' || fate === 'held').length
  const stored = storage.kept_bytes + storage.made_bytes
  const saved = storage.evicted_bytes + storage.stripped_bytes
  return (
    <dl class="tiles">
      {best.map(({ metric, score, step, rule, copy, state }) => (
        <Tile
          key={metric}
          title={
            <>
              Best <Name of={metric} />
            </>
          }
          value={<span title={score}>{readableScore(score)}</span>}
        >
          step {readableCount(step)}, {rule === 'greater' ? 'greater' : 'less'} is better
          {copy === undefined ? (
            <span class="quiet"> · {state}</span>
          ) : (
            <a
              href={downloadOf(run.run, keyIn(copy))}
              aria-label={`Download the best ${printable(metric)}`}
            >
              Download
            </a>
          )}
        </Tile>
      ))}
      <Tile
        title="Last"
        value={
          lastStep === undefined
            ? last === undefined
              ? 'none yet'
              : '–'
            : readableCount(lastStep.step)
        }
      >
        {lastStep && `${lastStep.series}, ${readableSize(lastStep.size_bytes)}`}
        {lastKey !== undefined && (
          <a href={downloadOf(run.run, lastKey)} aria-label="Download the last">
            Download
          </a>
        )}
      </Tile>
      <Tile title="Checkpoints" value={`${readableCount(kept)} kept`}>
        of {readableCount(steps.length)} uploaded
      </Tile>
      <Tile title="Stored" value={readableSize(stored)}>
        {readableSize(storage.kept_bytes)} checkpoints, {readableSize(storage.made_bytes)} copies
      </Tile>
      <Tile title="Saved" value={readableSize(saved)}>
        {percentOf(saved, stored + saved)} of all: {readableSize(storage.evicted_bytes)} evicted
        {storage.stripped_bytes > 0 && `, ${readableSize(storage.stripped_bytes)} stripped`}; paid
        for until it expires
        <Bar part={stored} whole={stored + saved} />
      </Tile>
    </dl>
  )
}

function Tile({
  title,
  value,
  children,
}: {
  title: ComponentChildren
  value: ComponentChildren
  children: ComponentChildren
}) {
  return (
    <div class="tile">
      <dt>{title}</dt>
      <dd class="value">{value}</dd>
      <dd class="more">{children}</dd>
    </div>
  )
}

/** How much of all that was uploaded is stored. */
function Bar({ part, whole }: { part: number; whole: number }) {
  if (whole === 0) return null
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${(100 * part) / whole}%` }} />
    </span>
  )
}
