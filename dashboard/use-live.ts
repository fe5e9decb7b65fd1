/** An answer that is asked for again while somebody looks: gently, and slower while nothing changes. */
import { useEffect, useState } from 'preact/hooks'
import { type AskError, type Asked, ask } from './ask.ts'

const SHORTEST_MS = 2_000
const LONGEST_MS = 15_000
/** How much longer the pause gets each time that nothing has changed. */
const SLOWER = 1.25
/** An answer that takes long is asked for less often: it costs the table more. */
const PAUSE_FOR_EACH_MS = 10

export interface Live<T> {
  /** The newest that was heard, kept while there is no other. */
  readonly answer?: T
  /** When the server last answered, in milliseconds. */
  readonly heardMs?: number
  /** Why the last question had no answer; nothing once one has. */
  readonly failure?: AskError
}

/** @param path what is asked; nothing is asked without one */
export function useLive<T>(path: string | undefined): Live<T> {
  const [live, setLive] = useState<Live<T> & { path?: string }>({})
  useEffect(() => {
    if (path === undefined) return
    const stop = new AbortController()
    void follow<T>(path, stop.signal, (change) =>
      setLive((before) => ({ ...(before.path === path ? before : {}), path, ...change })),
    )
    return () => stop.abort()
  }, [path])
  return live.path === path ? live : {}
}

type Change<T> = Partial<Live<T>> | { failure: undefined }

async function follow<T>(
  path: string,
  signal: AbortSignal,
  tell: (change: Live<T>) => void,
): Promise<void> {
  let known: string | null = null
  let pauseMs = SHORTEST_MS
  while (!signal.aborted) {
    const began = performance.now()
    try {
      const asked: Asked<T> = await ask<T>(path, signal, known)
      const heard = { heardMs: Date.now(), failure: undefined } as Change<T>
      if (asked.kind === 'answer') {
        known = asked.tag
        pauseMs = SHORTEST_MS
        tell({ ...heard, answer: asked.body } as Live<T>)
      } else {
        pauseMs = Math.min(LONGEST_MS, pauseMs * SLOWER)
        tell(heard as Live<T>)
      }
    } catch (error) {
      if (signal.aborted) return
      pauseMs = Math.min(LONGEST_MS, pauseMs * SLOWER)
      tell({ failure: error as AskError })
    }
    const took = performance.now() - began
    await pause(Math.min(LONGEST_MS, Math.max(pauseMs, PAUSE_FOR_EACH_MS * took)), signal)
  }
}

/** Ends early when the page is looked at again, and not before it is. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const isHidden = () => document.visibilityState === 'hidden'
    const end = () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const look = () => {
      if (!isHidden()) end()
    }
    const timer = setTimeout(look, ms)
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', end)
  })
}
