/** The dashboard's server, on this machine's own address alone. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure } from '../failure.ts'
import type { Stack } from '../stack/stack.ts'
import { Key } from './access.ts'
import { pageFiles } from './page-files.ts'
import { type Desk, respond } from './respond.ts'

const THIS_MACHINE = '127.0.0.1'

export interface Dashboard {
  /** With the key in it. */
  readonly address: string
  /** One that admits a single time. */
  addressForOnce(): string
  close(): Promise<void>
}

/**
 * Starts the server.
 *
 * @param port 0 for any that is free
 * @throws {Failure} `port-taken`, `port-forbidden`
 */
export async function serveDashboard(stack: Stack, port: number): Promise<Dashboard> {
  const files = await pageFiles()
  const server = createServer()
  server.listen(port, THIS_MACHINE)
  await once(server, 'listening').catch((error) => {
    throw portFailure(error, port)
  })
  const chosen = (server.address() as AddressInfo).port
  const desk: Desk = { stack, files, key: new Key(chosen) }
  server.on('request', (request, response) => void serve(desk, request, response))
  const addressWith = (key: string) => `http://${THIS_MACHINE}:${chosen}/?key=${key}`
  return {
    address: addressWith(desk.key.text),
    addressForOnce: () => addressWith(desk.key.forOnce()),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function serve(
  desk: Desk,
  { method = '', url = '', headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, headers: answered, body } = await respond(desk, { method, url, headers })
  response.writeHead(status, answered).end(body)
}

function portFailure(error: NodeJS.ErrnoException, port: number): Failure {
  if (error.code === 'EACCES') {
    return new Failure('failed', `the port ${port} may not be used by this user`, {
      code: 'port-forbidden',
      advice: 'Name a --port from 1024, or none.',
    })
  }
  return new Failure('failed', `the port ${port} is taken`, {
    code: 'port-taken',
    advice: 'Name another --port, or none: a free one is found.',
    cause: error,
  })
}
