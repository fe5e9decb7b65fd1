/** As much of S3 as reading takes: HEAD and ranges of the files of a folder, counted as they leave. */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'

export interface RangeStore {
  readonly endpoint: string
  /** Requests that came, such as `GET epoch_1.pth`. */
  readonly requests: string[]
  /** Bytes of the bodies that were sent. */
  sentBytes(): number
  stop(): Promise<void>
}

/** Starts the store on a free port of 127.0.0.1; the bucket's name does not matter. */
export async function startRangeStore(folder: string): Promise<RangeStore> {
  const requests: string[] = []
  let sentBytes = 0
  const server = createServer((request, response) => {
    const name = basename(new URL(request.url ?? '', 'http://store').pathname)
    const path = join(folder, name)
    requests.push(`${request.method} ${name}`)
    if (!existsSync(path)) {
      response.writeHead(404).end()
      return
    }
    const { size } = statSync(path)
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'Content-Length': size, ETag: '"etag"' }).end()
      return
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined || last === undefined || request.headers['if-match'] !== '"etag"') {
      response.writeHead(400).end()
      return
    }
    const [start, end] = [Number(first), Number(last)]
    sentBytes += end - start + 1
    response.writeHead(206, {
      'Content-Length': end - start + 1,
      'Content-Range': `bytes ${start}-${end}/${size}`,
      ETag: '"etag"',
    })
    createReadStream(path, { start, end }).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    sentBytes: () => sentBytes,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
