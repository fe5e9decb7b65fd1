/** The dashboard: looks at what the stack knows, and changes nothing. */
import { render } from 'preact'
import { App } from './app.tsx'
import { showTheme } from './theme.ts'

showTheme()
render(<App />, document.body)
