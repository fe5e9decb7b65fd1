/** S3 notifications as they lie in the Events queue: keys to look at, by run. */
import * as z from 'zod/mini'
import { isElsewhere, keyIn, meaningOf, type Run } from '../hook/names.ts'
import { runsOfKey } from './places.ts'

/** The keys of one run, and the messages that named them. */
export interface RunKeys {
  keys: Set<string>
  /** By the id of a message the first of these keys that it names. */
  keyOf: Map<string, string>
}

/** The message of the sweep, or of a person, that asks to look at keys. */
const lookSchema = z.object({ look: z.array(z.string()) })
const notificationSchema = z.looseObject({
  Records: z.array(
    z.looseObject({ s3: z.looseObject({ object: z.looseObject({ key: z.string() }) }) }),
  ),
})

/**
 * The keys that a batch of messages names, by run. `s3:TestEvent` and keys outside the protocol name
 * none; a message that is nothing of this is ignored, since looking again would not help.
 *
 * @param keyPrefix keys outside it are not the stack's business
 */
export function keysByRun(
  messages: readonly { messageId: string; body: string }[],
  keyPrefix: string,
): Map<Run, RunKeys> {
  const byRun = new Map<Run, RunKeys>()
  for (const { messageId, body } of messages) {
    for (const key of keysIn(body)) {
      for (const run of isLookedAt(key, keyPrefix) ? runsOfKey(key) : []) {
        const found = byRun.get(run) ?? { keys: new Set(), keyOf: new Map() }
        byRun.set(run, found)
        found.keys.add(key)
        if (!found.keyOf.has(messageId)) found.keyOf.set(messageId, key)
      }
    }
  }
  return byRun
}

/** A pin or a consent lies outside every prefix, and concerns the stack where its run reaches into this one. */
function isLookedAt(key: string, keyPrefix: string): boolean {
  const meaning = meaningOf(key)
  if (meaning.kind !== 'pin' && meaning.kind !== 'consent') {
    return key.startsWith(keyPrefix) || isElsewhere(key)
  }
  const ofRun = keyIn(meaning.run, '')
  return ofRun.startsWith(keyPrefix) || keyPrefix.startsWith(ofRun)
}

function keysIn(body: string): string[] {
  const message = jsonOf(body)
  // First what nearly all of them are: to say why a message is none takes longer than to read one.
  const notification = notificationSchema.safeParse(message)
  if (notification.success) {
    return notification.data.Records.flatMap(({ s3 }) => candidates(s3.object.key))
  }
  const look = lookSchema.safeParse(message)
  return look.success ? look.data.look : []
}

/**
 * S3 encodes keys in its notifications as a form does. A store that does not would be misread, and an
 * event is only a hint where to look: so where the two readings differ, both are looked at.
 */
function candidates(key: string): string[] {
  const raw = key
  let decoded = raw
  try {
    decoded = decodeURIComponent(raw.replaceAll('+', ' '))
  } catch {
    // A percent sign that encodes nothing: the key was not encoded.
  }
  return decoded === raw ? [raw] : [decoded, raw]
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
