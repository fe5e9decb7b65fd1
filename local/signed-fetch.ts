/** `fetch` with an AWS signature: function URLs with IAM answer no other. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { SourceData } from '@smithy/types'
import type { ClientConfig } from './cloud.ts'

/**
 * Fetches a URL, signed with Signature Version 4 for the service `lambda`.
 *
 * @throws {TypeError} as `fetch` does, where there is no answer
 */
export async function signedFetch(
  url: string | URL,
  { region, credentials }: Pick<ClientConfig, 'region' | 'credentials'>,
): Promise<Response> {
  const { protocol, hostname, host, pathname, searchParams } = new URL(url)
  const query: Record<string, string[]> = {}
  for (const name of new Set(searchParams.keys())) query[name] = searchParams.getAll(name)
  const signer = new SignatureV4({ service: 'lambda', region, credentials, sha256: Sha256 })
  const { headers } = await signer.sign({
    method: 'GET',
    protocol,
    hostname,
    path: pathname,
    query,
    headers: { host },
  })
  return await fetch(url, { headers })
}

/** Node's SHA-256, or its HMAC where a key is given, in the form that the signer asks for. */
class Sha256 {
  readonly #key: SourceData | undefined
  #hash: Hash | Hmac

  constructor(key?: SourceData) {
    this.#key = key
    this.#hash = this.#begin()
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#key))
  }
}

function bytesOf(data: SourceData): Uint8Array | string {
  if (typeof data === 'string') return data
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}
