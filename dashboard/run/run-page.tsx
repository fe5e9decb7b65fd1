/** One run: best and last, curves, checkpoints and what became of them, files, problems, options. */
import { counted } from '../numbers.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Heard } from '../parts/heard.tsx'
import { Name } from '../parts/name.tsx'
import { Section } from '../parts/section.tsx'
import type { Theme } from '../theme.ts'
import { Checkpoints } from './checkpoints.tsx'
import { Curves } from './curves.tsx'
import { Files } from './files.tsx'
import { Notices } from './notices.tsx'
import { useOlder, withOlder } from './older.ts'
import { Options } from './options.tsx'
import { Problems } from './problems.tsx'
import { Summary } from './summary.tsx'
import { useRun } from './use-run.ts'

export function RunPage({
  run,
  metrics,
  theme,
  isChosen,
  onChoose,
}: {
  run: string
  /** Those whose curves are shown; the page chooses where there are none. */
  metrics: readonly string[]
  theme: Theme
  isChosen: boolean
  onChoose: () => void
}) {
  const live = useRun(run)
  const older = useOlder(run)
  const answer = live.answer && withOlder(live.answer, older.pages)
  const next = older.pages.length === 0 ? live.answer?.next : older.pages.at(-1)?.next
  return (
    <>
      <div class="page-head">
        <h1>
          <Name of={run} />
        </h1>
        <CopyButton text={run} what="the name of the run" />
        <label class="choice">
          <input type="checkbox" checked={isChosen} onChange={onChoose} /> Compare
        </label>
        <Heard live={live} />
      </div>
      {answer === undefined && !live.failure && <p class="quiet">Asking…</p>}
      {answer !== undefined && (
        <>
          <Summary run={answer} />
          <Notices run={answer} />
          {answer.problems.length > 0 && <Problems problems={answer.problems} />}
          <Curves run={answer} metrics={metrics} theme={theme} />
          <Checkpoints run={answer} theme={theme} />
          {next !== undefined && (
            <p class="older">
              The newest {counted(answer.steps.length, 'checkpoint')} are here.{' '}
              <button type="button" disabled={older.isAsking} onClick={() => older.ask(next)}>
                {older.isAsking ? 'Asking…' : 'Older ones too'}
              </button>
            </p>
          )}
          <Files run={answer} />
          <Section title="Options">
            <Options options={answer.options} />
          </Section>
        </>
      )}
    </>
  )
}
