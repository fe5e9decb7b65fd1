/** Which runs there are: their best and last at a glance, the newest upload first. */
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import type { RunsAnswer } from '../../lib/query/runs.ts'
import { pathTo } from '../ask.ts'
import { Heard } from '../parts/heard.tsx'
import { hashOf } from '../route.ts'
import { SessionContext } from '../session.ts'
import { useLive } from '../use-live.ts'
import { RunsTable } from './runs-table.tsx'

/** Runs in a page. */
const PAGE = 50
/** Nobody types faster, and each question reads the table. */
const TYPING_MS = 250

export function RunsPage({
  prefix,
  chosen,
  onChoose,
}: {
  prefix: string
  chosen: readonly string[]
  onChoose: (run: string) => void
}) {
  const [places, setPlaces] = useState<readonly string[]>([])
  useEffect(() => setPlaces([]), [prefix])
  const next = places.at(-1)
  const live = useLive<RunsAnswer>(
    pathTo('api/runs', { ...(prefix !== '' && { prefix }), limit: PAGE, next }),
  )
  const answer = useNewest(live.answer)
  return (
    <>
      <div class="page-head">
        <h1>Runs</h1>
        <Search prefix={prefix} />
        <Heard live={live} />
      </div>
      {answer === undefined && !live.failure && <p class="quiet">Asking…</p>}
      {answer !== undefined && answer.runs.length === 0 && <NoRuns prefix={prefix} />}
      {answer !== undefined && answer.runs.length > 0 && (
        <RunsTable runs={answer.runs} chosen={chosen} onChoose={onChoose} />
      )}
      {(places.length > 0 || answer?.next !== undefined) && (
        <nav class="pages" aria-label="Pages of runs">
          <button
            type="button"
            disabled={places.length === 0}
            onClick={() => setPlaces(places.slice(0, -1))}
          >
            Newer
          </button>
          <span>page {places.length + 1}</span>
          <button
            type="button"
            disabled={answer?.next === undefined}
            onClick={() => setPlaces([...places, ...(answer?.next ? [answer.next] : [])])}
          >
            Older
          </button>
        </nav>
      )}
    </>
  )
}

/** The list that was shown before, until the next one is heard: it would flicker at each letter. */
function useNewest<T>(answer: T | undefined): T | undefined {
  const newest = useRef(answer)
  if (answer !== undefined) newest.current = answer
  return newest.current
}

function Search({ prefix }: { prefix: string }) {
  const [text, setText] = useState(prefix)
  // The address may change by itself: back, or another link.
  useEffect(() => setText(prefix), [prefix])
  useEffect(() => {
    if (text === prefix) return
    const timer = setTimeout(() => {
      history.replaceState(null, '', hashOf({ page: 'runs', prefix: text }))
      dispatchEvent(new HashChangeEvent('hashchange'))
    }, TYPING_MS)
    return () => clearTimeout(timer)
  }, [text, prefix])
  return (
    <search>
      <label>
        <span class="label">Name begins with</span>
        <input
          type="search"
          value={text}
          autocomplete="off"
          spellcheck={false}
          placeholder="work_dirs/"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
    </search>
  )
}

function NoRuns({ prefix }: { prefix: string }) {
  const session = useContext(SessionContext)
  if (prefix !== '') {
    return (
      <div class="empty">
        <p>No run’s name begins with that.</p>
        <p>
          <a href={hashOf({ page: 'runs', prefix: '' })}>All runs</a>
        </p>
      </div>
    )
  }
  const bucket = session?.bucket ?? 'BUCKET'
  return (
    <div class="empty">
      <h2>No runs yet</h2>
      <p>A run is a prefix of the bucket. It is here once its first checkpoint is uploaded:</p>
      <pre>
        {`ckpt push epoch_1.pth s3://${bucket}/work_dirs/my-run\nckpt log s3://${bucket}/work_dirs/my-run --epoch 1 accuracy=0.91`}
      </pre>
      <p>
        Any S3 client does. What lay there before: <code>ckpt adopt</code>.
      </p>
    </div>
  )
}
