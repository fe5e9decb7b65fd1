/** Dark and light: as the system has it, until somebody chooses. */
import { useEffect, useState } from 'preact/hooks'

export type Theme = 'dark' | 'light'

const STORED = 'theme'
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')

/** The theme in force, and what changes it to the other one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(current)
  useEffect(() => {
    const follow = () => setTheme(showTheme())
    systemIsDark.addEventListener('change', follow)
    return () => systemIsDark.removeEventListener('change', follow)
  }, [])
  const turn = () => {
    const other = current() === 'dark' ? 'light' : 'dark'
    // What the system has needs no remembering: it may change.
    if (other === ofSystem()) localStorage.removeItem(STORED)
    else localStorage.setItem(STORED, other)
    setTheme(showTheme())
  }
  return [theme, turn]
}

/** Puts the theme before the style sheet, ahead of whatever reads a colour of it. */
export function showTheme(): Theme {
  const theme = current()
  document.documentElement.dataset['theme'] = theme
  return theme
}

function current(): Theme {
  const stored = localStorage.getItem(STORED)
  return stored === 'dark' || stored === 'light' ? stored : ofSystem()
}

function ofSystem(): Theme {
  return systemIsDark.matches ? 'dark' : 'light'
}

/** A colour of the style sheet, for what is drawn on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
