/** Which stack the server asks. */
import { createContext } from 'preact'

export interface Session {
  readonly stack: string
  readonly region: string
  readonly bucket: string
}

export const SessionContext = createContext<Session | undefined>(undefined)
