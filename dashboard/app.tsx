/** What is around every page: head, keys, what was heard when. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { printable } from '../cli/output/printable.ts'
import { ComparePage } from './compare/compare-page.tsx'
import { Help } from './parts/help.tsx'
import { hashOf, type Route, routeOf } from './route.ts'
import { RunPage } from './run/run-page.tsx'
import { RunsPage } from './runs/runs-page.tsx'
import { type Session, SessionContext } from './session.ts'
import { chooseFocused, moveFocus, useShortcuts } from './shortcuts.ts'
import { useTheme } from './theme.ts'
import { useLive } from './use-live.ts'

export function App() {
  const route = useRoute()
  const [theme, turnTheme] = useTheme()
  const [isHelpShown, setHelpShown] = useState(false)
  const [chosen, setChosen] = useState<readonly string[]>([])
  const session = useLive<Session>('session').answer
  const choose = (run: string) => setChosen((before) => toggled(before, run))
  // An address of a comparison chooses its runs.
  useEffect(() => {
    if (route.page === 'compare') setChosen(route.runs)
  }, [route])
  const compared: Route = { page: 'compare', metric: '', runs: chosen }
  useShortcuts({
    '?': () => setHelpShown(true),
    r: () => go({ page: 'runs', prefix: '' }),
    c: () => go(compared),
    '/': () => document.querySelector<HTMLElement>('input[type=search]')?.focus(),
    j: () => moveFocus(1),
    k: () => moveFocus(-1),
    x: chooseFocused,
    t: turnTheme,
  })
  return (
    <SessionContext.Provider value={session}>
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to the content
      </button>
      <header class="head">
        <a class="brand" href={hashOf({ page: 'runs', prefix: '' })}>
          Checkpoint Hub
        </a>
        <nav aria-label="Pages">
          <a href={hashOf({ page: 'runs', prefix: '' })} aria-current={current(route, 'runs')}>
            Runs
          </a>
          <a href={hashOf(compared)} aria-current={current(route, 'compare')}>
            Compare{chosen.length > 0 && <span class="count">{chosen.length}</span>}
          </a>
        </nav>
        <p class="stack">{session && `${session.stack} · ${session.region}`}</p>
        <button type="button" onClick={turnTheme}>
          {theme === 'dark' ? 'Light' : 'Dark'}
        </button>
        <button type="button" aria-label="Keyboard shortcuts" onClick={() => setHelpShown(true)}>
          ?
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {route.page === 'runs' && (
          <RunsPage prefix={route.prefix} chosen={chosen} onChoose={choose} />
        )}
        {route.page === 'run' && (
          <RunPage
            key={route.run}
            run={route.run}
            metrics={route.metrics}
            theme={theme}
            isChosen={chosen.includes(route.run)}
            onChoose={() => choose(route.run)}
          />
        )}
        {route.page === 'compare' && (
          <ComparePage metric={route.metric} runs={route.runs} theme={theme} />
        )}
      </main>
      {isHelpShown && <Help onClose={() => setHelpShown(false)} />}
    </SessionContext.Provider>
  )
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  const page = useRef(route)
  useEffect(() => {
    const follow = () => {
      const next = routeOf(location.hash)
      if (placeOf(next) !== placeOf(page.current)) {
        scrollTo(0, 0)
        document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
      }
      page.current = next
      setRoute(next)
    }
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  useEffect(() => {
    document.title = `${titleOf(route)} · Checkpoint Hub`
  }, [route])
  return route
}

/** What a person takes for one page, whatever is chosen on it. */
function placeOf(route: Route): string {
  return route.page === 'run' ? `run ${route.run}` : route.page
}

function titleOf(route: Route): string {
  if (route.page === 'run') return printable(route.run)
  return route.page === 'runs' ? 'Runs' : 'Compare'
}

function current(route: Route, page: Route['page']): 'page' | undefined {
  return route.page === page ? 'page' : undefined
}

function go(route: Route): void {
  location.hash = hashOf(route)
}

function skipToMain(): void {
  document.querySelector<HTMLElement>('main')?.focus()
}

function toggled(list: readonly string[], item: string): string[] {
  return list.includes(item) ? list.filter((each) => each !== item) : [...list, item]
}
