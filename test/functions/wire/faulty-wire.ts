/** Stands between functions and the local cloud, and does to their requests what a network or S3 may do. */
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http'
import { Chance } from '../../oracle/chance.ts'

/** What befalls a request. */
export type WireFault =
  /** It never arrives. */
  | 'reset before'
  /** It is applied, and the connection ends before the answer. */
  | 'reset after'
  /** The answer ends in its middle. */
  | 'short body'
  /** The answer stops in its middle, and the connection stays. */
  | 'stalled body'
  /** It is not applied, and its error comes with a status of 200, as S3 may answer what takes long. */
  | 'error in 200'
  /** The whole object comes in the place of a range. */
  | 'ignored range'
  /** Too many requests. */
  | '503'

export interface FaultyWire {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  /** How often the fault struck, by what was asked for. */
  readonly struck: ReadonlyMap<string, number>
  stop(): Promise<void>
}

/** How likely a fault strikes after its first time; the SDK asks three times, so that some of them are seen. */
const LIKELY = 0.35

/** When a fault strikes. */
export interface Strikes {
  /** So often, and then no more. */
  readonly most: number
  /** Which of the requests; how these fall together at a time is up to the machine. */
  readonly seed: number
}

/** Starts a wire with one fault. */
export async function startFaultyWire(
  endpoint: string,
  fault: WireFault,
  { most, seed }: Strikes,
): Promise<FaultyWire> {
  const struck = new Map<string, number>()
  let left = most
  const chance = new Chance(seed)
  const strikes = (asked: IncomingMessage): boolean => {
    if (left === 0 || !canBefall(fault, asked)) return false
    if (struck.size > 0 && !chance.happens(LIKELY)) return false
    left -= 1
    const name = nameOf(asked)
    struck.set(name, (struck.get(name) ?? 0) + 1)
    return true
  }
  const server = createServer((asked, answer) => {
    if (strikes(asked)) befall(endpoint, fault, asked, answer)
    else passOn(endpoint, asked, asked.headers, (given) => whole(given, answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}`,
    struck,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function canBefall(fault: WireFault, asked: IncomingMessage): boolean {
  if (fault === 'error in 200') return isSlowWork(asked)
  if (fault === 'ignored range') return asked.headers.range !== undefined
  return true
}

/** S3 begins its answer before it knows the end: a copy, of an object or a part, and what completes an upload. */
function isSlowWork({ method, url = '', headers }: IncomingMessage): boolean {
  return 'x-amz-copy-source' in headers || (method === 'POST' && url.includes('uploadId='))
}

/** Such as `S3 PUT copy`, `DynamoDB TransactWriteItems`. */
function nameOf({ method, url = '', headers }: IncomingMessage): string {
  const target = headers['x-amz-target']
  if (typeof target === 'string') return target.replace(/^(DynamoDB)_\d+\.|^Amazon(SQS)\./, '$1$2 ')
  const what = 'x-amz-copy-source' in headers ? ' copy' : ''
  const query = /[?&](versions|uploads|uploadId|list-type|versioning)\b/.exec(url)?.[1] ?? ''
  return `S3 ${method}${what} ${query}`.trim()
}

function befall(
  endpoint: string,
  fault: WireFault,
  asked: IncomingMessage,
  answer: ServerResponse,
): void {
  const pass = (then: (given: IncomingMessage) => void) => {
    passOn(endpoint, asked, asked.headers, then)
  }
  switch (fault) {
    case 'reset before':
      asked.resume().on('end', () => answer.destroy())
      break
    case 'reset after':
      pass((given) => given.resume().on('end', () => answer.destroy()))
      break
    case 'short body':
      pass((given) => half(given, answer, () => answer.destroy()))
      break
    case 'stalled body':
      pass((given) => half(given, answer, () => {}))
      break
    case 'error in 200':
      refuse(asked, answer, 200, 'InternalError')
      break
    case '503':
      refuse(asked, answer, 503, 'SlowDown')
      break
    case 'ignored range': {
      const { range: _, ...headers } = asked.headers
      passOn(endpoint, asked, headers, (given) => whole(given, answer))
    }
  }
}

function passOn(
  endpoint: string,
  asked: IncomingMessage,
  headers: OutgoingHttpHeaders,
  then: (given: IncomingMessage) => void,
): void {
  const { hostname, port } = new URL(endpoint)
  const { method, url: path } = asked
  const passed = request({ hostname, port, method, path, headers }, then)
  // The emulator ends at the end of the test, with requests under way.
  passed.on('error', () => asked.destroy())
  asked.pipe(passed)
}

function whole(given: IncomingMessage, answer: ServerResponse): void {
  answer.writeHead(given.statusCode ?? 500, given.headers)
  given.pipe(answer)
}

/** Sends the head of an answer and half of its body, all of whose length the head promises. */
function half(given: IncomingMessage, answer: ServerResponse, then: () => void): void {
  const chunks: Buffer[] = []
  given.on('data', (chunk: Buffer) => chunks.push(chunk))
  given.on('end', () => {
    const body = Buffer.concat(chunks)
    answer.writeHead(given.statusCode ?? 500, given.headers)
    answer.write(body.subarray(0, body.byteLength >> 1), then)
  })
}

function refuse(
  asked: IncomingMessage,
  answer: ServerResponse,
  status: number,
  code: string,
): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>fault</Message></Error>`
  asked.resume().on('end', () => {
    answer.writeHead(status, { 'content-type': 'application/xml' }).end(body)
  })
}
