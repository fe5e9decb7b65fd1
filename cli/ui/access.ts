/** Who may ask the dashboard's server: pages that it served itself, to whoever was given its key. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Ports are left open: the server may be reached through a tunnel that has another one. */
const OWN_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i
/** What a browser says of a request that a page of this server, or a person, made. */
const OWN_SITES: readonly unknown[] = [undefined, 'same-origin', 'none']

/** Whether a request was sent to this machine by name, and not to somebody's name that leads here. */
export function isToThisMachine({ host }: IncomingHttpHeaders): boolean {
  return host !== undefined && OWN_HOST.test(host)
}

/** Whether no page of another site made the request. */
export function isOfOwnSite(headers: IncomingHttpHeaders): boolean {
  return OWN_SITES.includes(headers['sec-fetch-site'])
}

/**
 * The key to one server: other people of this machine reach its port too, and whoever asks it has the caller's
 * rights. The address that is printed brings it; from then on the browser has it as a cookie.
 */
export class Key {
  readonly text = newText()
  readonly #cookie: string
  readonly #forOnce = new Set<string>()

  /** @param port tells the cookies of several servers apart: browsers do not */
  constructor(port: number) {
    this.#cookie = `ckpt_ui_${port}`
  }

  /** Whether an address has the key; one for a single use admits nobody else afterwards. */
  admits(text: string): boolean {
    return this.#forOnce.delete(text) || this.#isText(text)
  }

  /** Another text that admits once: other people of a machine see which programs were started with which words. */
  forOnce(): string {
    const text = newText()
    this.#forOnce.add(text)
    return text
  }

  #isText(text: string): boolean {
    return timingSafeEqual(digest(text), digest(this.text))
  }

  isWith({ cookie = '' }: IncomingHttpHeaders): boolean {
    const prefix = `${this.#cookie}=`
    const found = cookie.split('; ').find((each) => each.startsWith(prefix))
    return found !== undefined && this.#isText(found.slice(prefix.length))
  }

  /** Lax, since the address may be followed from another page, such as a terminal in the browser. */
  get setCookie(): string {
    return `${this.#cookie}=${this.text}; HttpOnly; SameSite=Lax; Path=/`
  }
}

function newText(): string {
  return randomBytes(16).toString('base64url')
}

/** Of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
