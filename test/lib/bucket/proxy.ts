/** Stands between a client and the store, for answers that the store never gives. */
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import { S3Client } from '@aws-sdk/client-s3'
import { CREDENTIALS, REGION } from '../../../local/environment.ts'

export interface Request {
  method: string
  url: string
  headers: IncomingHttpHeaders
}

export interface Proxy {
  newS3(): S3Client
  stop(): Promise<void>
}

/** @param answer the body of an answer of 200 in the store's stead, if there is to be one */
export async function startProxy(
  endpoint: string,
  answer: (request: Request) => string | undefined,
): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    const instead = answer({ method, url, headers })
    if (instead !== undefined) {
      incoming.resume()
      incoming.on('end', () => {
        outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(instead)
      })
      return
    }
    const { hostname, port } = new URL(endpoint)
    const forwarded = request({ hostname, port, method, path: url, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    newS3: () =>
      new S3Client({
        endpoint: `http://127.0.0.1:${port}`,
        region: REGION,
        credentials: CREDENTIALS,
        forcePathStyle: true,
      }),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
