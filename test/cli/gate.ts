/** A way to the emulator that refuses some requests, as the rights of a caller do. */
import { createServer, request } from 'node:http'

export interface Gate {
  readonly endpoint: string
  stop(): Promise<void>
}

/**
 * Starts it on a free port of 127.0.0.1.
 *
 * @param refused paths, decoded, that are answered with 403
 */
export async function startGate(endpoint: string, refused: RegExp): Promise<Gate> {
  const server = createServer((incoming, outgoing) => {
    if (refused.test(decodeURIComponent(incoming.url ?? ''))) {
      incoming.resume()
      outgoing.writeHead(403, { 'Content-Type': 'application/xml' })
      outgoing.end('<Error><Code>AccessDenied</Code><Message>no right</Message></Error>')
      return
    }
    const { method, headers } = incoming
    const onward = request(`${endpoint}${incoming.url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
